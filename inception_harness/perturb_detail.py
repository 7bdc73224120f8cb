"""Perturbations of detail: noise, blur, coarse pixels, compression.

Each function takes RGB of shape (h, w, 3), uint8, and returns the same shape. All but
`jpeg_quality` compute with whole numbers.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inception_harness import encodings, images
from inception_harness.draws import normal_field, uniform_field
from inception_harness.perturb_geometry import mirrored

__all__ = [
    "gaussian_blur",
    "gaussian_noise",
    "jpeg_quality",
    "motion_blur",
    "pixelate",
    "shot_noise",
]

UInt8 = NDArray[np.uint8]

_WEIGHTS = 1 << 16  # what a blur's weights sum to


def gaussian_noise(rgb: UInt8, sigma: int, grain: int, key: int) -> UInt8:
    """Add normally distributed noise; sigma in levels.

    The noise of each channel is another one, and that of a square of `grain` pixels is one.
    """
    # At most 786,420 x sigma, which 32 bits hold.
    noise = (normal_field(_grid(rgb, grain), key) * sigma + (1 << 16)) >> 17
    noisy: UInt8 = np.clip(rgb + _grown(noise, rgb, grain), 0, 255).astype(np.uint8)
    return noisy


def shot_noise(rgb: UInt8, photons: int, grain: int, key: int) -> UInt8:
    """Count light in single photons, so many for a value of 255: a Poisson number for each value.

    The luck of each channel is another one, and that of a square of `grain` pixels is one.
    """
    limits = _poisson_limits(photons)
    luck = _grown(uniform_field(_grid(rgb, grain), key), rgb, grain)
    # One search in a table of all levels' limits, one level's behind the other's.
    level = rgb.astype(np.uint64) << np.uint64(32)
    first = np.arange(256, dtype=np.uint64)[:, None] << np.uint64(32)
    found = np.searchsorted((first + limits).ravel(), level + luck, side="right")
    counts = found - rgb.astype(np.int64) * limits.shape[1]
    noisy: UInt8 = np.minimum((counts * 510 + photons) // (2 * photons), 255).astype(np.uint8)
    return noisy


def gaussian_blur(rgb: UInt8, sigma: float) -> UInt8:
    """Blur with a Gaussian; sigma in pixels, cut off at three sigma."""
    radius = max(1, math.ceil(3 * sigma))
    half = [round(_WEIGHTS * w) for w in _gaussian(sigma, radius)]
    weights = [*reversed(half[1:]), _WEIGHTS - 2 * sum(half[1:]), *half[1:]]
    # Whole numbers below 2**53 are exact in float64, so the order in which a matrix product adds
    # them up does not matter.
    height, width = rgb.shape[:2]
    along = _mixing(height, weights) @ rgb.reshape(height, -1).astype(np.float64)
    both = _mixing(width, weights) @ along.reshape(rgb.shape)
    return ((both.astype(np.int64) + (1 << 31)) >> 32).astype(np.uint8)


def motion_blur(rgb: UInt8, right: int, down: int) -> UInt8:
    """Average along a straight path of so many pixels, centred on each pixel."""
    steps = max(abs(right), abs(down), 1)
    height, width = rgb.shape[:2]
    rows = mirrored(np.arange(-steps, height + steps), height)
    around = rgb[rows[:, None], mirrored(np.arange(-steps, width + steps), width)]
    total = np.zeros(rgb.shape, np.int32)
    for step in range(steps + 1):
        # To the nearest pixel: half a path back, then forward step by step.
        y, x = (((2 * step - steps) * end + steps) // (2 * steps) + steps for end in (down, right))
        total += around[y : y + height, x : x + width]
    blurred: UInt8 = ((2 * total + steps + 1) // (2 * (steps + 1))).astype(np.uint8)
    return blurred


def pixelate(rgb: UInt8, across: int, down: int) -> UInt8:
    """Show the picture as a grid of squares, each in its own mean colour."""
    columns, rows = _edges(rgb.shape[1], across), _edges(rgb.shape[0], down)
    sums = np.add.reduceat(rgb.astype(np.int64), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    high, wide = np.diff(rows), np.diff(columns)
    area = (high[:, None] * wide)[..., None]
    means: UInt8 = ((2 * sums + area) // (2 * area)).astype(np.uint8)
    return means.repeat(high, axis=0).repeat(wide, axis=1)


def jpeg_quality(rgb: UInt8, quality: int) -> UInt8:
    """Write the picture as JPEG of a quality of 1..100, chroma halved, and read it again."""
    return images.decode(encodings.jpeg(rgb, quality))


def _grid(rgb: UInt8, grain: int) -> tuple[int, int, int]:
    return -(-rgb.shape[0] // grain), -(-rgb.shape[1] // grain), 3


def _grown(field: NDArray[Any], rgb: UInt8, grain: int) -> NDArray[Any]:
    """Repeat each number of a grid over a square of pixels."""
    grown = field.repeat(grain, axis=0).repeat(grain, axis=1)
    return grown[: rgb.shape[0], : rgb.shape[1]]


@lru_cache
def _poisson_limits(photons: int) -> NDArray[np.uint64]:
    """Return, for each level, the share of draws of 2**32 below which at most k photons count."""
    counts = photons + 6 * math.isqrt(photons) + 12
    # exp() of decimal is rounded the same everywhere, and products of floats are as well.
    none = float((Decimal(-photons) / 255).exp())
    limits = np.empty((256, counts), np.uint64)
    chance_of_none = 1.0
    for level in range(256):
        chance, below = chance_of_none, 0.0
        for count in range(counts):
            below += chance
            limits[level, count] = min(int(below * 2**32 + 0.5), 2**32)
            chance *= level * photons / (255 * (count + 1))
        chance_of_none *= none
    return limits


def _gaussian(sigma: float, radius: int) -> list[float]:
    values = [math.exp(-(i * i) / (2 * sigma * sigma)) for i in range(radius + 1)]
    total = 2 * sum(values) - values[0]
    return [value / total for value in values]


def _mixing(length: int, weights: list[int]) -> NDArray[np.float64]:
    """Return the square matrix that weighs each pixel's neighbours along a line."""
    matrix = np.zeros((length, length))
    here = np.arange(length)
    for offset, weight in enumerate(weights, start=-(len(weights) // 2)):
        matrix[here, mirrored(here + offset, length)] += weight
    return matrix


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    parts = min(parts, length)
    return np.arange(parts + 1, dtype=np.int64) * length // parts
