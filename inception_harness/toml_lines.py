"""TOML files that remember their lines, so that an error can say where to look."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inception_harness.errors import HarnessError

__all__ = ["Document", "read_toml"]

# What a TOML file consists of, so far as it matters for finding where statements begin. Long
# strings may end with up to two quotes of their own before the three that close them.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*|[\[{\]}=\n]|[^\S\n]+|[^\s\"'\#\[\]{}=]+",
    re.DOTALL,
)
_POSITION = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_CONFLICT = re.compile(r"^(<<<<<<< |>>>>>>> |=======$)", re.MULTILINE)

_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A TOML file, parsed.

    Attributes:
        path: the file.
        data: its content, as `tomllib` gives it.
        lines: the line on which each table and key begins, by its path.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[_Path, int]

    def line(self, *path: str | int) -> int:
        """Return the number of the line, from 1, on which a table or a key begins.

        Args:
            path: keys from the outside in; the number of a table in an array of tables, from 0,
                stands after the array's key: ``line("files", 2, "url")``.

        Returns:
            Where the path has no line of its own, as inside an inline table, the line of the
            closest part around it that has one; 1 where there is none.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def read_toml(path: Path, error_class: type[HarnessError]) -> Document:
    """Read a TOML file.

    Args:
        path: the file, UTF-8; a byte order mark is ignored.
        error_class: what to raise.

    Raises:
        HarnessError: an ``error_class``: the file cannot be read, is not UTF-8 or is not TOML; the
            message names the file and the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise error_class(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        # As tomllib reads lines: those of Windows end like any other.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise error_class(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8. "
            "Save the file as UTF-8."
        ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise error_class(f"{path}, {_told(text, str(error))}") from error
    return Document(path, data, _lines_of(text))


def _told(text: str, message: str) -> str:
    """Return what is wrong with a text that is no TOML, beginning with the line."""
    lines = text.rstrip("\n").split("\n")
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return (
            f"line {line}: a merge conflict is left in the file ({lines[line - 1]!r}). Resolve it."
        )
    position = _POSITION.match(message)
    if position is None:
        return f"which should be TOML, is damaged: {message}."
    words, number = position[1], position[2]
    if number is None:
        return f"line {len(lines)}: the file ends too early: {words}."
    line = int(number)
    if words == "Cannot overwrite a value" or words.endswith(" twice"):
        words = "this key stands twice; keep one of the two"
    found = lines[line - 1].strip() if line <= len(lines) else "the end of the file"
    return f"line {line}, column {position[3]}: {words}. Found: {found}"


def _lines_of(text: str) -> dict[_Path, int]:
    """Return the line of each table and key of a text that is known to be TOML."""
    lines: dict[_Path, int] = {}
    counts: dict[_Path, int] = {}
    table: _Path = ()
    for line, tokens in _statements(text):
        if tokens[0] != "[":
            keys = _keys("".join(tokens[: tokens.index("=")]))
            for length in range(1, len(keys) + 1):
                lines.setdefault(table + keys[:length], line)
            continue
        in_array = tokens[1] == "["
        keys = _keys("".join(tokens[2:-2] if in_array else tokens[1:-1]))
        if in_array:
            array = _resolved(keys[:-1], counts) + keys[-1:]
            counts[array] = counts.get(array, 0) + 1
        table = _resolved(keys, counts)
        for length in range(1, len(table) + 1):
            lines.setdefault(table[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each statement's line and its tokens, without blanks and comments."""
    line, depth, started = 1, 0, 1
    tokens: list[str] = []
    for match in _TOKEN.finditer(text + "\n"):
        part = match[0]
        if part == "\n" and depth == 0 and tokens:
            yield started, tokens
            tokens = []
        elif not part.isspace() and not part.startswith("#"):
            started = started if tokens else line
            tokens.append(part)
            depth += (part in ("[", "{")) - (part in ("]", "}"))
        line += part.count("\n")


def _keys(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, of which each may be quoted."""
    found: list[str] = []
    value: Any = tomllib.loads(f"{text} = 0")
    while isinstance(value, dict):
        (key,) = value
        found.append(key)
        value = value[key]
    return tuple(found)


def _resolved(keys: tuple[str, ...], counts: dict[_Path, int]) -> _Path:
    """Return a table's path, with the number of the last table after each array of tables."""
    path: _Path = ()
    for key in keys:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path] - 1)
    return path
