"""What differs between a record and the scores of today, and what moved with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inception_harness.record_data import PictureHashes, Record, RecordRow
from inception_harness.tolerances import Tolerance, tolerance

__all__ = ["Difference", "Pair", "compare", "pair_rows"]

_SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """One way in which the scores of today are not those of a record.

    Attributes:
        picture: the picture, or "" where all of them are meant.
        kind: ``other model`` and ``other weights`` concern the whole record.
        text: what differs, what moved with it, and what to do; of several lines.
    """

    picture: str
    kind: Literal[
        "other model",
        "other weights",
        "vanished picture",
        "new picture",
        "other file",
        "names",
        "scores",
    ]
    text: str


@dataclass(frozen=True)
class Pair:
    """One class in two tables.

    Attributes:
        name: the class's first name.
        before: its score in the first; where it has none, the lowest that is shown there.
        now: its score in the second, likewise.
        gap: how far the two lie apart at least.
        shown: whether both tables show it.
    """

    name: str
    before: float
    now: float
    gap: float
    shown: bool = True


def compare(record: Record, current: Record) -> list[Difference]:
    """Return what differs between a record and the scores of today.

    Scores may move within `inception_harness.tolerances.tolerance`. What only one of the two has
    is a difference, whichever of them has it. Swapping the arguments gives as many differences,
    for the same pictures.

    Args:
        record: what was kept.
        current: what `inception_harness.records.record_of` makes of the run.
    """
    found = _whole(record, current)
    for picture in sorted(record.tables.keys() | current.tables.keys()):
        if picture not in current.tables:
            text = f"{picture}: it is in the record, and was not computed now."
            found.append(Difference(picture, "vanished picture", text))
        elif picture not in record.tables:
            text = f"{picture}: it is not in the record. Write the record anew to add it."
            found.append(Difference(picture, "new picture", text))
        else:
            found += _of_picture(picture, record, current)
    return found


def _whole(record: Record, current: Record) -> list[Difference]:
    found = []
    for kind, what in (("model", "model"), ("picture_set", "picture set"), ("classes", "classes")):
        before, now = getattr(record, kind), getattr(current, kind)
        if before != now:
            text = f"{what}: {before} in the record, {now} now. Is it the right record?"
            found.append(Difference("", "other model", text))
    if _moved(record.model_sha256, current.model_sha256):
        text = (
            f"the weights are not those of the record: sha256 {record.model_sha256[:12]}… in the "
            f"record, {current.model_sha256[:12]}… now. If they are meant to be new, write the "
            "record anew."
        )
        found.append(Difference("", "other weights", text))
    return found


def _of_picture(picture: str, record: Record, current: Record) -> list[Difference]:
    before, now = record.hashes[picture], current.hashes[picture]
    found = []
    if _moved(before.file, now.file):
        text = (
            f"{picture}: the picture's file is not that of the record: {before.file} in the "
            f"record, {now.file} now."
        )
        found.append(Difference(picture, "other file", text))
    found += _renamed(picture, record.tables[picture], current.tables[picture])
    otherwise = _decoded_otherwise(picture, record, current)
    allowed = tolerance(record, current, decoded_otherwise=otherwise)
    pairs = pair_rows(record.tables[picture], current.tables[picture])
    # Written so that a score that is not a number counts as moved.
    moved = sorted((p for p in pairs if not p.gap <= allowed.value), key=lambda p: -p.gap)
    if moved:
        told = _told(picture, moved, allowed)
        causes = _causes(before, now, record, current)
        found.append(Difference(picture, "scores", "\n".join((*told, *causes))))
    return found


def _renamed(
    picture: str, before: Sequence[RecordRow], now: Sequence[RecordRow]
) -> list[Difference]:
    """Return the difference where a class number has another name than before."""
    names = {row.number: row.name for row in now if row.number is not None}
    changed = [
        f"class {row.number} was {row.name!r} and is {names[row.number]!r} now"
        for row in before
        if row.number in names and names[row.number] != row.name
    ]
    if not changed:
        return []
    more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
    text = f"{picture}: the labels moved: {changed[0]}{more}. Is it the right label file?"
    return [Difference(picture, "names", text)]


def pair_rows(before: Sequence[RecordRow], now: Sequence[RecordRow]) -> list[Pair]:
    """Return each class that at least one of two tables shows.

    Of a class that a table does not show, no more is known than that it scores no higher there
    than the last one that is shown. A row without a class number stands for the class of its name
    that comes closest.
    """
    rest = list(now)
    pairs = []
    for row in sorted(before, key=lambda row: row.number is None):
        same = [other for other in rest if _may_be_same(row, other)]
        if same:
            other = min(same, key=lambda other: abs(other.score - row.score))
            rest.remove(other)
            pairs.append(Pair(row.name, row.score, other.score, abs(row.score - other.score)))
        else:
            least = now[-1].score if now else 0.0
            gap = max(row.score - least, 0.0)
            pairs.append(Pair(row.name, row.score, least, gap, shown=False))
    for other in rest:
        least = before[-1].score if before else 0.0
        gap = max(other.score - least, 0.0)
        pairs.append(Pair(other.name, least, other.score, gap, shown=False))
    return pairs


def _may_be_same(row: RecordRow, other: RecordRow) -> bool:
    if row.number is None or other.number is None:
        return row.name == other.name
    return row.number == other.number


def _moved(before: str, now: str) -> bool:
    return bool(before and now) and before != now


def _decoded_otherwise(picture: str, record: Record, current: Record) -> bool:
    before, now = record.hashes[picture], current.hashes[picture]
    if _moved(before.file, now.file):
        return False
    if before.pixels and now.pixels:
        return before.pixels != now.pixels
    # The decoder's name stands in where a stage did not show its pixels.
    return record.decoder != current.decoder


def _told(picture: str, moved: Sequence[Pair], allowed: Tolerance) -> list[str]:
    lines = [
        f"{picture}: {len(moved)} score{'s' if len(moved) > 1 else ''} moved by more than "
        f"{allowed.value * 100:.3f} points ({allowed.reason}):"
    ]
    for pair in moved[:_SHOWN]:
        change = f"{(pair.now - pair.before) * 100:+.2f} points"
        if not pair.shown:
            change = f"{change} or more; shown on one side only"
        shown = f"{pair.before * 100:6.2f} % -> {pair.now * 100:6.2f} %"
        lines.append(f"  {shown}  {pair.name}  ({change})")
    if len(moved) > _SHOWN:
        lines.append(f"  and {len(moved) - _SHOWN} more")
    return lines


def _causes(
    before: PictureHashes, now: PictureHashes, record: Record, current: Record
) -> list[str]:
    """Return the lines that say which parts of the way to the scores moved, and which did not."""
    decoders = (record.decoder, current.decoder)
    engines = (record.engine_title, current.engine_title)
    scalings = (record.scaling, current.scaling)
    weights = (record.model_sha256, current.model_sha256)
    parts: list[tuple[str, tuple[str, str]]] = [
        ("the picture's file", (before.file, now.file)),
        ("the decoded pixels", (before.pixels, now.pixels)),
        ("the decoder" + _arrow(decoders), decoders),
        ("what the network sees (resize)", (before.view, now.view)),
        ("the scaling at the input" + _arrow(scalings), scalings),
        ("the engine" + _arrow(engines), engines),
        ("the weights", weights),
    ]
    moved = [what for what, pair in parts if all(pair) and pair[0] != pair[1]]
    same = [what for what, pair in parts if all(pair) and pair[0] == pair[1]]
    unknown = [what for what, pair in parts if not all(pair)]
    nothing = "nothing that the record knows of; the processor or its libraries, perhaps"
    lines = [f"  moved with them: {', '.join(moved) or nothing}"]
    lines += [f"  as they were: {', '.join(same)}"] if same else []
    lines += [f"  not known: {', '.join(unknown)}"] if unknown else []
    return lines


def _arrow(pair: tuple[str, str]) -> str:
    return f" ({pair[0]} -> {pair[1]})" if pair[0] != pair[1] else ""
