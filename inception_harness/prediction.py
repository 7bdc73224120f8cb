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

__all__ = ["Label", "Prediction", "Score", "observing"]

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


def _note(observation: Observation) -> None:
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

    def _compare(self, op: str, other: object) -> bool:
        if not isinstance(other, int | float | np.number):
            return NotImplemented  # type: ignore[no-any-return]  # Python's way to decline
        bound = float(other)
        margin = float(self) - bound if op.startswith(">") else bound - float(self)
        _note(Observation(self.name, float(self), op, bound, margin, self.prediction.picture))
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

        The first line names picture, class, score, bound and how much is missing.
        """
        if isinstance(other, Score) and other.prediction is not self.prediction:
            return self._explain_pair(op, other)
        bound = float(other) if isinstance(other, int | float | np.number) else float("nan")
        gap = abs(float(self) - bound) * 100
        side = "short by" if op.startswith(">") else "over by"
        subject = self.prediction
        if self.number is None and " + " not in self.name:
            got = f"{self.name} is {_percent(self)}"
        else:
            got = f"{self.name} scored {_percent(self)}"
        return [
            f"{subject.picture}: {got}, should be {op} {_percent(bound)} "
            f"({side} {gap:.1f} points)  [{subject.model}, {subject.engine}]",
            *_indented(subject.table(5)),
        ]

    def _explain_pair(self, op: str, other: Score) -> list[str]:
        mine, its = self.prediction, other.prediction
        return [
            f"{mine.picture}: {self.name} scored {_percent(self)}, should be {op} the "
            f"{_percent(other)} of {other.name} on {its.picture} "
            f"({abs(float(self) - float(other)) * 100:.1f} points apart)  "
            f"[{mine.model}, {mine.engine}]",
            f"{mine.picture}:",
            *_indented(mine.table(5)),
            f"{its.picture}:",
            *_indented(its.table(5)),
        ]


class Label(str):
    """The first name of a prediction's top class; it knows where it comes from."""

    __slots__ = ("prediction",)
    prediction: Prediction

    def __new__(cls, name: str, prediction: Prediction) -> Label:
        """Make a label of a name."""
        self = super().__new__(cls, name)
        self.prediction = prediction
        return self

    def _compare(self, op: str, other: object) -> bool:
        same = str.__eq__(self, str(other))
        if isinstance(other, str):
            subject = self.prediction
            # A name the model does not have scores nothing.
            its = subject[other] if other in subject.labels else 0.0
            best_other = max(
                (float(s) for s in subject.top(2) if s.name != str(other)), default=0.0
            )
            margin = float(its) - best_other
            _note(
                Observation(
                    "the top class",
                    str(self),
                    op,
                    str(other),
                    margin if op == "==" else -margin,
                    subject.picture,
                )
            )
        return same if op == "==" else not same

    def __eq__(self, other: object) -> bool:
        return self._compare("==", other)

    def __ne__(self, other: object) -> bool:
        return self._compare("!=", other)

    __hash__ = str.__hash__

    def explain(self, op: str, other: object) -> list[str]:
        """Return the lines that say why ``self op other`` does not hold."""
        subject = self.prediction
        wanted = f"{other}" if op == "==" else f"anything but {other}"
        return [
            f"{subject.picture}: the top class is {str(self)!s} ({_percent(subject.top_score)}), "
            f"should be {wanted}{self._place(other)}  [{subject.model}, {subject.engine}]",
            *_indented(subject.table(5)),
        ]

    def _place(self, other: object) -> str:
        subject = self.prediction
        if isinstance(other, Label) and other.prediction is not subject:
            return f", as for {other.prediction.picture}"
        if not isinstance(other, str) or other not in subject.labels or str.__eq__(self, other):
            return ""
        number = subject.labels.number(other)
        rank = int((subject.scores > subject.scores[number]).sum()) + 1
        return f", which is at rank {rank} with {_percent(subject.scores[number])}"


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
        """How undecided the scores are, in nats: 0 for one sure class, ln(classes) at most."""
        share = self.scores[self.scores > 0].astype(np.float64)
        share /= share.sum()
        return float(-(share * np.log(share)).sum())

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


def _percent(value: float) -> str:
    return f"{float(value) * 100:.1f} %"


def _indented(text: str) -> list[str]:
    return [f" {line}" for line in text.splitlines()]
