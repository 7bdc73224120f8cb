"""Behaviours, each with what it found of every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inception_harness.report.decision import BLOCKING
from inception_harness.results import Observation, Outcome, Run, Verdict

__all__ = ["WORST_FIRST", "Behaviour", "behaviours_of", "closest", "paragraphs"]

WORST_FIRST: tuple[Outcome, ...] = (*BLOCKING, "known failure", "passed", "not applicable")
# Of a behaviour with hundreds of comparisons only those that decide are shown.
_SHOWN = 8


@dataclass(frozen=True)
class Behaviour:
    """A behaviour, or one variant of it, and what it found of each model.

    Attributes:
        anchor: its id in the page.
        test: the test's id.
        title: what it says, without the full stop.
        story: paragraphs of its docstring.
        kind: its marker.
        quirk: whether it asserts a surprising thing.
        verdicts: by the subject's key.
    """

    anchor: str
    test: str
    title: str
    story: tuple[str, ...]
    kind: str
    quirk: bool
    verdicts: dict[str, Verdict]

    @property
    def state(self) -> str:
        """The worst of its outcomes, for the filter: attention, known, passed or left out."""
        outcomes = {verdict.outcome for verdict in self.verdicts.values()}
        if outcomes & set(BLOCKING):
            return "attention"
        if "known failure" in outcomes:
            return "known"
        return "passed" if "passed" in outcomes else "left out"

    @property
    def variant(self) -> str:
        """What tells it from the other variants of its test."""
        return self.test.partition("[")[2].removesuffix("]")

    def has(self, outcome: Outcome) -> bool:
        """Return whether some model's verdict is this outcome."""
        return any(verdict.outcome == outcome for verdict in self.verdicts.values())


def behaviours_of(run: Run) -> tuple[Behaviour, ...]:
    """Return the behaviours of a run, each once, in the order in which they were met."""
    by_test: dict[str, dict[str, Verdict]] = {}
    for verdict in run.verdicts:
        by_test.setdefault(verdict.test, {})[verdict.subject] = verdict
    return tuple(
        _behaviour(f"behaviour-{number}", test, verdicts)
        for number, (test, verdicts) in enumerate(by_test.items(), start=1)
    )


def _behaviour(anchor: str, test: str, verdicts: dict[str, Verdict]) -> Behaviour:
    first = next(iter(verdicts.values()))
    return Behaviour(
        anchor=anchor,
        test=test,
        title=first.title.rstrip("."),
        story=paragraphs(first.story),
        kind=first.kind,
        quirk=first.quirk,
        verdicts=verdicts,
    )


def paragraphs(story: str) -> tuple[str, ...]:
    """Return the paragraphs of a docstring, each as one line."""
    blocks = (block.split() for block in story.strip().split("\n\n"))
    return tuple(" ".join(words) for words in blocks if words)


def closest(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Return the comparisons with the smallest margins, smallest first."""
    # A margin that is not a number is the worst that can be.
    return tuple(sorted(observations, key=lambda seen: (seen.margin == seen.margin, seen.margin)))[
        :_SHOWN
    ]
