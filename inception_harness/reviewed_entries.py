"""Lists that people review: TOML files of entries, each with a reason, read strictly."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inception_harness.errors import RecordError
from inception_harness.toml_lines import Document, read_toml

__all__ = ["Check", "Entry", "figures", "read_entries", "sentence", "text", "version"]

# Returns the value, or raises ValueError with what was expected.
Check = Callable[[Any], Any]

_LEAST_WORDS = 4
_LEAST_LETTERS = 20
_PLACEHOLDER = re.compile(
    r"\b(fixme|todo|tbd|tba|xxx+|placeholder|lorem ipsum|why it fails|reason here)\b"
    r"|<[^<>]*>|\?\?|^\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """One entry of a list.

    Attributes:
        values: what it says, by key.
        line: where it begins in its file.
    """

    values: Mapping[str, Any]
    line: int


def text(value: Any) -> str:
    """Check for a text that is not empty."""
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise ValueError("a text that is not empty, without blanks around it")
    return value


def sentence(value: Any) -> str:
    """Check for a reason: words enough to say something, and no placeholder."""
    if (
        not isinstance(value, str)
        or len(value.split()) < _LEAST_WORDS
        or len(value.strip()) < _LEAST_LETTERS
        or _PLACEHOLDER.search(value)
    ):
        raise ValueError(
            f"a sentence that says why, of {_LEAST_WORDS} words and {_LEAST_LETTERS} letters at "
            "least and without a placeholder"
        )
    return value.strip()


def figures(value: Any) -> str:
    """Check for what was seen: a text with at least one digit."""
    if not isinstance(value, str) or not re.search(r"\d", value) or _PLACEHOLDER.search(value):
        raise ValueError("the figures that were seen, a text with at least one digit")
    return value.strip()


def version(value: Any) -> str:
    """Check for a version or a date."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if not isinstance(value, str) or not value.strip() or _PLACEHOLDER.search(value):
        raise ValueError("a version, as a text, or a date")
    return value.strip()


def read_entries(
    path: Path,
    array: str,
    head: Mapping[str, Check],
    keys: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
) -> tuple[dict[str, Any], list[Entry]]:
    """Read a TOML file that has some keys and an array of tables.

    Args:
        path: the file.
        array: the key of the array of tables; the file may have none.
        head: the keys that stand above, all of which are needed.
        keys: the keys that each table needs.
        optional: the keys that it may have besides.

    Raises:
        RecordError: the file cannot be read, or a key is unknown, missing or has a bad value; the
            message names the line.
    """
    document = read_toml(path, RecordError)
    above = {key: value for key, value in document.data.items() if key != array}
    rows = document.data.get(array, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecordError(
            f"{path}, line {document.line(array)}: write [[{array}]] above each entry."
        )
    values = _checked(document, (), "the head", above, head, {}, also=array)
    entries = []
    for number, row in enumerate(rows):
        at = (array, number)
        found = _checked(document, at, f"[[{array}]]", row, keys, optional or {})
        entries.append(Entry(found, document.line(*at)))
    return values, entries


def _checked(
    document: Document,
    at: tuple[str | int, ...],
    where: str,
    table: Mapping[str, Any],
    keys: Mapping[str, Check],
    optional: Mapping[str, Check],
    also: str = "",
) -> dict[str, Any]:
    known = {**keys, **optional}
    values = {}
    for key, value in table.items():
        start = f"{document.path}, line {document.line(*at, key)}:"
        if key not in known:
            names = [*known, f"[[{also}]]"] if also else list(known)
            near = get_close_matches(key, [*known, also], n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
            raise RecordError(f"{start} unknown key {key!r} in {where}. {hint}")
        try:
            values[key] = known[key](value)
        except ValueError as error:
            raise RecordError(f"{start} {key!r} should be {error}; found {value!r}.") from None
    for key in keys:
        if key not in table:
            line = f", line {document.line(*at)}" if at else ""
            raise RecordError(f"{document.path}{line}: {where} misses the key {key!r}.")
    return values
