"""The table of behaviours and models: groups of rows, where many variants share one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from inception_harness.report.behaviours import WORST_FIRST, Behaviour
from inception_harness.results import Verdict

__all__ = ["Entry", "Group", "grouped"]

# From so many on, the variants of one test share a row.
_FOLDED = 4
_VARIANT = re.compile(r" \([^()]*\)$")


@dataclass(frozen=True)
class Entry:
    """A row: a behaviour, or many variants of one folded together.

    Attributes:
        title: what all its variants say.
        variants: one or many.
    """

    title: str
    variants: tuple[Behaviour, ...]

    @property
    def first(self) -> Behaviour:
        """The first variant, or the only one."""
        return self.variants[0]

    def worst(self, subject: str) -> Verdict | None:
        """Return the worst verdict on a model, the closest of those that are as bad."""
        found = [row.verdicts[subject] for row in self.variants if subject in row.verdicts]
        return min(found, key=_badness, default=None)

    def share(self, subject: str) -> str:
        """Return how many of the variants are as the worst one, or that it is the closest."""
        worst = self.worst(subject)
        found = [row.verdicts[subject].outcome for row in self.variants if subject in row.verdicts]
        if worst is None:
            return ""
        alike = found.count(worst.outcome)
        if alike < len(found):
            return f"{alike} of {len(found)}"
        closest = worst.outcome == "passed" and worst.margin is not None
        return f"least of {alike}" if closest else f"all {alike}"


def _badness(verdict: Verdict) -> tuple[int, float]:
    margin = math.inf if verdict.margin is None else verdict.margin
    return WORST_FIRST.index(verdict.outcome), margin


@dataclass(frozen=True)
class Group:
    """The behaviours of one file.

    Attributes:
        title: the file's name in words.
        entries: in the order in which the tests stand.
    """

    title: str
    entries: tuple[Entry, ...]


def grouped(rows: Sequence[Behaviour]) -> tuple[Group, ...]:
    """Return behaviours by the file that they stand in, files by their names.

    So the page does not depend on which worker of pytest-xdist was first.
    """
    files = _gathered(rows, lambda row: row.test.partition("::")[0])
    return tuple(
        Group(_in_words(file), tuple(_entries(members)))
        for file, members in sorted(files, key=lambda pair: pair[0])
    )


def _entries(rows: Sequence[Behaviour]) -> Iterable[Entry]:
    for _, variants in _gathered(rows, lambda row: row.test.partition("[")[0]):
        titles = {_VARIANT.sub("", row.title) for row in variants}
        if len(variants) >= _FOLDED and len(titles) == 1:
            yield Entry(titles.pop(), tuple(variants))
        else:
            yield from (Entry(row.title, (row,)) for row in variants)


def _gathered(
    rows: Sequence[Behaviour], key: Callable[[Behaviour], str]
) -> list[tuple[str, list[Behaviour]]]:
    """Return rows that share a key together, in the order in which the keys appear."""
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(key(row), len(order))
    together = sorted(rows, key=lambda row: order[key(row)])
    return [(name, list(members)) for name, members in groupby(together, key=key)]


def _in_words(file: str) -> str:
    stem = file.rpartition("/")[2].removesuffix(".py").removeprefix("test_")
    return stem.replace("_", " ").capitalize()
