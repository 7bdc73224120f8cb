"""The report: one page in HTML that a browser shows without a network."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

from inception_harness.files import write_atomically
from inception_harness.report.behaviours import Behaviour, behaviours_of, closest
from inception_harness.report.curves import charts_of
from inception_harness.report.decision import candidates, decide, headline, subjects_of
from inception_harness.report.gallery import Gallery
from inception_harness.report.matrix import grouped
from inception_harness.report.sprites import Sprites
from inception_harness.report.wording import (
    OUTCOME_WORDS,
    count_of,
    flip_title,
    margin_text,
    observation_text,
    percent,
    subject_title,
    whole_percent,
)
from inception_harness.results import Outcome, Run, Subject, Verdict, decisive_observation

__all__ = ["page_context", "render_report", "templates", "write_report"]

_REASON_WORDS = {
    "failed": "fails",
    "error": "error",
    "failure gone": "failure gone",
    "flip": "flip",
    "problem": "problem",
}
# For where there is little room.
_SHORT_WORDS: dict[Outcome, str] = {
    "known failure": "known",
    "failure gone": "gone",
    "not applicable": "n/a",
}
# Colours and shapes that a page tells models apart by; the baseline has its own, the first.
_SERIES = 5


def write_report(run: Run, path: Path) -> None:
    """Write the report of a run as one self-contained HTML file, whole or not at all.

    Raises:
        RecordError: the run holds something that is no picture where one should be.
        StoreError: the file cannot be written.
    """
    write_atomically(Path(path), render_report(run).encode("utf-8"))


def render_report(run: Run) -> str:
    """Return the report of a run as HTML.

    Raises:
        RecordError: the run holds something that is no picture where one should be.
    """
    return templates().get_template("report.html.j2").render(_report_context(run))


@cache
def templates() -> Templates:
    """Return the templates; what a run says is escaped in all of them."""
    made = Templates(
        loader=PackageLoader("inception_harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "called": subject_title,
        "count_of": count_of,
        "flip_title": flip_title,
        "hangs_on": _hangs_on,
        "margin": margin_text,
        "percent": percent,
        "told": observation_text,
        "unit": lambda unit: "points" if unit == "score" else unit,
        "whole": whole_percent,
        "width": _width,
    }
    made.globals |= {
        "closest": closest,
        "reason_words": _REASON_WORDS,
        "short_words": OUTCOME_WORDS | _SHORT_WORDS,
        "words": OUTCOME_WORDS,
    }
    return made


def _hangs_on(verdict: Verdict) -> str:
    """Return the comparison that a verdict hangs on, with its picture; "" where there is none."""
    seen = decisive_observation(verdict.observations, verdict.outcome)
    if seen is None:
        return ""
    told = observation_text(seen, verdict.outcome)
    return f"{seen.picture}: {told}" if seen.picture else told


def _width(score: float) -> str:
    """Return the length of a score's bar in per cent."""
    share = 0.0 if math.isnan(score) else min(max(score, 0.0), 1.0)
    return f"{share * 100:.1f}"


def page_context(run: Run, title: str, brand: str, skip_text: str, script: str) -> dict[str, Any]:
    """Return what every page needs: its head, its pictures, its models.

    Args:
        run: the data.
        title: of the browser's window.
        brand: the line above the page.
        skip_text: of the link that skips to the content.
        script: the name of the template with the page's script, or "".
    """
    code = templates().get_template(script).render() if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode("ascii")
    subjects = subjects_of(run)
    return {
        "run": run,
        "title": title,
        "brand": brand,
        "skip_text": skip_text,
        "when": run.environment.date.replace("T", " "),
        "script": Markup(code),  # noqa: S704  # our own file, nothing of the run is in it
        "script_hash": f"sha256-{digest}",
        "sprites": Sprites(run),
        "subjects": subjects,
        "by_key": {subject.key: subject for subject in subjects},
        "series": _series(subjects),
        "answers": {(answer.subject, answer.picture): answer for answer in run.answers},
    }


def _series(subjects: Sequence[Subject]) -> dict[str, int]:
    others = [subject.key for subject in subjects if not subject.is_baseline]
    found = {subject.key: 0 for subject in subjects if subject.is_baseline}
    return found | {key: n % _SERIES + 1 for n, key in enumerate(others)}


def _report_context(run: Run) -> dict[str, Any]:
    behaviours = behaviours_of(run)
    gallery = Gallery(run, behaviours)
    judged = {verdict.subject for verdict in run.verdicts}
    told = headline(run)
    context = page_context(
        run, told, "inception-harness · behaviour report", "Skip to the verdict", "filter.js"
    )
    decisions = [decide(run, subject) for subject in candidates(run)]
    return context | {
        "headline": told,
        "decisions": decisions,
        "ships_all": all(decision.ships for decision in decisions),
        "baseline": next((s for s in run.subjects if s.is_baseline), None),
        "behaviours": behaviours,
        "groups": grouped(behaviours),
        "columns": [subject for subject in context["subjects"] if subject.key in judged],
        "states": _states(behaviours),
        "kinds": sorted({row.kind for row in behaviours}),
        "anchors": {row.test: row.anchor for row in behaviours},
        "flip_anchors": {flip: f"flip-{n}" for n, flip in enumerate(run.flips, start=1)},
        "gallery": gallery,
        "known": [row for row in behaviours if row.has("known failure")],
        "quirks": [row for row in behaviours if row.quirk and row.has("passed")],
        "charts": charts_of(run),
        "curve_subjects": {curve.subject for curve in run.curves},
    }


def _states(behaviours: Sequence[Behaviour]) -> list[tuple[str, str, int]]:
    """Return the filter's choices: value, text, and how many behaviours it shows."""
    words = {
        "attention": "Needs attention",
        "known": "Known failures",
        "passed": "Holds",
        "left out": "Not applicable",
    }
    found = [row.state for row in behaviours]
    return [("", "All", len(found))] + [(s, text, found.count(s)) for s, text in words.items()]
