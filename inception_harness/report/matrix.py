"""The table of behaviours and models, as the templates need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from inception_harness.report.decision import BLOCKING
from inception_harness.results import Observation, Outcome, Run, Verdict, fitting_observations

__all__ = ["Behaviour", "Group", "behaviours_of", "closest", "deciding", "grouped", "paragraphs"]

# Of a behaviour with hundreds of comparisons only those that decide are shown.
_SHOWN = 8


@dataclass(frozen=True)
class Behaviour:
    """One row: a behaviour and what it found of each model.

    Attributes:
        anchor: its id in the page.
        test: the test's id.
        title: what it says, without the full stop.
        story: paragraphs of its docstring.
        kind: its marker.
        quirk: whether it asserts a surprising thing.
        verdicts: by the subject's key.
        state: ``attention``, ``known``, ``passed`` or ``left out``: what the filter knows.
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
        """The worst of its outcomes."""
        outcomes = {verdict.outcome for verdict in self.verdicts.values()}
        if outcomes & set(BLOCKING):
            return "attention"
        if "known failure" in outcomes:
            return "known"
        return "passed" if "passed" in outcomes else "left out"

    def has(self, outcome: Outcome) -> bool:
        """Return whether some model's verdict is this outcome."""
        return any(verdict.outcome == outcome for verdict in self.verdicts.values())

    def of(self, role: str) -> bool:
        """Return whether it looked at a picture."""
        return any(role in verdict.pictures for verdict in self.verdicts.values())


@dataclass(frozen=True)
class Group:
    """The behaviours of one file.

    Attributes:
        title: the file's name in words.
        rows: in the order in which the tests stand.
    """

    title: str
    rows: tuple[Behaviour, ...]


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


def grouped(rows: Iterable[Behaviour]) -> tuple[Group, ...]:
    """Return behaviours by the file that they stand in, in the files' order of appearance."""
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(_file(row), len(order))
    by_file = sorted(rows, key=lambda row: order[_file(row)])
    return tuple(
        Group(_in_words(file), tuple(members)) for file, members in groupby(by_file, key=_file)
    )


def _file(row: Behaviour) -> str:
    return row.test.partition("::")[0]


def _in_words(file: str) -> str:
    stem = file.rpartition("/")[2].removesuffix(".py").removeprefix("test_")
    return stem.replace("_", " ").capitalize()


def closest(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Return the comparisons with the smallest margins, smallest first."""
    # A margin that is not a number is the worst that can be.
    return tuple(sorted(observations, key=lambda seen: (seen.margin == seen.margin, seen.margin)))[
        :_SHOWN
    ]


def deciding(verdict: Verdict, role: str) -> tuple[Observation, ...]:
    """Return the comparisons of a picture that fit the verdict, those with the least margin first.

    Of a behaviour that holds, comparisons that did not need to hold are left out.
    """
    fitting = fitting_observations(verdict.observations, verdict.outcome)
    return tuple(seen for seen in fitting if seen.picture == role)
