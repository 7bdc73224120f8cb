"""The head of a record's text: lines that read ``# key: value``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from inception_harness.errors import RecordError
from inception_harness.record_data import PictureHashes, Record

__all__ = ["ANEW", "damage", "head_lines", "read_head"]

ANEW = "Restore the file, or write the record anew with --record-scores."

_UNKNOWN = "unknown"
_HEAD_LINE = re.compile(r"# (.+?): (\S|\S.*\S)")
_PICTURE_LINE = re.compile(r"# picture (.+): file (\S+) pixels (\S+) view (\S+)")

Value = str | int | float


def damage(path: Path, line: int, words: str) -> RecordError:
    """Return the error that says what is wrong on a line of a record."""
    return RecordError(f"{path}, line {line}: {words} {ANEW}")


def _text(value: str) -> str:
    return value


def _hash(digits: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value == _UNKNOWN:
            return ""
        if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
            raise ValueError(f"{digits} hexadecimal digits in lower case, or {_UNKNOWN}")
        return value

    return read


def _count(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]*", value):
        raise ValueError("a whole number from 1")
    return int(value)


def _fraction(value: str) -> float:
    if not re.fullmatch(r"0\.[0-9]+(e-[0-9]+)?", value) or not float(value):
        raise ValueError("a number between 0 and 1, as 0.00390625")
    return float(value)


def _one(value: str) -> str:
    if value != "1":
        raise ValueError("1, the only form of a record that this version of the harness knows")
    return value


@dataclass(frozen=True)
class _Key:
    attribute: str
    read: Callable[[str], Value]
    must: bool = True


# In the order in which they are written.
_KEYS = {
    "form": _Key("", _one),
    "model": _Key("model", _text),
    "model sha256": _Key("model_sha256", _hash(64)),
    "engine": _Key("engine", _text),
    "engine version": _Key("engine_version", _text),
    "precision": _Key("precision", _text),
    "decoder": _Key("decoder", _text),
    "scaling": _Key("scaling", _text, must=False),
    "picture set": _Key("picture_set", _text),
    "classes": _Key("classes", _count),
    "top": _Key("top", _count),
    "step": _Key("step", _fraction, must=False),
    "rounded to": _Key("rounded_to", _fraction, must=False),
    "note": _Key("note", _text, must=False),
}


def head_lines(record: Record) -> list[str]:
    """Return the lines of a record's head, pictures last and sorted."""
    lines = []
    for key, form in _KEYS.items():
        value = getattr(record, form.attribute) if form.attribute else "1"
        if form.must or value:
            # Never in the form 1e-05, which reads badly.
            shown = f"{value:.10f}".rstrip("0") if isinstance(value, float) else value
            lines.append(f"# {key}: {shown or _UNKNOWN}")
    for picture, seen in sorted(record.hashes.items()):
        known = [f"{f.name} {getattr(seen, f.name) or _UNKNOWN}" for f in fields(seen)]
        lines.append(f"# picture {picture}: {' '.join(known)}")
    return lines


def read_head(
    lines: Sequence[str], path: Path
) -> tuple[dict[str, Value], dict[str, PictureHashes]]:
    """Read the lines that `head_lines` returned.

    Returns:
        The values by attribute of `Record`, and the hashes by picture.

    Raises:
        RecordError: a key is unknown, missing or twice there, or has a bad value.
    """
    head: dict[str, Value] = {}
    hashes: dict[str, PictureHashes] = {}
    for number, line in enumerate(lines, start=1):
        if match := _PICTURE_LINE.fullmatch(line):
            _read_picture(match, hashes, path, number)
        else:
            _read_key(line, head, path, number)
    for key, form in _KEYS.items():
        if form.must and key not in head:
            raise RecordError(f"{path}: the head has no line '# {key}: …'. {ANEW}")
    return {_KEYS[key].attribute: v for key, v in head.items() if _KEYS[key].attribute}, hashes


def _read_key(line: str, head: dict[str, Value], path: Path, number: int) -> None:
    match = _HEAD_LINE.fullmatch(line)
    if match is None:
        raise damage(path, number, f"a line of the head reads '# key: value', found {line!r}.")
    key, value = match[1], match[2]
    if key.startswith("picture ") and key not in _KEYS:
        form = "'# picture ROLE: file HASH pixels HASH view HASH'"
        raise damage(path, number, f"a picture's line reads {form}, found {line!r}.")
    if key not in _KEYS:
        near = get_close_matches(key, _KEYS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise damage(path, number, f"unknown key {key!r} in the head.{hint}")
    if key in head:
        raise damage(path, number, f"the key {key!r} stands twice in the head.")
    try:
        head[key] = _KEYS[key].read(value)
    except ValueError as error:
        raise damage(path, number, f"{key!r} should be {error}; found {value!r}.") from None


def _read_picture(
    match: re.Match[str], hashes: dict[str, PictureHashes], path: Path, number: int
) -> None:
    picture = match[1]
    if hashes and picture <= max(hashes):
        what = "stands twice" if picture in hashes else f"stands after {max(hashes)!r}"
        words = f"{picture!r} {what} in the head; each picture stands there once, sorted."
        raise damage(path, number, words)
    try:
        hashes[picture] = PictureHashes(*map(_hash(16), match.groups()[1:]))
    except ValueError as error:
        raise damage(path, number, f"a hash should be {error}; found {match[0]!r}.") from None
