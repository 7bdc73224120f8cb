"""Arrays of any of the usual forms to RGB pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inception_harness.errors import PictureError
from inception_harness.picture_files import refuse_large

__all__ = ["ALPHA_BACKGROUND", "UInt8", "rgb_of_array"]

UInt8 = NDArray[np.uint8]

# Transparent parts show white, as on a page. TensorFlow drops the alpha channel instead, which
# shows whatever the drawing program left under the transparent parts: mostly black, at times
# rubbish that nobody has ever seen.
ALPHA_BACKGROUND = 255


def rgb_of_array(array: NDArray[Any], name: str) -> UInt8:
    """Return the picture that an array is.

    Args:
        array: shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8 or float within 0..255.
        name: what to call it in errors.

    Returns:
        RGB, shape (h, w, 3); transparency is laid on `ALPHA_BACKGROUND`.

    Raises:
        PictureError: another shape, type or range, or more than `MAX_PIXELS`.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PictureError(
            f"{name} has shape {array.shape}; expected one picture of shape (h, w), (h, w, 1), "
            "(h, w, 3) or (h, w, 4)."
        )
    if 0 in array.shape:
        raise PictureError(f"{name} has shape {array.shape}: it has no pixels.")
    refuse_large(array.shape[1], array.shape[0], name)
    values = _eight_bits(array, name).reshape(*array.shape[:2], -1)
    if values.shape[2] == 4:
        values = _on_background(values)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))


def _eight_bits(array: NDArray[Any], name: str) -> UInt8:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise PictureError(
            f"{name} has type {array.dtype}; expected uint8, or float within 0..255."
        )
    low, high = array.min(), array.max()
    # A single NaN makes both of them NaN, for which this is false.
    if not (low >= 0 and high <= 255):
        raise PictureError(
            f"{name} has values of {low:g}..{high:g}; expected 0..255, all of them finite."
        )
    if 0 < high <= 1:
        raise PictureError(
            f"{name} has values of {low:g}..{high:g}, which would be black; expected 0..255. "
            "Multiply it by 255, or give uint8 if it is as dark as that."
        )
    rounded: UInt8 = np.rint(array).astype(np.uint8)
    return rounded


def _on_background(rgba: UInt8) -> UInt8:
    # At most 255 x 255 + 127, which 16 bits hold.
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3] * alpha + ALPHA_BACKGROUND * (255 - alpha)
    rgb: UInt8 = ((mixed + 127) // 255).astype(np.uint8)
    return rgb
