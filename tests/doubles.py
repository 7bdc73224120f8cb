"""Small models of one's own, for tests that need a model whose every answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LABELS", "Colours", "colours", "colours_reversed", "empty", "failing", "scoreless"]

LABELS = ("red thing, crimson thing", "green thing", "blue thing")


class Colours:
    """Scores red, green and blue by the mean of each channel; nothing to train or to load.

    Attributes:
        labels: the names of the three outputs.
        input_size: (width, height) in pixels.
        calls: how many pictures each call of `scores` got.
    """

    labels = LABELS
    input_size = (8, 4)
    name = "colours"
    version = "1.2"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.closed = False

    def scores(self, batch: Any) -> Any:
        """Return shape (n, 3); the means of the channels, shared out to sum to one."""
        self.calls.append(len(batch))
        means = batch.mean(axis=(1, 2)) + 1e-3
        return means / means.sum(axis=1, keepdims=True)

    def close(self) -> None:
        self.closed = True


def colours() -> Colours:
    return Colours()


class _Reversed(Colours):
    name = "colours-reversed"

    def scores(self, batch: Any) -> Any:
        return super().scores(batch)[:, ::-1]


def colours_reversed() -> Colours:
    """A bad version: it takes red for blue."""
    return _Reversed()


def scoreless() -> object:
    """An object that is no model: it has labels and nothing else."""

    class Scoreless:
        labels = LABELS

    return Scoreless()


def failing() -> object:
    raise FileNotFoundError("no weights here")


def empty() -> Colours:
    model = Colours()
    model.labels = ()
    return model


def with_changes(**changes: Any) -> Colours:
    model = Colours()
    for key, value in changes.items():
        setattr(model, key, value)
    return model


def bad_size() -> Colours:
    return with_changes(input_size=224)


def bad_fit() -> Colours:
    return with_changes(fit="stretch")


def bad_resize() -> Colours:
    return with_changes(resize="cubic")


def bad_wnids() -> Colours:
    return with_changes(wnids=("n00000001",))


def bad_shape() -> Colours:
    return with_changes(scores=lambda batch: np.ones(3, np.float32))


def another_number_of_scores() -> Colours:
    return with_changes(scores=lambda batch: np.ones((len(batch), 4), np.float32))


no_function = 3
