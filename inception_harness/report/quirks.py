"""The page of quirks: per model the surprising things that it does, and what it fails to do.

It is made from a run, so it says what the model does and not what somebody once wrote down.
Scores are rounded to whole per cent and answers below one per cent left out, so that the page is
the same wherever the arithmetic is the same up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from inception_harness.report import markdown
from inception_harness.report.behaviours import paragraphs
from inception_harness.report.decision import subjects_of
from inception_harness.report.html import page_context, templates
from inception_harness.report.looks import roles_of
from inception_harness.report.wording import whole_percent
from inception_harness.results import Row, Run, Subject, Verdict

__all__ = ["quirks_html", "quirks_markdown"]

TITLE = "Quirks and known failures"
INTRO = (
    "What these versions do that surprises, and what they are known not to do. "
    "Made from a run by `inception-harness quirks`; do not edit."
)
_ANSWERS = 5
# The five parrots are one story; a behaviour that looks at every picture needs no more of them.
_PICTURES = 5


@dataclass(frozen=True)
class Told:
    """One quirk or known failure of a model.

    Attributes:
        anchor: its id in the page.
        verdict: what the run found.
        title: without the full stop.
        story: paragraphs of the behaviour's docstring.
        label: ``Quirk`` or ``Known failure``.
    """

    anchor: str
    verdict: Verdict
    title: str
    story: tuple[str, ...]
    label: str

    @property
    def pictures(self) -> tuple[str, ...]:
        """The roles of the pictures to show."""
        return roles_of(self.verdict)[:_PICTURES]

    @property
    def others(self) -> tuple[str, ...]:
        """The roles of the pictures that are only named."""
        return roles_of(self.verdict)[_PICTURES:]


def _told(run: Run, subject: Subject) -> list[Told]:
    """Return a model's quirks, then its known failures, each in the tests' order."""
    mine = [verdict for verdict in run.verdicts if verdict.subject == subject.key]
    quirks = [verdict for verdict in mine if verdict.quirk and verdict.outcome == "passed"]
    known = [verdict for verdict in mine if verdict.outcome == "known failure"]
    place = _judged(run).index(subject) + 1
    return [
        Told(
            anchor=f"told-{place}-{number}",
            verdict=verdict,
            title=verdict.title.rstrip("."),
            story=paragraphs(verdict.story),
            label="Known failure" if verdict.outcome == "known failure" else "Quirk",
        )
        for number, verdict in enumerate(quirks + known, start=1)
    ]


def _judged(run: Run) -> list[Subject]:
    keys = {verdict.subject for verdict in run.verdicts}
    return [subject for subject in subjects_of(run) if subject.key in keys]


def _top(run: Run, subject: Subject, role: str) -> list[Row]:
    answers = {(answer.subject, answer.picture): answer.rows for answer in run.answers}
    rows = answers.get((subject.key, role), ())[:_ANSWERS]
    return [row for row in rows if not math.isfinite(row.score) or row.score >= 0.005]


def quirks_html(run: Run) -> str:
    """Return the page as one self-contained HTML file.

    Raises:
        RecordError: the run holds something that is no picture where one should be.
    """
    context = page_context(
        run, TITLE, "inception-harness · quirks", "Skip to the quirks", script=""
    )
    return (
        templates()
        .get_template("quirks.html.j2")
        .render(
            context
            | {
                "intro": INTRO.replace("`", ""),
                # The page is of the models, not of the day.
                "when": "",
                "told": [(subject, _told(run, subject)) for subject in _judged(run)],
                "top": lambda subject, role: _top(run, subject, role),
                "shown": {picture.role: picture for picture in run.pictures},
            }
        )
    )


def quirks_markdown(
    run: Run,
    picture_path: Callable[[str], str | None] | None = None,
    view_path: Callable[[str, str], str | None] | None = None,
) -> str:
    """Return the page as Markdown.

    Args:
        run: the data.
        picture_path: the address of a picture, relative to the page, by its role; None, or a
            function that returns None, leaves pictures out.
        view_path: the same for what the network sees, by the subject's key and the role.
    """
    lines = [f"# {TITLE}", "", INTRO, ""]
    captions = {picture.role: picture.caption for picture in run.pictures}
    for subject in _judged(run):
        lines += [f"## {markdown.text(subject.key)}", "", markdown.text(subject.title), ""]
        told = _told(run, subject)
        if not told:
            lines += ["No quirk and no known failure.", ""]
        for item in told:
            lines += _story(item)
            for role in item.pictures:
                lines += _picture(subject, role, captions.get(role, ""), picture_path, view_path)
                lines += _table(_top(run, subject, role))
            if item.others:
                lines += [f"Also: {markdown.text(', '.join(item.others))}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _story(item: Told) -> list[str]:
    lines = [f"### {item.label}: {markdown.text(item.title)}", ""]
    for paragraph in item.story:
        lines += [markdown.text(paragraph), ""]
    verdict = item.verdict
    facts = [("Reason", verdict.reason), ("Seen", verdict.seen), ("Since", verdict.since)]
    told = [f"- **{name}:** {markdown.cell(fact)}" for name, fact in facts if fact]
    return [*lines, f"Test: {markdown.code(verdict.test)}", "", *told, *([""] if told else [])]


def _picture(
    subject: Subject,
    role: str,
    caption: str,
    picture_path: Callable[[str], str | None] | None,
    view_path: Callable[[str, str], str | None] | None,
) -> list[str]:
    alt = f"{role}: {caption}" if caption else role
    links = [
        (alt, picture_path(role) if picture_path else None),
        (f"What the network sees of {role}", view_path(subject.key, role) if view_path else None),
    ]
    shown = [f"![{markdown.text(words)}](<{address}>)" for words, address in links if address]
    return [f"**{markdown.text(role)}**", "", *([" ".join(shown), ""] if shown else [])]


def _table(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    return [
        markdown.row(["score", "class"]),
        markdown.row(["---:", "---"]),
        *(markdown.row([whole_percent(row.score), markdown.cell(row.name)]) for row in rows),
        "",
    ]
