"""The run in a short Markdown table, for the page that GitHub shows of a workflow."""

from __future__ import annotations

from inception_harness.report.decision import Decision, Reason, candidates, decide, headline
from inception_harness.report.markdown import cell, row
from inception_harness.report.wording import count_of, margin_text, subject_title
from inception_harness.results import Outcome, Run

__all__ = ["step_summary"]

_COLUMNS: tuple[tuple[str, Outcome], ...] = (
    ("holds", "passed"),
    ("fails", "failed"),
    ("known failure", "known failure"),
    ("failure gone", "failure gone"),
    ("error", "error"),
    ("not applicable", "not applicable"),
)
_REASONS = 20


def step_summary(run: Run) -> str:
    """Return what ``GITHUB_STEP_SUMMARY`` gets: the verdict, the counts, and what speaks against.

    Outcomes that no model has get no column; of many reasons the first 20 of a model stand there.
    """
    decisions = [decide(run, subject) for subject in candidates(run)]
    ships = bool(decisions) and all(decision.ships for decision in decisions)
    lines = [f"## {'✅' if ships else '❌'} {cell(headline(run))}", ""]
    baseline = next((subject_title(s) for s in run.subjects if s.is_baseline), "")
    if baseline and decisions and not all(d.subject.is_baseline for d in decisions):
        lines += [f"Against {cell(baseline)}.", ""]
    lines += _counts(decisions)
    for decision in decisions:
        lines += _reasons(decision)
    return "\n".join(lines) + "\n"


def _counts(decisions: list[Decision]) -> list[str]:
    shown = [
        (title, outcome)
        for title, outcome in _COLUMNS
        if any(decision.counts.get(outcome) for decision in decisions)
    ]
    if not shown:
        return []
    lines = [
        row(["model", "", *(title for title, _ in shown)]),
        row(["---", "---", *("---:" for _ in shown)]),
    ]
    for decision in decisions:
        may = "may ship" if decision.ships else "**may not ship**"
        counts = (str(decision.counts.get(outcome, 0)) for _, outcome in shown)
        lines.append(row([cell(decision.subject.key), may, *counts]))
    return [*lines, ""]


def _reasons(decision: Decision) -> list[str]:
    if decision.ships:
        return []
    lines = [
        f"### What speaks against {cell(decision.subject.key)}",
        "",
        row(["", "what", "margin", "found"]),
        row(["---", "---", "---:", "---"]),
        *(_reason(reason) for reason in decision.reasons[:_REASONS]),
        "",
    ]
    left = len(decision.reasons) - _REASONS
    if left > 0:
        lines += [f"… and {count_of(left, 'more', 'more')}: see the report.", ""]
    return lines


def _reason(reason: Reason) -> str:
    found = reason.verdict
    margin = margin_text(found.margin, found.unit, with_unit=True) if found else ""
    return row([reason.kind, cell(reason.title), cell(margin), cell(reason.figure)])
