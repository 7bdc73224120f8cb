"""Perturbations of colour and light: every pixel by itself. Whole-number arithmetic throughout.

Each function takes RGB of shape (h, w, 3), uint8, and returns the same shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["brightness", "contrast", "gamma", "grey_scale", "saturation"]

UInt8 = NDArray[np.uint8]


def brightness(rgb: UInt8, levels: int) -> UInt8:
    """Add the same number of levels to every value."""
    return _clipped(rgb.astype(np.int32) + levels)


def contrast(rgb: UInt8, share: int) -> UInt8:
    """Draw every value towards the picture's mean luma; `share` of 256 of the contrast stays."""
    luma = _luma(rgb)
    mean = (2 * int(luma.sum(dtype=np.int64)) + luma.size) // (2 * luma.size)
    return _blend(rgb, np.int32(mean), share)


def saturation(rgb: UInt8, share: int) -> UInt8:
    """Scale the distance of every pixel from its own grey: 0 is grey, 256 unchanged, 512 double."""
    return _blend(rgb, _luma(rgb)[..., None], share)


def grey_scale(rgb: UInt8, share: int) -> UInt8:
    """Blend every pixel with its own grey; `share` of 256 of the colour stays."""
    return saturation(rgb, share)


def gamma(rgb: UInt8, exponent: float) -> UInt8:
    """Raise every value, as a share of 255, to a power: above 1 darker, below 1 brighter."""
    # A table of 256 whole numbers: libraries' last digits of a power do not show.
    table = [int(255 * (value / 255) ** exponent + 0.5) for value in range(256)]
    return np.array(table, np.uint8)[rgb]


def _luma(rgb: UInt8) -> NDArray[np.int32]:
    # ITU-R BT.601, as in JPEG, in thousandths.
    weights = np.array([299, 587, 114], np.int32)
    luma: NDArray[np.int32] = ((rgb * weights).sum(axis=-1) + 500) // 1000
    return luma


def _blend(rgb: UInt8, towards: NDArray[np.int32] | np.int32, share: int) -> UInt8:
    return _clipped((towards * (256 - share) + rgb.astype(np.int32) * share + 128) >> 8)


def _clipped(values: NDArray[np.int32]) -> UInt8:
    return np.clip(values, 0, 255).astype(np.uint8)
