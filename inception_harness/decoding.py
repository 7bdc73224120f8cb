"""Anything that can be given as a picture to RGB pixels, exactly as TensorFlow decodes them.

JPEG goes through `inception_harness.jpeg`, other formats through Pillow. Colour profiles and gamma
are ignored, as TensorFlow ignores them.
"""

from __future__ import annotations

import io
import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from inception_harness.errors import PictureError
from inception_harness.jpeg import DECODER, is_jpeg, jpeg_header, jpeg_pixels, unread_bytes
from inception_harness.picture_files import (
    MAX_PIXELS,
    contents,
    refuse_large,
    refuse_non_picture,
    too_large,
)
from inception_harness.pixel_arrays import ALPHA_BACKGROUND, UInt8, rgb_of_array

__all__ = [
    "ALPHA_BACKGROUND",
    "DECODER",
    "FORMATS",
    "MAX_PIXELS",
    "PictureSource",
    "UInt8",
    "decode",
    "is_plain_jpeg",
    "read_bytes",
    "upright",
]

PictureSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8 | np.floating]

# The formats whose decoders are part of every Pillow. Not all that Pillow knows: EPS, for one,
# would start Ghostscript.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")

_ORIENTATION = 0x0112  # the EXIF tag
_SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def read_bytes(source: PictureSource) -> bytes | None:
    """Return the encoded picture behind a source, or None where there are only pixels.

    Args:
        source: a path, bytes, a Pillow image or an array. A Pillow image that was opened from a
            JPEG file and has not read its pixels yet still has its encoded bytes.

    Raises:
        PictureError: the path is a URL, a folder, or names no readable file.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        return contents(source)
    if isinstance(source, JpegImageFile):
        return unread_bytes(source)
    return None


def decode(source: PictureSource, *, name: str | None = None) -> UInt8:
    """Return the pixels of a picture.

    EXIF orientation is applied; grey becomes three equal channels; palettes are resolved;
    transparency is laid on white (`ALPHA_BACKGROUND`); CMYK, inverted or not, is converted with
    TensorFlow's formula; 16 bits are cut to the upper 8, as TensorFlow and Pillow do; of an
    animated or many-paged file the first frame is taken.

    Args:
        source: the path or the bytes of a JPEG, PNG, GIF, BMP, WebP, TIFF, PPM or JPEG 2000 file;
            a Pillow image; or an array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8,
            or float within 0..255 (rounded to the nearest). The pixels of a Pillow image are taken
            as they are, and Pillow's own JPEG decoder differs from TensorFlow's by up to some ten
            levels; one opened from a JPEG file and not read yet is decoded as its file is.
        name: what to call the picture in errors; by default its path or its kind.

    Returns:
        RGB, shape (h, w, 3). The array may share its memory with an array given.

    Raises:
        PictureError: the source is missing, empty, truncated, damaged, no picture, above
            `MAX_PIXELS`, or an array of another shape, type or range.
    """
    if isinstance(source, np.ndarray):
        return rgb_of_array(source, name or "the array")
    if isinstance(source, Image.Image):
        called = name or getattr(source, "filename", "") or "the Pillow image"
        encoded = read_bytes(source)
        return _from_image(source, called) if encoded is None else _from_bytes(encoded, called)
    if isinstance(source, str | os.PathLike):
        return _from_bytes(contents(source), name or os.fspath(source))
    if isinstance(source, bytes):
        return _from_bytes(source, name or "the picture given as bytes")
    raise PictureError(
        f"{name or 'The picture'} is given as {type(source).__name__}; expected a path, bytes, "
        "a Pillow image or a numpy array."
    )


def is_plain_jpeg(data: bytes) -> bool:
    """Return whether TensorFlow's own decoder makes of these bytes what `decode` makes of them.

    It does of a JPEG whose EXIF orientation, if any, is upright; the bytes may still be damaged.
    """
    try:
        return is_jpeg(data) and jpeg_header(data).orientation not in range(2, 9)
    except ValueError:
        return False


def upright(pixels: UInt8, orientation: int) -> UInt8:
    """Turn and mirror stored pixels as an EXIF orientation of 2..8 asks for."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _from_bytes(data: bytes, name: str) -> UInt8:
    refuse_non_picture(data, name)
    if is_jpeg(data):
        return _from_jpeg(data, name)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(too_large(name, str(error))) from error
    except UnidentifiedImageError as error:
        raise _unreadable(data, name) from error
    except Exception as error:  # Pillow's parsers raise whatever the damage leads them to
        raise _damaged(name, error) from error
    with image:
        return _from_image(image, name)


def _from_jpeg(data: bytes, name: str) -> UInt8:
    try:
        header = jpeg_header(data)
    except ValueError as error:
        raise _unreadable(data, name) from error
    refuse_large(header.width, header.height, name)
    try:
        pixels = jpeg_pixels(data, header)
    except ValueError as error:
        raise _damaged(name, error) from error
    return upright(pixels, header.orientation)


def _from_image(image: Image.Image, name: str) -> UInt8:
    refuse_large(image.width, image.height, name)
    try:
        image.load()
        pixels = _pixels(image, name)
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever the damage leads them to
        raise _damaged(name, error) from error
    return upright(pixels, _orientation(image))


def _pixels(image: Image.Image, name: str) -> UInt8:
    if image.mode in _SIXTEEN_BIT:
        values = np.asarray(image)
        if values.min(initial=0) < 0 or values.max(initial=0) > 0xFFFF:
            raise PictureError(
                f"{name} has values of {values.min()}..{values.max()}; expected 16 bits, "
                "0..65535. Scale it to 8 bits first."
            )
        return rgb_of_array((values >> 8).astype(np.uint8), name)
    if image.mode == "F":
        return rgb_of_array(np.asarray(image), name)
    if image.has_transparency_data:
        return rgb_of_array(np.asarray(image.convert("RGBA")), name)
    return np.asarray(image.convert("RGB"))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # metadata too damaged to read says nothing of the orientation
        return 1


def _unreadable(data: bytes, name: str) -> PictureError:
    if data.startswith(_SIGNATURES):
        return PictureError(
            f"{name} is truncated or damaged: its header cannot be read. "
            "Copy or download the file again."
        )
    return PictureError(
        f"{name} is no picture that can be read: it begins with {data[:12]!r}. "
        f"Expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
    )


def _damaged(name: str, error: Exception) -> PictureError:
    words = str(error).rstrip(".") or type(error).__name__
    truncated = any(sign in words.lower() for sign in ("premature end of jpeg", "truncated"))
    return PictureError(
        f"{name} is {'truncated' if truncated else 'damaged'}: {words}. "
        "Copy or download the file again."
    )
