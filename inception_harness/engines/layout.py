"""Where the channels of a model's input stand: last (NHWC) or first (NCHW)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inception_harness.engines import Float32
from inception_harness.errors import EngineError

__all__ = ["has_channels_first", "in_order"]


def has_channels_first(
    shape: Sequence[int | None], height: int, width: int, path: Path, name: str
) -> bool:
    """Tell whether an input takes (n, 3, height, width) and not (n, height, width, 3).

    Args:
        shape: the input's, None for a dimension that is open.
        height: the card's, in pixels.
        width: the card's, in pixels.
        path: the model's file, for the error.
        name: the input's name, for the error.

    Raises:
        EngineError: the input is neither.
    """
    if _fits(shape, (height, width, 3)):
        return False
    if _fits(shape, (3, height, width)):
        return True
    shown = ", ".join("?" if length is None else str(length) for length in shape)
    raise EngineError(
        f"{path}: the input {name!r} takes shape ({shown}); the card's [input] gives pictures of "
        f"shape (n, {height}, {width}, 3), or (n, 3, {height}, {width}) where the channels come "
        "first. Correct width and height in the card, or export the model again."
    )


def _fits(shape: Sequence[int | None], picture: tuple[int, int, int]) -> bool:
    return len(shape) == 4 and all(
        length in (None, wanted) for length, wanted in zip(shape[1:], picture, strict=True)
    )


def in_order(batch: Float32, *, channels_first: bool) -> Float32:
    """Return a batch as the input takes it, contiguous."""
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2) if channels_first else batch)
