"""A picture of any size to the size of a network's input: fit, then resize."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inception_harness.errors import PictureError
from inception_harness.picture_files import MAX_PIXELS

__all__ = ["FITS", "RESIZE_METHODS", "Float32", "fit", "resize"]

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

FITS = ("squeeze", "crop", "pad")
RESIZE_METHODS = (
    "bilinear",
    "bilinear-no-antialias",
    "bilinear-legacy",
    "nearest",
    "bicubic",
    "lanczos",
    "box",
)

_PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}


def fit(
    rgb: UInt8,
    how: str,
    *,
    size: tuple[int, int] = (1, 1),
    fill: tuple[int, int, int] = (0, 0, 0),
) -> UInt8:
    """Give a picture the shape of a network's input, without resizing it.

    Where the pixels to cut or to add are odd in number, the extra one is at the right or bottom.

    Args:
        rgb: shape (h, w, 3).
        how: ``squeeze`` returns the picture as it is, for the resize to distort; ``crop`` cuts
            the largest centred part; ``pad`` adds borders and keeps the picture in the centre.
        size: width and height of the input; only their ratio counts. A square by default.
        fill: the colour of the borders.

    Returns:
        RGB, uint8; with ``crop`` and ``pad`` of the input's shape, to the nearest pixel.

    Raises:
        PictureError: `how` is not one of `FITS`, or padding would need more than `MAX_PIXELS`.
    """
    if how not in FITS:
        raise PictureError(f"There is no fit {how!r}; the fits are {', '.join(FITS)}.")
    height, width = rgb.shape[:2]
    if how == "squeeze" or width * size[1] == height * size[0]:
        return rgb
    wide = max(1, round(height * size[0] / size[1]))
    high = max(1, round(width * size[1] / size[0]))
    if (how == "crop") == (wide <= width):
        high = height
    else:
        wide = width
    if how == "crop":
        left, top = (width - wide) // 2, (height - high) // 2
        return rgb[top : top + high, left : left + wide]
    if wide * high > MAX_PIXELS:
        raise PictureError(
            f"Padding a picture of {width} x {height} would make it {wide} x {high}; at most "
            f"{MAX_PIXELS:,} pixels are expected. Use crop or squeeze, or scale the picture down."
        )
    padded = np.empty((high, wide, 3), np.uint8)
    padded[:] = fill
    left, top = (wide - width) // 2, (high - height) // 2
    padded[top : top + height, left : left + width] = rgb
    return padded


def resize(rgb: UInt8 | Float32, size: tuple[int, int], method: str) -> Float32:
    """Resize a picture.

    Args:
        rgb: shape (h, w, 3), uint8, or float32 within 0..255.
        size: width and height of the result.
        method: one of `RESIZE_METHODS`. ``bilinear`` and those named after kernels are Pillow's:
            pixel centres aligned, and shrinking averages over all pixels (antialias); uint8 gives
            whole numbers, as Pillow's RGB pictures do. ``bilinear-no-antialias`` is what
            ``tf.image.resize`` of TensorFlow 2 does. ``bilinear-legacy`` is TensorFlow 1's
            ResizeBilinear with align_corners and half_pixel_centers false: it samples at the
            pixels' top left corners, so it shifts the picture by up to half an output pixel.

    Returns:
        Shape (height, width, 3), 0..255. A picture that has the size already is unchanged.

    Raises:
        PictureError: an unknown method, or a size below 1 x 1.
    """
    if method not in RESIZE_METHODS:
        raise PictureError(
            f"There is no resize method {method!r}; the methods are {', '.join(RESIZE_METHODS)}."
        )
    if min(size) < 1:
        raise PictureError(f"A picture cannot be resized to {size[0]} x {size[1]}.")
    if (rgb.shape[1], rgb.shape[0]) == tuple(size):
        return rgb.astype(np.float32)
    if method in _PILLOW:
        return _resize_with_pillow(rgb, size, _PILLOW[method])
    return _resize_bilinear(rgb, size, half_pixel_centers=method == "bilinear-no-antialias")


def _resize_with_pillow(
    rgb: UInt8 | Float32, size: tuple[int, int], kernel: Image.Resampling
) -> Float32:
    if rgb.dtype == np.uint8:
        return np.asarray(Image.fromarray(rgb).resize(size, kernel), np.float32)
    channels = [Image.fromarray(rgb[..., i].astype(np.float32)) for i in range(3)]
    resized: Float32 = np.stack([np.asarray(one.resize(size, kernel)) for one in channels], axis=-1)
    # Bicubic and Lanczos overshoot at edges; for uint8 Pillow cuts that off itself.
    return np.clip(resized, 0, 255, out=resized)


def _resize_bilinear(
    rgb: UInt8 | Float32, size: tuple[int, int], *, half_pixel_centers: bool
) -> Float32:
    top, bottom, down = _neighbours(rgb.shape[0], size[1], half_pixel_centers)
    left, right, across = _neighbours(rgb.shape[1], size[0], half_pixel_centers)
    # Rows as one run of numbers each: NumPy is several times slower on a last axis of three.
    upper = rgb[top].astype(np.float32).reshape(size[1], -1)
    lower = rgb[bottom].astype(np.float32).reshape(size[1], -1)
    lower -= upper
    lower *= down[:, None]
    upper += lower
    channels = np.arange(3)
    start = upper.take((left[:, None] * 3 + channels).ravel(), axis=1)
    end = upper.take((right[:, None] * 3 + channels).ravel(), axis=1)
    end -= start
    end *= np.repeat(across, 3)
    start += end
    return start.reshape(size[1], size[0], 3)


def _neighbours(
    old: int, new: int, half_pixel_centers: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], Float32]:
    """Return, along one axis, the two pixels that each new one lies between, and how far."""
    # In float32 as TensorFlow's kernel, whose rounding decides between neighbours.
    scale = np.float32(old) / np.float32(new)
    positions = np.arange(new, dtype=np.float32)
    if half_pixel_centers:
        at = (positions + np.float32(0.5)) * scale - np.float32(0.5)
    else:
        at = positions * scale
    floor = np.floor(at)
    first = np.maximum(floor, 0).astype(np.intp)
    second = np.minimum(np.ceil(at) if half_pixel_centers else floor + 1, old - 1).astype(np.intp)
    return np.minimum(first, old - 1), second, (at - floor).astype(np.float32)
