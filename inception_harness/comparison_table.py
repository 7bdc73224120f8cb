"""The comparison of two records as a table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inception_harness.record_data import Record, RecordRow
from inception_harness.same_class import same_class

if TYPE_CHECKING:
    from inception_harness.compare import Comparison

__all__ = ["main_table"]

_WIDTH = 80
_PICTURE, _NAME, _VERDICT = 20, 15, 11
# A new top class whose score grew by half of the whole is no flip where the baseline was not sure,
# and worth a look all the same: the candidate has made up its mind.
_RISE = 0.50
# Above as many pictures those that agree are counted and not shown.
_SHOW_ALL = 40


def main_table(comparison: Comparison) -> str:
    """Return the comparison as plain text of 80 columns, without a last line end."""
    lines = [*_head("baseline", comparison.baseline), *_head("candidate", comparison.candidate)]
    if comparison.baseline.decoder != comparison.candidate.decoder:
        lines += _wrapped(
            "note: the two decoded the pictures with different decoders; scores may differ by "
            "some points for that alone."
        )
    lines += ["", *_rows(comparison)]
    for flip in comparison.flips:
        lines += ["", flip.text]
    if comparison.problems:
        lines.append("")
    for problem in comparison.problems:
        lines += _wrapped(f"! {problem}")
    lines += ["", *_wrapped(f"{_counts(comparison)}.")]
    lines.append(f"The candidate may {'not ' if comparison.exit_code else ''}ship.")
    return "\n".join(lines)


def _wrapped(words: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(words, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _head(what: str, record: Record) -> list[str]:
    digest = f", sha256 {record.model_sha256[:12]}…" if record.model_sha256 else ""
    words = f"{what:<11}{record.model}, {record.engine_title}{digest}"
    return _wrapped(words, " " * 11) + _wrapped(f"{' ' * 11}{record.decoder}", " " * 11)


def _rows(comparison: Comparison) -> list[str]:
    answer = _NAME + 8
    head = f"{'picture':{_PICTURE}} {'baseline':{answer}} {'candidate':{answer}} verdict"
    lines = [head, "-" * _WIDTH]
    before, now = comparison.baseline.tables, comparison.candidate.tables
    pictures = sorted(before.keys() | now.keys())
    agreeing = 0
    for picture in pictures:
        verdict = _verdict(comparison, picture)
        if verdict == "same" and len(pictures) > _SHOW_ALL:
            agreeing += 1
            continue
        was, is_now = _answers(before.get(picture, ()), now.get(picture, ()))
        lines.append(f"{_cut(picture, _PICTURE)} {was} {is_now} {verdict}")
    if agreeing:
        lines.append(f"and {agreeing} more with the same top class")
    return lines


def _answers(before: Sequence[RecordRow], now: Sequence[RecordRow]) -> list[str]:
    """Return the top class of each side with its score, in equal widths."""
    names = [rows[0].name if rows else "" for rows in (before, now)]
    # Some classes share their name: ImageNet has two maillots and two cranes.
    if before and now and names[0] == names[1] and not same_class(before[0], now[0]):
        names = [f"{rows[0].name} {rows[0].number}" for rows in (before, now)]
    return [
        f"{_cut(name, _NAME)} {rows[0].score * 100:5.1f} %" if rows else f"{'-':<{_NAME + 8}}"
        for name, rows in zip(names, (before, now), strict=True)
    ]


def _cut(words: str, width: int) -> str:
    return f"{words if len(words) <= width else words[: width - 1] + '…':<{width}}"


def _verdict(comparison: Comparison, picture: str) -> str:
    """Return the last cell of a picture's row, 11 characters at most."""
    before, now = comparison.baseline.tables, comparison.candidate.tables
    if picture not in now:
        return "VANISHED"
    if picture not in before:
        return "NEW"
    flip = next((flip for flip in comparison.flips if flip.picture == picture), None)
    if flip is None:
        if picture in comparison.gains:
            return "right now"
        return _change(before[picture], now[picture])
    fall = (flip.baseline[0].score - flip.candidate[0].score) * 100
    words = {
        "wrong now": "wrong now",
        "other top class": "other sure",
        "score fell": f"fell {fall:.1f}",
    }[flip.kind]
    return words if flip.accepted else words.upper()


def _change(before: Sequence[RecordRow], now: Sequence[RecordRow]) -> str:
    """Return what is to be said of a picture that breaks no rule."""
    top = now[0]
    if same_class(before[0], top):
        return "same"
    # A class that the table does not show scores no higher than the last one that it shows.
    scored = next((row.score for row in before if same_class(row, top)), before[-1].score)
    rise = top.score - scored
    return f"rose {rise * 100:.1f}" if rise >= _RISE else "other"


def _counts(comparison: Comparison) -> str:
    flips, refused = len(comparison.flips), len(comparison.refused)
    parts = [
        _count(flips, "flip") + (f", {flips - refused} accepted" if flips else ""),
        f"{_count(len(comparison.gains), 'picture')} right now that the baseline gets wrong",
    ]
    if comparison.problems:
        parts.append(_count(len(comparison.problems), "problem"))
    return "; ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
