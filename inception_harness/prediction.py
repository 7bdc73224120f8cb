"""What a model says of one picture, and values that explain themselves inside an assert.

A `Score` is a float and a `Label` a str. Both know the prediction that they come from, so a
failing plain ``assert`` can show the picture, the model, the margin and the model's table. Every
comparison made with them is also noted for whoever listens (`observing`): this is how a report
knows the margin of behaviours that hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from inception_harness.engines import Float32
from inception_harness.labels import Labels
from inception_harness.results import Observation

__all__ = ["Label", "Prediction", "Score", "note", "observing"]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_REVERSED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


_listener: ContextVar[list[Observation] | None] = ContextVar("comparisons", default=None)


@contextmanager
def observing() -> Iterator[list[Observation]]:
    """Collect the comparisons made with scores and labels inside the block."""
    seen: list[Observation] = []
    token = _listener.set(seen)
    try:
        yield seen
    finally:
        _listener.reset(token)


def note(observation: Observation) -> None:
    """Tell the report of a comparison that is of no `Score` or `Label`."""
    seen = _listener.get()
    if seen is not None:
        seen.append(observation)


class Score(float):
    """The score of one class, or the sum of several, 0..1; it knows where it comes from.

    Attributes:
        name: the class's name; for a sum the names joined by " + ".
        number: the class number, or None for a sum.
        prediction: the prediction that it is part of.
    """

    name: str
    number: int | None
    prediction: Prediction

    def __new__(cls, value: float, name: str, number: int | None, prediction: Prediction) -> Score:
        """Make a score of a value."""
        self = super().__new__(cls, value)
        self.name, self.number, self.prediction = name, number, prediction
        return self

    def __add__(self, other: float) -> float:
        """Add two scores of one prediction to a score; anything else gives a plain float."""
        total = float(self) + float(other)
        if isinstance(other, Score) and other.prediction is self.prediction:
            return Score(total, f"{self.name} + {other.name}", None, self.prediction)
        return total

    def __radd__(self, other: float) -> float:
        """Let `sum` add scores: it starts from 0."""
        return self if other == 0 else other + float(self)

    def _compare(self, op: str, other: object) -> bool:
        if not isinstance(other, int | float | np.number):
            return NotImplemented  # type: ignore[no-any-return]  # Python's way to decline
        bound = float(other)
        margin = float(self) - bound if op.startswith(">") else bound - float(self)
        note(Observation(self.name, float(self), op, bound, margin, self.prediction.picture))
        return bool(_OPERATORS[op](float(self), bound))

    def __gt__(self, other: object) -> bool:
        return self._compare(">", other)

    def __ge__(self, other: object) -> bool:
        return self._compare(">=", other)

    def __lt__(self, other: object) -> bool:
        return self._compare("<", other)

    def __le__(self, other: object) -> bool:
        return self._compare("<=", other)

    def explain(self, op: str, other: object) -> list[str]:
        """Return the lines that say why ``self op other`` does not hold.

        The first line names picture, class, score, bound and how much is missing. No lines where
        ``other`` is no number.
        """
        if not isinstance(other, int | float | np.number):
            return []
        if isinstance(other, Score) and other.prediction is not self.prediction:
            return self._explain_pair(op, other)
        bound = float(other)
        side = {">": " (short by", "<": " (over by"}.get(op[0])
        digits = _digits(self, bound)
        gap = f"{side} {abs(float(self) - bound) * 100:.{digits}f} points)" if side else ""
        subject = self.prediction
        verb = "is" if self.number is None and " + " not in self.name else "scored"
        return [
            f"{subject.picture}: {self.name} {verb} {_percent(self, digits)}, should be {op} "
            f"{_percent(bound, digits)}{gap}  [{subject.model}, {subject.engine}]",
            *_indented(subject.table(5)),
        ]

    def _explain_pair(self, op: str, other: Score) -> list[str]:
        mine, its = self.prediction, other.prediction
        digits = _digits(self, other)
        return [
            f"{mine.picture}: {self.name} scored {_percent(self, digits)}, should be {op} the "
            f"{_percent(other, digits)} of {other.name} on {its.picture} "
            f"({abs(float(self) - float(other)) * 100:.{digits}f} points apart)  "
            f"[{mine.model}, {mine.engine}]",
            f"{mine.picture}:",
            *_indented(mine.table(5)),
            f"{its.picture}:",
            *_indented(its.table(5)),
        ]


class Label(str):
    """The first name of a prediction's top class; it knows where it comes from.

    It equals a text that is that first name. Two classes may share one ("crane"): the labels of
    two predictions of one model are equal only where the class number is the same.
    """

    __slots__ = ("prediction",)
    prediction: Prediction

    def __new__(cls, name: str, prediction: Prediction) -> Label:
        """Make a label of a name."""
        self = super().__new__(cls, name)
        self.prediction = prediction
        return self

    @property
    def number(self) -> int:
        """The top class's number."""
        return self.prediction.order[0]

    def _compare(self, op: str, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented  # type: ignore[no-any-return]  # Python's way to decline
        subject = self.prediction
        wanted = self._numbers_of(other)
        same = str.__eq__(self, str(other)) and self.number in wanted
        # A name the model does not have scores nothing.
        its = float(subject.scores[list(wanted)].max(initial=0))
        best_other = float(np.delete(subject.scores, wanted).max(initial=0))
        margin = its - best_other if op == "==" else best_other - its
        note(Observation("the top class", str(self), op, str(other), margin, subject.picture))
        return same if op == "==" else not same

    def _numbers_of(self, other: str) -> tuple[int, ...]:
        """Return the classes that a text stands for: two for "crane", one for another label."""
        labels = self.prediction.labels
        if isinstance(other, Label) and other.prediction.labels == labels:
            return (other.number,)
        own_name = str.__eq__(self, str(other))  # "unnamed 1001" is no name to look up
        return labels.numbers(str(other)) or ((self.number,) if own_name else ())

    def __eq__(self, other: object) -> bool:
        return self._compare("==", other)

    def __ne__(self, other: object) -> bool:
        return self._compare("!=", other)

    __hash__ = str.__hash__

    def explain(self, op: str, other: object) -> list[str]:
        """Return the lines that say why ``self op other`` does not hold.

        No lines for what is no comparison with a name or with a collection of names.
        """
        subject = self.prediction
        if isinstance(other, str) and op in ("==", "!="):
            wanted = f"{'' if op == '==' else 'anything but '}{other}{self._place(other)}"
        elif isinstance(other, set | frozenset | list | tuple) and op in ("in", "not in"):
            wanted = f"{'one' if op == 'in' else 'none'} of {', '.join(map(str, other))}"
        else:
            return []
        return [
            f"{subject.picture}: the top class is {self!s} ({_percent(subject.top_score)}), "
            f"should be {wanted}  [{subject.model}, {subject.engine}]",
            *_indented(subject.table(5)),
        ]

    def _place(self, other: str) -> str:
        subject = self.prediction
        if isinstance(other, Label) and other.prediction is not subject:
            return f", as for {other.prediction.picture}"
        if str.__eq__(self, str(other)):
            return ""
        wanted = self._numbers_of(other)
        if not wanted:
            return ", which is no name of a class of this model"
        if self.number in wanted:
            return f", which is the same class: a label is the first name, {str(self)!r}"
        best = float(max(subject.scores[list(wanted)]))
        rank = int((subject.scores > best).sum()) + 1
        return f", which is at rank {rank} with {_percent(best)}"


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's scores of one picture.

    Attributes:
        scores: shape (classes,), float32; probabilities 0..1 by class number.
        labels: the names of the classes.
        picture: the picture's role, or its file's name.
        model: the model's name.
        engine: the runtime that computed the scores, as shown to people.
    """

    scores: Float32
    labels: Labels
    picture: str
    model: str
    engine: str

    def __getitem__(self, query: str | int) -> Score:
        """Return the score of a class by first name, full name, WNID or number.

        Raises:
            LabelError: no class is called so, or several are.
        """
        number = self.labels.number(query)
        return self._score(number)

    def _score(self, number: int) -> Score:
        return Score(float(self.scores[number]), self.labels.name(number), number, self)

    @property
    def order(self) -> list[int]:
        """The class numbers, best first; equal scores by number, NaN last."""
        return [int(n) for n in np.argsort(-self.scores, kind="stable")]

    def top(self, count: int = 5) -> list[Score]:
        """Return the best scores, highest first."""
        return [self._score(number) for number in self.order[:count]]

    @property
    def label(self) -> Label:
        """The first name of the class with the highest score."""
        return Label(self.labels.name(self.order[0]), self)

    @property
    def top_score(self) -> Score:
        """The highest score of all classes."""
        return self._score(self.order[0])

    @property
    def total(self) -> Score:
        """The sum of all scores: one, but for the rounding of the model's arithmetic."""
        return Score(float(self.scores.sum(dtype=np.float64)), "the sum of scores", None, self)

    @property
    def entropy(self) -> float:
        """How undecided the scores are, in nats: 0 for one sure class, ln(classes) at most.

        NaN where a score is NaN, and where no score is above 0.
        """
        share = self.scores[~(self.scores <= 0)].astype(np.float64)  # NaN stays in
        if not len(share):
            return float("nan")
        with np.errstate(invalid="ignore"):  # infinite scores give NaN, as they should
            share /= share.sum()
        return abs(float((share * np.log(share)).sum()))

    def highest(self, *, but: str | int) -> Score:
        """Return the highest score of all classes but one."""
        left_out = self.labels.number(but)
        return self._score(next(n for n in self.order if n != left_out))

    def unnamed(self) -> Score:
        """Return the sum of the scores of all outputs that have no name."""
        named = set(self.labels.named)
        rest = [n for n in range(len(self.labels)) if n not in named]
        total = float(self.scores[rest].sum(dtype=np.float64)) if rest else 0.0
        return Score(total, f"the sum of {len(rest)} unnamed outputs", None, self)

    def table(self, k: int = 10, *, only_first_name: bool = True) -> str:
        """Return the tutorial's table: the best k scores, one line each, no line end."""
        return "\n".join(
            f"{float(score):>6.2%} : {self.labels.name(number, only_first=only_first_name)}"
            for number, score in ((n, self.scores[n]) for n in self.order[:k])
        )

    def __str__(self) -> str:
        """Return the tutorial's top-10 table."""
        return self.table()


def _digits(one: float, other: float) -> int:
    """Return how many decimals of a percentage tell two values apart, 1 to 7."""
    for digits in range(1, 7):
        if float(one) == float(other) or _percent(one, digits) != _percent(other, digits):
            return digits
    return 7


def _percent(value: float, digits: int = 1) -> str:
    return f"{float(value) * 100:.{digits}f} %"


def _indented(text: str) -> list[str]:
    return [f" {line}" for line in text.splitlines()]
