"""Accepted flips: what a candidate does worse than its baseline, accepted with a reason.

A TOML file for one baseline and one candidate::

    baseline = "mobilenet-v1-0.50-160-quant"
    candidate = "mobilenet-v1-0.75-192-quant"

    [[accepted_flip]]
    picture = "panda"
    kind = "score fell"
    now = "giant panda"
    down_to = 0.50
    reason = "The panda is 100 × 100 pixels; no picture of ours is as small."
    seen = "91.0 % -> 54.7 %"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from inception_harness.errors import RecordError
from inception_harness.reviewed_entries import Entry, figures, read_entries, sentence, text

__all__ = ["AcceptedFlip", "AcceptedFlips", "FlipKind", "read_accepted_flips"]

FlipKind = Literal["wrong now", "other top class", "score fell"]


@dataclass(frozen=True)
class AcceptedFlip:
    """One flip that is accepted.

    Attributes:
        picture: the picture.
        kind: the kind of flip.
        now: the candidate's top class, by first name; another one is another flip.
        reason: why it is accepted; a sentence.
        seen: the figures that were seen.
        line: where the entry begins in its file.
        down_to: for ``score fell`` the lowest score that is accepted, 0..1.
    """

    picture: str
    kind: FlipKind
    now: str
    reason: str
    seen: str
    line: int
    down_to: float = 0.0


@dataclass(frozen=True)
class AcceptedFlips:
    """The accepted flips of one pair of versions.

    Attributes:
        baseline: the name of the model in service.
        candidate: the name of the model that may replace it.
        path: the file.
        entries: by picture.
    """

    baseline: str
    candidate: str
    path: Path
    entries: Mapping[str, AcceptedFlip] = field(default_factory=dict)


def read_accepted_flips(path: Path) -> AcceptedFlips:
    """Read a list of accepted flips.

    Raises:
        RecordError: the file is no such list; the message names the line.
    """
    keys = {"picture": text, "kind": _kind, "now": text, "reason": sentence, "seen": figures}
    head, rows = read_entries(
        path,
        "accepted_flip",
        {"baseline": text, "candidate": text},
        keys,
        optional={"down_to": _score},
    )
    entries: dict[str, AcceptedFlip] = {}
    for row in rows:
        _check_down_to(path, row)
        entry = AcceptedFlip(**row.values, line=row.line)
        if entry.picture in entries:
            raise RecordError(
                f"{path}, line {entry.line}: {entry.picture!r} is listed already, on line "
                f"{entries[entry.picture].line}. Keep one of the two."
            )
        entries[entry.picture] = entry
    return AcceptedFlips(head["baseline"], head["candidate"], path, entries)


def _check_down_to(path: Path, row: Entry) -> None:
    fell = row.values["kind"] == "score fell"
    if fell != ("down_to" in row.values):
        words = "misses the key 'down_to', the lowest score that is accepted"
        if not fell:
            words = "has the key 'down_to', which is for 'score fell' alone"
        raise RecordError(
            f"{path}, line {row.line}: an entry of the kind {row.values['kind']!r} {words}."
        )


def _kind(value: Any) -> str:
    kinds = get_args(FlipKind)
    if value not in kinds:
        raise ValueError(f"one of {', '.join(map(repr, kinds))}")
    return str(value)


def _score(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError("a score from 0 to 1")
    return float(value)
