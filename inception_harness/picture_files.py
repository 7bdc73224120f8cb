"""Picture files on the disk: read whole, or refused for what they are."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path

from inception_harness.errors import PictureError

__all__ = ["MAX_PIXELS", "contents", "refuse_large", "refuse_non_picture", "too_large"]

# Pillow's own limit, a quarter of a GiB as RGB, so that the two agree on what is too large.
MAX_PIXELS = 89_478_485

_URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_HTML = re.compile(
    rb"\s*(<!--.*?-->\s*)*<(!doctype|html|head|body|\?xml)", re.IGNORECASE | re.DOTALL
)


def contents(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a picture file.

    Raises:
        PictureError: the path is a URL, a folder, missing or unreadable.
    """
    name = os.fspath(path)
    # pathlib makes one slash of two.
    if _URL.match(name):
        raise PictureError(
            f"{name} is a URL; pictures are read from files. Download it, then give its path."
        )
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as error:
        raise PictureError(f"There is no picture {name}.{_near(Path(name))}") from error
    except IsADirectoryError as error:
        raise PictureError(f"{name} is a folder; expected a picture file.") from error
    except OSError as error:
        raise PictureError(f"Cannot read {name}: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL character inside
        raise PictureError(f"{name!r} cannot be the path of a file: {error}.") from error


def refuse_non_picture(data: bytes, name: str) -> None:
    """Refuse bytes that are empty or a web page; what else is no picture the decoders find out.

    Args:
        data: the whole file.
        name: what to call it in the error.

    Raises:
        PictureError: the file is empty or HTML.
    """
    if not data:
        raise PictureError(f"{name} is empty (0 bytes). Copy or download the file again.")
    if _HTML.match(data[:1024]):
        raise PictureError(
            f"{name} is a web page (HTML or XML), not a picture: a download has saved the page "
            "instead of the file. Download the picture itself."
        )


def refuse_large(width: int, height: int, name: str) -> None:
    """Raise PictureError for a picture of more than `MAX_PIXELS`."""
    if width * height > MAX_PIXELS:
        raise PictureError(too_large(name, f"it has {width} x {height} pixels"))


def too_large(name: str, found: str) -> str:
    """Return the words for a picture of more than `MAX_PIXELS`."""
    return (
        f"{name} is too large: {found}; at most {MAX_PIXELS:,} pixels are read. "
        "Scale it down first."
    )


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" There is no folder {path.parent} either."
    near = get_close_matches(path.name, names, n=1)
    return f" Did you mean {path.parent / near[0]}?" if near else " Check the path."
