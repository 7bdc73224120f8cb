"""Pictures inside the page: each stands there once, however often it is shown."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

from inception_harness.errors import RecordError
from inception_harness.results import Run

__all__ = ["Sprite", "Sprites"]

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Sprite:
    """A picture that the page holds.

    Attributes:
        anchor: its id in the page.
        address: its bytes as a ``data:`` address.
        width: in pixels, as it is shown.
        height: likewise.
        text: what it shows, for those who do not see it.
    """

    anchor: str
    address: str
    width: int
    height: int
    text: str


class Sprites:
    """The photos and the networks' views of a run; equal views are kept once.

    Attributes:
        all: every picture, in order.
    """

    def __init__(self, run: Run) -> None:
        """Take the pictures out of a run.

        Raises:
            RecordError: a network's view is no PNG in base64.
        """
        self.all: list[Sprite] = []
        self._photos: dict[str, Sprite] = {}
        self._views: dict[tuple[str, str], Sprite] = {}
        for shown in run.pictures:
            if shown.photo:
                address = f"data:{shown.media_type};base64,{shown.photo}"
                width, height = _shrunk(shown.width, shown.height)
                text = f"{shown.role}: {shown.caption}"
                self._photos[shown.role] = self._add(address, width, height, text)
        by_address: dict[str, Sprite] = {}
        for answer in run.answers:
            if not answer.view_png:
                continue
            address = f"data:image/png;base64,{answer.view_png}"
            if address not in by_address:
                where = f"{answer.picture} of {answer.subject}"
                text = f"What the network sees of {answer.picture}"
                by_address[address] = self._add(address, *_size(answer.view_png, where), text)
            self._views[answer.subject, answer.picture] = by_address[address]

    def _add(self, address: str, width: int, height: int, text: str) -> Sprite:
        sprite = Sprite(f"image-{len(self.all) + 1}", address, width, height, text)
        self.all.append(sprite)
        return sprite

    def photo(self, role: str) -> Sprite | None:
        """Return the picture itself, or None where the run does not have it."""
        return self._photos.get(role)

    def view(self, subject: str, role: str) -> Sprite | None:
        """Return what a model's network sees of it, or None where that is not known."""
        return self._views.get((subject, role))


def _shrunk(width: int, height: int, limit: int = 320) -> tuple[int, int]:
    scale = min(1.0, limit / max(width, height, 1))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _size(png: str, where: str) -> tuple[int, int]:
    """Return width and height from the head of a PNG."""
    try:
        head = base64.b64decode(png[:64], validate=True)
    except (binascii.Error, ValueError):
        head = b""
    if head[:8] != _PNG or len(head) < 24:
        raise RecordError(
            f"The network's view of {where} should be a PNG in base64; it begins {png[:12]!r}."
        )
    width, height = struct.unpack(">II", head[16:24])
    return int(width), int(height)
