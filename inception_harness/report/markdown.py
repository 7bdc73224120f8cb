"""Text of a run inside Markdown: nothing in it is taken for Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["cell", "code", "row", "text"]

_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


def text(words: str) -> str:
    """Return words with Markdown's and HTML's own characters made harmless."""
    safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", safe)


def cell(words: str) -> str:
    """Return words for a cell of a table: on one line, harmless."""
    return text(" ".join(words.split()))


def code(words: str) -> str:
    """Return words as code; a backtick or a bar inside would end the code or the cell."""
    return f"`{' '.join(words.split()).replace('`', chr(39)).replace('|', '¦')}`"


def row(cells: Iterable[str]) -> str:
    """Return a line of a table."""
    parts: Sequence[str] = list(cells)
    return f"| {' | '.join(parts)} |"
