"""Hypothesis strategies: pictures and perturbations, to search for what a model gets wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from inception_harness.errors import PictureError
from inception_harness.images import UInt8
from inception_harness.perturb import PERTURBATIONS, Perturbation

__all__ = ["perturbations", "rgb_pictures"]


def perturbations(
    *, names: Sequence[str] | None = None, min_severity: int = 1, max_severity: int = 5
) -> st.SearchStrategy[Perturbation]:
    """Return a strategy for perturbations; it shrinks to the mildest, of seed 0.

    Args:
        names: which ones, of `PERTURBATIONS`; by default all. Earlier ones count as simpler.
        min_severity: the mildest, 1..5.
        max_severity: the strongest, 1..5.

    Raises:
        PictureError: an unknown name, or severities that are none.
    """
    chosen = tuple(PERTURBATIONS) if names is None else tuple(names)
    if not chosen or min_severity > max_severity:
        raise PictureError(
            f"No perturbation is left to search: names {chosen}, severities "
            f"{min_severity}..{max_severity}."
        )
    for name in chosen:  # complains of unknown names and of severities beyond 1..5
        Perturbation(name, min_severity)
        Perturbation(name, max_severity)
    return st.builds(
        Perturbation,
        name=st.sampled_from(chosen),
        severity=st.integers(min_severity, max_severity),
        seed=st.integers(0, 2**32 - 1),
    )


@st.composite
def rgb_pictures(draw: st.DrawFn, *, min_side: int = 1, max_side: int = 64) -> UInt8:
    """Draw a picture: one colour, a gradient, or noise; RGB, shape (h, w, 3), uint8.

    It shrinks to a small black square. Only its parameters are drawn, so that pictures of any size
    cost the search next to nothing.

    Args:
        draw: given by Hypothesis.
        min_side: least width and height.
        max_side: greatest width and height.
    """
    height, width = (draw(st.integers(min_side, max_side)) for _ in range(2))
    kind = draw(st.sampled_from(["colour", "gradient", "noise"]))
    if kind == "noise":
        generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return generator.integers(0, 256, (height, width, 3), np.uint8)
    first = _colour(draw)
    last = first if kind == "colour" else _colour(draw)
    share = np.linspace(0, 1, height)[:, None] * np.linspace(0, 1, width)
    rgb: UInt8 = np.rint(first + (last - first) * share[..., None]).astype(np.uint8)
    return rgb


def _colour(draw: st.DrawFn) -> NDArray[np.int64]:
    # One choice, as noise's seed is: to Hypothesis, fewer choices are simpler than smaller ones.
    number = draw(st.integers(0, 2**24 - 1))
    return np.array([number >> 16, number >> 8 & 255, number & 255])
