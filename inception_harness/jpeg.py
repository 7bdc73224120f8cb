"""JPEG bytes to pixels, equal to ``tf.io.decode_jpeg`` to the byte.

libjpeg-turbo with its fast integer transform is what TensorFlow uses by default. That transform
wraps around on the hardest edges: a checkerboard of pure black and white, four pixels a field,
comes out inverted. TensorFlow shows the same, so such drawings belong into PNG files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

__all__ = [
    "DECODER",
    "JpegHeader",
    "is_jpeg",
    "jpeg_header",
    "jpeg_pixels",
    "segments",
    "unread_bytes",
]

UInt8 = NDArray[np.uint8]

DECODER = f"simplejpeg {version('simplejpeg')} (libjpeg-turbo, fast DCT)"

_START_OF_SCAN = 0xDA
_EXIF = 0xE1
_ADOBE = 0xEE
_ORIENTATION = 0x0112
_SHORT = 3


class JpegHeader(NamedTuple):
    """What stands before the picture's data.

    Attributes:
        width: in pixels, as stored.
        height: in pixels, as stored.
        cmyk: whether the colours are four inks.
        adobe: whether an Adobe program's marker says that ink is stored inverted.
        orientation: EXIF's, 1..8, or another number that means nothing.
    """

    width: int
    height: int
    cmyk: bool
    adobe: bool
    orientation: int


def is_jpeg(data: bytes) -> bool:
    """Return whether bytes begin as JPEG files do."""
    return data.startswith(b"\xff\xd8\xff")


def jpeg_header(data: bytes) -> JpegHeader:
    """Read the header of a JPEG file.

    Pillow could, but it warns of damaged metadata, which where warnings are errors would refuse
    pictures that are whole.

    Raises:
        ValueError: the header is truncated or damaged.
    """
    height, width, colours, _ = simplejpeg.decode_jpeg_header(_known_revision(data))
    adobe, orientation = False, 1
    for marker, start, stop in segments(data):
        body = data[start + 4 : stop]
        adobe = adobe or (marker == _ADOBE and body.startswith(b"Adobe"))
        if marker == _EXIF and body.startswith(b"Exif\0\0"):
            orientation = _orientation(body[6:])
    return JpegHeader(width, height, colours in ("CMYK", "YCCK"), adobe, orientation)


def jpeg_pixels(data: bytes, header: JpegHeader) -> UInt8:
    """Decode a whole JPEG file.

    Args:
        data: the file.
        header: the same file's header.

    Returns:
        RGB, shape (h, w, 3), as stored: EXIF orientation is not applied.

    Raises:
        ValueError: the data is truncated or damaged; the text is libjpeg's.
    """
    if not header.cmyk:
        return _decode_jpeg(data, "RGB")
    cmyk = _decode_jpeg(data, "CMYK").astype(np.uint16)
    light = cmyk if header.adobe else 255 - cmyk
    # The rounding is TensorFlow's: towards zero.
    return (light[..., :3] * light[..., 3:] // 255).astype(np.uint8)


def _decode_jpeg(data: bytes, colours: str) -> UInt8:
    data = _known_revision(data)

    def decoded(strict: bool) -> UInt8:
        pixels: UInt8 = simplejpeg.decode_jpeg(data, colours, fastdct=True, strict=strict)
        return pixels

    try:
        return decoded(strict=True)
    except ValueError as error:
        # Spare bytes between the picture's data and its end marker do no harm, and some cameras
        # write them. Any other complaint means pixels that are not the picture's.
        if "extraneous bytes before marker 0xd9" in str(error):
            return decoded(strict=False)
        raise


def _known_revision(data: bytes) -> bytes:
    # Some cameras write a JFIF revision that does not exist, which changes no pixel; TensorFlow's
    # decoder is silent where simplejpeg refuses.
    if data[6:11] == b"JFIF\0" and data[11] not in (1, 2):
        return data[:11] + b"\1" + data[12:]
    return data


def _orientation(tiff: bytes) -> int:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * entry)
            if tag == _ORIENTATION and kind == _SHORT:
                return int(value)
    except struct.error:  # metadata too damaged to read says nothing of the orientation
        pass
    return 1


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the segments before the picture's data: marker, start and stop in the file.

    A segment is the marker's two bytes, two of length, and the body.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _START_OF_SCAN:
            return
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, stop
        at = stop


def unread_bytes(image: JpegImageFile) -> bytes | None:
    """Return the file behind an image that Pillow has opened but not read, else None."""
    # Once its pixels are read or changed, or a smaller draft is asked for, the image is no longer
    # its file.
    stream: Any = getattr(image, "fp", None)
    if stream is None or not image.tile or image.decoderconfig:
        return None
    position = stream.tell()
    stream.seek(0)
    try:
        data: bytes = stream.read()
    finally:
        stream.seek(position)
    return data
