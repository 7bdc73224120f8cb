"""Perturbations of place: the same scene, shown from a little elsewhere.

Each function takes RGB of shape (h, w, 3), uint8, and returns the same shape. What lies outside the
picture is its mirror image, so that no border appears that a network could take for a thing.
Coordinates and weights are whole numbers (fixed point), so every machine finds the same pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["horizontal_flip", "letterbox", "mirrored", "occlusion", "rotation", "scale", "shift"]

UInt8 = NDArray[np.uint8]
_Indices = NDArray[np.int64]

_ONE = 1 << 16  # a pixel, in fixed point
_UNIT = 1 << 30  # the number one, for sines and cosines
_GREY = 128


def horizontal_flip(rgb: UInt8) -> UInt8:
    """Exchange left and right."""
    return rgb[:, ::-1].copy()


def shift(rgb: UInt8, right: int, down: int) -> UInt8:
    """Move the picture by whole pixels."""
    rows = mirrored(np.arange(rgb.shape[0]) - down, rgb.shape[0])
    columns = mirrored(np.arange(rgb.shape[1]) - right, rgb.shape[1])
    return rgb[rows[:, None], columns]


def rotation(rgb: UInt8, degrees: float) -> UInt8:
    """Turn the picture about its centre, counter-clockwise for positive angles."""
    return _transformed(rgb, math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))


def scale(rgb: UInt8, factor: float) -> UInt8:
    """Enlarge the picture about its centre, or shrink it for factors below 1."""
    return _transformed(rgb, 1 / factor, 0.0)


def occlusion(rgb: UInt8, left: int, top: int, width: int, height: int) -> UInt8:
    """Cover a rectangle with mid-grey (128), after Zeiler and Fergus 2014."""
    covered = rgb.copy()
    covered[top : top + height, left : left + width] = _GREY
    return covered


def letterbox(rgb: UInt8, rows: int) -> UInt8:
    """Cover so many rows at the top and at the bottom with black bars."""
    barred = rgb.copy()
    barred[:rows] = 0
    barred[len(rgb) - rows :] = 0
    return barred


def mirrored(indices: _Indices, length: int) -> _Indices:
    """Return where in a line of pixels the mirror image of indices outside it lies."""
    folded = indices % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)


def _transformed(rgb: UInt8, cosine: float, sine: float) -> UInt8:
    """Sample a picture where a turned or scaled grid about its centre lies."""
    height, width = rgb.shape[:2]
    c, s = round(cosine * _UNIT), round(sine * _UNIT)
    # Twice the distance from the centre is a whole number also for even sides.
    across = 2 * np.arange(width, dtype=np.int64) - (width - 1)
    down = (2 * np.arange(height, dtype=np.int64) - (height - 1))[:, None]
    to_pixels = 2 * _UNIT // _ONE
    x = (c * across - s * down) // to_pixels + (width - 1) * _ONE // 2
    y = (s * across + c * down) // to_pixels + (height - 1) * _ONE // 2
    return _sampled(rgb, y, x)


def _sampled(rgb: UInt8, y: _Indices, x: _Indices) -> UInt8:
    """Sample between pixels, bilinear; y and x are in fixed point, of the result's shape."""
    height, width = rgb.shape[:2]
    rows = [mirrored((y >> 16) + step, height) for step in (0, 1)]
    columns = [mirrored((x >> 16) + step, width) for step in (0, 1)]
    # Weights of 0..256, whose products with 255 levels fit 32 bits.
    lower, right = (((at >> 8) & 255).astype(np.int32)[..., None] for at in (y, x))
    total = np.full((*y.shape, 3), 1 << 15, np.int32)
    for row, down in zip(rows, (256 - lower, lower), strict=True):
        for column, across in zip(columns, (256 - right, right), strict=True):
            total += rgb[row, column] * (down * across)
    return (total >> 16).astype(np.uint8)
