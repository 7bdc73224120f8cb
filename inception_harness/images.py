"""Pictures as pixels: decode, fit, resize; one way from any source to what a network sees."""

from __future__ import annotations

import hashlib

import numpy as np

from inception_harness.decoding import (
    ALPHA_BACKGROUND,
    DECODER,
    FORMATS,
    MAX_PIXELS,
    PictureSource,
    UInt8,
    decode,
    is_plain_jpeg,
    read_bytes,
)
from inception_harness.resizing import FITS, RESIZE_METHODS, Float32, fit, resize

__all__ = [
    "ALPHA_BACKGROUND",
    "DECODER",
    "FITS",
    "FORMATS",
    "MAX_PIXELS",
    "RESIZE_METHODS",
    "Float32",
    "PictureSource",
    "UInt8",
    "decode",
    "fit",
    "is_plain_jpeg",
    "network_view",
    "pixel_hash",
    "read_bytes",
    "resize",
]


def network_view(rgb: UInt8, size: tuple[int, int], how: str, method: str) -> Float32:
    """Return what a network sees of a picture.

    Args:
        rgb: shape (h, w, 3).
        size: width and height of the network's input.
        how: one of `FITS`.
        method: one of `RESIZE_METHODS`.

    Returns:
        Shape (height, width, 3), 0..255. A picture that has the size already is unchanged.

    Raises:
        PictureError: an unknown fit or method, or a picture too long to be padded.
    """
    return resize(fit(rgb, how, size=size), size, method)


def pixel_hash(rgb: UInt8) -> str:
    """Return 16 hex digits that name the pixels: of the sha256 over the shape and the values.

    Args:
        rgb: any uint8 array; how it lies in memory does not matter.
    """
    shape = "x".join(str(length) for length in rgb.shape)
    values = np.ascontiguousarray(rgb, np.uint8).tobytes()
    return hashlib.sha256(f"{shape}:".encode() + values).hexdigest()[:16]
