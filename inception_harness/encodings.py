"""The same pixels in other files: lossless (`png`, `exif_rotated_copy`, …) and lossy (`jpeg`)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inception_harness.decoding import decode, upright
from inception_harness.errors import PictureError
from inception_harness.jpeg import is_jpeg, segments

__all__ = ["exif_rotated_copy", "jpeg", "png", "reencode_png", "strip_metadata"]

UInt8 = NDArray[np.uint8]

_PNG = b"\x89PNG\r\n\x1a\n"
# What the pixels depend on; of the rest, only colour profiles, times and texts.
_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_ORIENTATION = 0x0112
# Application segments and comments, but for JFIF's and Adobe's, which say how colours are stored.
_JPEG_METADATA = (*range(0xE1, 0xEE), 0xEF, 0xFE)
_TURNED_BACK = {6: 8, 8: 6}  # the other orientations undo themselves


def png(rgb: UInt8) -> bytes:
    """Return a PNG file of a picture: lossless, without metadata."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def jpeg(rgb: UInt8, quality: int, *, subsampling: str = "4:2:0") -> bytes:
    """Return a JPEG file of a picture: lossy.

    Pillow's libjpeg writes it, so that another version may write other bytes.

    Args:
        rgb: shape (h, w, 3).
        quality: 1..100.
        subsampling: of the chroma: ``4:4:4``, ``4:2:2`` or ``4:2:0``.
    """
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return file.getvalue()


def reencode_png(data: bytes) -> bytes:
    """Return a PNG file that decodes to the pixels of an encoded picture."""
    return png(decode(data))


def exif_rotated_copy(rgb: UInt8, orientation: int = 6) -> bytes:
    """Return a PNG file that stores a picture turned or mirrored and says so in its EXIF.

    Args:
        rgb: shape (h, w, 3).
        orientation: EXIF's, 1..8; 6 is a camera held upright.

    Returns:
        A file whose decoding equals `rgb` if EXIF is heeded.
    """
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    stored = upright(rgb, _TURNED_BACK.get(orientation, orientation))
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "PNG", exif=exif)
    return file.getvalue()


def strip_metadata(data: bytes) -> bytes:
    """Return a JPEG or PNG file without EXIF, comments, thumbnails and colour profiles.

    The coded picture is copied byte for byte, so the pixels are the same.

    Raises:
        PictureError: another format, or a picture that lies on its side without its EXIF.
    """
    if not (is_jpeg(data) or data.startswith(_PNG)):
        raise PictureError(
            f"Metadata is stripped from JPEG and PNG files; the picture begins with {data[:8]!r}."
        )
    with Image.open(io.BytesIO(data)) as image:
        if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
            raise PictureError(
                "The picture is turned by its EXIF orientation, which stripping would lose. "
                "Give one that is stored upright."
            )
    if is_jpeg(data):
        return _strip_jpeg(data)
    return _PNG + b"".join(chunk for kind, chunk in _chunks(data) if kind in _PNG_CHUNKS)


def _strip_jpeg(data: bytes) -> bytes:
    kept, rest = [data[:2]], 2
    for marker, start, stop in segments(data):
        if marker not in _JPEG_METADATA:
            kept.append(data[start:stop])
        rest = stop
    return b"".join([*kept, data[rest:]])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + 12 + length]
        at += 12 + length
