"""Flips: pictures to which a candidate answers worse than the baseline.

Two records are enough: no model is loaded. A picture breaks at most one of three rules, the
gravest first:

1. what the baseline gets right, the candidate gets right (else ``wrong now``);
2. where the baseline is sure, the top class is kept (else ``other top class``);
3. there its score falls by no more than `MAX_FALL` (else ``score fell``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from inception_harness.accepted_flips import (
    AcceptedFlip,
    AcceptedFlips,
    FlipKind,
    read_accepted_flips,
)
from inception_harness.errors import RecordError
from inception_harness.flip_data import MAX_FALL, SURE, Flip
from inception_harness.record_data import Record, RecordRow
from inception_harness.same_class import is_right, same_class, same_name

if TYPE_CHECKING:
    from inception_harness.pictures import PictureSet

__all__ = [
    "MAX_FALL",
    "SURE",
    "AcceptedFlip",
    "AcceptedFlips",
    "Flip",
    "FlipKind",
    "accept",
    "expected_of",
    "find_flips",
    "read_accepted_flips",
]


def find_flips(baseline: Record, candidate: Record, expected: Mapping[str, str]) -> list[Flip]:
    """Return the pictures of both records to which the candidate answers worse.

    Args:
        baseline: what is in service.
        candidate: what may replace it.
        expected: by picture the right class, by first name or by WNID; pictures for which no
            class is right are not in it.

    Raises:
        RecordError: a class is given by its WNID, and a record has none.
    """
    found = []
    for picture in sorted(baseline.tables.keys() & candidate.tables.keys()):
        right = expected.get(picture, "")
        before, now = baseline.tables[picture], candidate.tables[picture]
        kind = _broken_rule(before, now, right)
        if kind:
            names = _names(baseline, candidate)
            found.append(Flip(picture, kind, right, *names, before, now))
    return found


def _broken_rule(
    before: Sequence[RecordRow], now: Sequence[RecordRow], expected: str
) -> FlipKind | None:
    if expected and is_right(before, expected) and not is_right(now, expected):
        return "wrong now"
    if before[0].score < SURE:
        return None
    if not same_class(before[0], now[0]):
        return "other top class"
    # Records keep six decimals, so a fall of the very bound is allowed. A score that is not a
    # number has fallen.
    kept = before[0].score - now[0].score <= MAX_FALL + 1e-6
    return None if kept else "score fell"


def accept(
    flips: Sequence[Flip], accepted: AcceptedFlips, baseline: Record, candidate: Record
) -> tuple[list[Flip], list[str]]:
    """Mark the flips that are accepted.

    Returns:
        The flips, those that are accepted with their reason; and a text for each entry that no
        flip needs.

    Raises:
        RecordError: the list is of another baseline or candidate.
    """
    pair, found = (accepted.baseline, accepted.candidate), (baseline.model, candidate.model)
    if pair != found:
        raise RecordError(
            f"{accepted.path}: the list accepts flips from {pair[0]} to {pair[1]}; compared are "
            f"{found[0]} and {found[1]}."
        )
    marked = [_marked(flip, accepted.entries.get(flip.picture)) for flip in flips]
    used = {flip.picture for flip in marked if flip.accepted}
    problems = [
        f"{accepted.path}, line {entry.line}: {picture!r} is accepted as {entry.kind!r}"
        f"{_limit(entry)} with {entry.now!r}, which does not occur. Correct the entry, or "
        "remove it."
        for picture, entry in accepted.entries.items()
        if picture not in used
    ]
    return marked, problems


def _limit(entry: AcceptedFlip) -> str:
    return f" down to {entry.down_to * 100:.1f} %" if entry.kind == "score fell" else ""


def _marked(flip: Flip, entry: AcceptedFlip | None) -> Flip:
    if entry is None or entry.kind != flip.kind:
        return flip
    top = flip.candidate[0]
    if not same_name(top.name, entry.now) or top.score < entry.down_to:
        return flip
    return replace(flip, accepted=entry.reason)


def expected_of(pictures: PictureSet) -> dict[str, str]:
    """Return the right class of each picture of a set that states one."""
    return {role: pictures[role].expected or "" for role in pictures if pictures[role].expected}


def _names(baseline: Record, candidate: Record) -> tuple[str, str]:
    if baseline.model != candidate.model:
        return baseline.model, candidate.model
    # The same model twice, as where only the engine changes.
    return (
        f"{baseline.model} ({baseline.engine} {baseline.engine_version})",
        f"{candidate.model} ({candidate.engine} {candidate.engine_version})",
    )
