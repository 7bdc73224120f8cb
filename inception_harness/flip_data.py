"""The data of a flip, and its text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from inception_harness.accepted_flips import FlipKind
from inception_harness.record_data import RecordRow

__all__ = ["MAX_FALL", "SURE", "Flip"]

# From this top score on the baseline is sure. Measured with the five MobileNets: of 129 answers
# that are as sure, none got another top class with another engine or another JPEG decoder, and 18
# of 754 (2.4 %) did by an upgrade; of the answers from 0.5 on, upgrades changed 8.9 %.
SURE = 0.80

# A sure score may fall by a fifth of the whole. The same network on another engine lost 0.043 at
# most on sure pictures, with another JPEG decoder 0.141; upgrades cost more than 0.20 on 69 of
# the 736 sure answers whose top class they kept.
MAX_FALL = 0.20

_SHOWN = 5
_WIDTH = 80
_COLUMN = 38


@dataclass(frozen=True)
class Flip:
    """A picture to which the candidate answers worse than the baseline.

    Attributes:
        picture: the picture.
        kind: which rule it breaks.
        expected: the right class as the picture set states it, or "".
        baseline_name: what the baseline is called.
        candidate_name: what the candidate is called.
        baseline: its best classes, best first.
        candidate: likewise.
        accepted: the reason for which the flip is accepted, or "".
    """

    picture: str
    kind: FlipKind
    expected: str
    baseline_name: str
    candidate_name: str
    baseline: tuple[RecordRow, ...]
    candidate: tuple[RecordRow, ...]
    accepted: str = ""

    @property
    def headline(self) -> str:
        """What happened, in a sentence."""
        was, now = self.baseline[0], self.candidate[0]
        if self.kind == "wrong now":
            return f"{self.picture}: right before, wrong now: {now.name} instead of {was.name}."
        if self.kind == "other top class":
            return (
                f"{self.picture}: the baseline is sure of {was.name} ({_percent(was.score)}), the "
                f"candidate says {now.name} ({_percent(now.score)})."
            )
        return (
            f"{self.picture}: {was.name} fell from {_percent(was.score)} to {_percent(now.score)}, "
            f"by {(was.score - now.score) * 100:.1f} points; {MAX_FALL * 100:.0f} are allowed "
            "where the baseline is sure."
        )

    @property
    def text(self) -> str:
        """The headline, and both top fives side by side; no line exceeds 80 columns."""
        lines = textwrap.wrap(self.headline, _WIDTH, subsequent_indent="  ")
        if self.accepted:
            lines += textwrap.wrap(
                f"accepted: {self.accepted}", _WIDTH, initial_indent="  ", subsequent_indent="  "
            )
        left = [_cut(self.baseline_name), *_table(self.baseline)]
        right = [_cut(self.candidate_name), *_table(self.candidate)]
        lines += [
            f"  {a:{_COLUMN}}  {b}".rstrip() for a, b in zip_longest(left, right, fillvalue="")
        ]
        return "\n".join(lines)


def _percent(score: float) -> str:
    return f"{score * 100:.1f} %"


def _table(rows: Sequence[RecordRow]) -> Iterator[str]:
    return (_cut(f"{row.score:>7.2%} : {row.name}") for row in rows[:_SHOWN])


def _cut(words: str) -> str:
    return words if len(words) <= _COLUMN else f"{words[: _COLUMN - 1]}…"
