"""From pytest's reports of one test to the verdict on one behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inception_harness.prediction import Label, Score
from inception_harness.results import Observation, Outcome, Verdict, margin_of
from inception_harness.run_data import KINDS, roles_of, sentence_of

__all__ = ["GONE", "NOT_APPLICABLE", "explain_comparison", "message_of", "outcome_of", "verdict_of"]

NOT_APPLICABLE = "not applicable: "
GONE = "this failure is gone: remove the entry"
_COMPARISONS = (">", ">=", "<", "<=", "==", "!=")
_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def explain_comparison(op: str, left: object, right: object) -> list[str] | None:
    """Return the lines that tell of a failed comparison with a score or a label, else None."""
    if isinstance(left, Score | Label):
        return left.explain(op, right)
    if isinstance(right, Score | Label) and op in _COMPARISONS:
        return right.explain(_MIRRORED.get(op, op), left)
    return None


def outcome_of(report: pytest.TestReport, call: pytest.CallInfo[Any]) -> Outcome:
    """Return how a behaviour ended, from pytest's report of its set-up or its call."""
    if report.skipped:
        return "known failure" if hasattr(report, "wasxfail") else "not applicable"
    if report.passed:
        return "passed"
    if call.excinfo is None:  # failed without an error: it was expected to fail, and did not
        return "failure gone"
    if report.when == "call" and call.excinfo.errisinstance(
        (AssertionError, pytest.fail.Exception)
    ):
        return "failed"
    return "error"


def message_of(call: pytest.CallInfo[Any]) -> str:
    """Return what a failure says, without Python's own words."""
    if call.excinfo is None:
        return ""
    text = str(call.excinfo.value)
    return text.removeprefix("assert ").strip()


def verdict_of(
    item: pytest.Item,
    test: str,
    subject_key: str,
    report: pytest.TestReport,
    call: pytest.CallInfo[Any],
    observations: Sequence[Observation],
    known: Any = None,
) -> Verdict:
    """Return the verdict on one behaviour of one model.

    Args:
        item: the test.
        test: its id without the model's part.
        subject_key: the model's key.
        report: pytest's report of the phase that decided.
        call: what happened in that phase.
        observations: the comparisons that the test made.
        known: its entry in the list of known failures, or None.
    """
    outcome = outcome_of(report, call)
    margin, unit = margin_of(observations, outcome)
    title, story = sentence_of(getattr(item.function, "__doc__", None), item.name)  # type: ignore[attr-defined]  # every collected behaviour is a function
    kinds = [kind for kind in KINDS if item.get_closest_marker(kind)]
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    shown = [role for mark in item.iter_markers("shows") for role in mark.args]
    if isinstance(parameters.get("picture"), str):
        shown.insert(0, parameters["picture"])
    if "[" in test:
        title = f"{title} ({test.partition('[')[2].removesuffix(']')})"
    reason = getattr(known, "reason", "")
    if outcome == "not applicable":
        reason = _skip_reason(report)
    return Verdict(
        test=test,
        title=title,
        story=story,
        kind=kinds[0] if kinds else "behaviour",
        subject=subject_key,
        outcome=outcome,
        quirk=item.get_closest_marker("quirk") is not None,
        margin=margin,
        unit=unit,
        observations=tuple(observations),
        pictures=roles_of(observations, dict.fromkeys(shown)),
        message="" if outcome in ("passed", "not applicable") else message_of(call),
        reason=reason,
        seen=getattr(known, "seen", ""),
        since=getattr(known, "since", ""),
    )


def _skip_reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ").removeprefix(NOT_APPLICABLE)
