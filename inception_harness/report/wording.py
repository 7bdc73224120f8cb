"""How outcomes, scores and margins read, in the report and in the summary alike."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from inception_harness.results import Flip, Observation, Outcome, Row, Subject, Verdict

__all__ = [
    "OUTCOME_WORDS",
    "count_of",
    "flip_title",
    "is_readable",
    "margin_text",
    "observation_text",
    "percent",
    "sentence",
    "subject_title",
    "whole_percent",
]

OUTCOME_WORDS: dict[Outcome, str] = {
    "passed": "holds",
    "failed": "fails",
    "known failure": "known failure",
    "failure gone": "failure gone",
    "not applicable": "not applicable",
    "error": "error",
}

_SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
# A failure's first line ends with the model and its engine, which the reader knows here.
_WHOM = re.compile(r" {2}\[[^\[\]]*\]$")


def percent(score: float) -> str:
    """Return a score 0..1 as per cent with one decimal, ``87.3 %``."""
    return f"{score * 100:.1f} %" if math.isfinite(score) else _not_finite(score)


def whole_percent(score: float) -> str:
    """Return a score 0..1 as whole per cent, ``87 %``."""
    return f"{score * 100:.0f} %" if math.isfinite(score) else _not_finite(score)


def _not_finite(number: float) -> str:
    return "NaN" if math.isnan(number) else ("∞" if number > 0 else "−∞")


def margin_text(margin: float | None, unit: str = "score", *, with_unit: bool = False) -> str:
    """Return a margin with its sign, ``−25.3`` or ``+0.004``; "" where there is none.

    Args:
        margin: in `unit`; scores, 0..1, become points of a hundred.
        unit: as in `Observation`.
        with_unit: whether the unit's name follows.
    """
    if margin is None:
        return ""
    number = margin * 100 if unit == "score" else margin
    name = "points" if unit == "score" else unit
    if not math.isfinite(number):
        text = _not_finite(number)
    elif unit == "score" and (number == 0 or abs(number) >= 0.05):
        text = f"{number:+.1f}"
    else:
        # A margin too small for the usual digits is still a margin; it must not read as zero.
        text = f"{number:+.1g}" if abs(number) < 0.05 else f"{number:+.3g}"
    return f"{text} {name}".rstrip().replace("-", "−", 1) if with_unit else text.replace("-", "−")


def is_readable(value: float | str, unit: str) -> str:
    """Return a value of an observation as people read it."""
    if isinstance(value, str):
        return value
    if unit == "score":
        return percent(value)
    text = f"{value:.4g}" if math.isfinite(value) else _not_finite(value)
    return f"{text} {unit}".rstrip()


def observation_text(seen: Observation, outcome: Outcome) -> str:
    """Return a comparison as a sentence that is true whatever came of it.

    ``giant panda 98.0 % > 80.0 %`` where it holds, ``giant panda 54.7 %, should be > 80.0 %``
    where it does not and had to, ``giant panda 54.7 %, not > 80.0 %`` where it did not have to.
    """
    needed = outcome not in ("passed", "failure gone")
    if isinstance(seen.got, str):
        return _label_text(seen, needed=needed)
    holds = seen.margin > 0 or (seen.margin == 0 and seen.op in (">=", "<=", "=="))
    relation = _SIGNS.get(seen.op, seen.op)
    between = " " if holds else (", should be " if needed else ", not ")
    got, bound = is_readable(seen.got, seen.unit), is_readable(seen.bound, seen.unit)
    return f"{seen.what} {got}{between}{relation} {bound}"


def _label_text(seen: Observation, *, needed: bool) -> str:
    asked = f"{seen.bound}" if seen.op == "==" else f"anything but {seen.bound}"
    same = seen.got == seen.bound
    if same == (seen.op == "=="):
        return f"{seen.what} is {seen.got}" + ("" if same else f", not {seen.bound}")
    return f"{seen.what} is {seen.got}" + (f", should be {asked}" if needed else "")


def sentence(verdict: Verdict) -> str:
    """Return what speaks against a model in a verdict: the message's first sentence."""
    if verdict.outcome == "failure gone":
        return "This failure is gone: remove the entry from the known failures."
    lines = [line.strip() for line in verdict.message.strip().splitlines()]
    told = lines[0] if lines else ""
    # Messages are folded to the terminal's width.
    for line in lines[1:]:
        if not line or told.endswith((".", ":", ")", "]", "!", "?")):
            break
        told = f"{told} {line}"
    return _WHOM.sub("", told) or verdict.reason


def flip_title(flip: Flip) -> str:
    """Return what became of a picture's answer, in a line."""
    before = _score_of(flip.baseline_label, flip.baseline_rows)
    if flip.kind == "score fell":
        after = _score_of(flip.baseline_label, flip.candidate_rows) or "less than is listed"
        return f"{flip.picture}: {flip.baseline_label} fell from {before} to {after}"
    after = _score_of(flip.candidate_label, flip.candidate_rows)
    return (
        f"{flip.picture}: {flip.baseline_label} ({before}) became {flip.candidate_label} ({after})"
    )


def _score_of(label: str, rows: Sequence[Row]) -> str:
    return next((percent(row.score) for row in rows if row.name == label), "")


def subject_title(subject: Subject) -> str:
    """Return what a model is called where "baseline" stands beside it anyway."""
    return subject.model if subject.is_baseline else subject.key


def count_of(number: int, one: str, many: str) -> str:
    """Return ``1 flip`` or ``2 flips``."""
    return f"{number} {one if number == 1 else many}"
