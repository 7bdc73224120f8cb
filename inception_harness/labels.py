"""Class numbers and names, both ways."""

from __future__ import annotations

import codecs
import json
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import SupportsIndex

from inception_harness.errors import LabelError

__all__ = ["Labels", "read_2015_pair", "read_keras_index", "read_lines"]

_WNID = re.compile(r"n\d{8}")
# One entry of the protobuf text file, as TensorFlow published it in 2015.
_ENTRY = re.compile(
    r'entry \{\s+target_class: (\d+)\s+target_class_string: "(n\d{8})"\s+\}', re.MULTILINE
)


@dataclass(frozen=True)
class Labels:
    """The names of a model's outputs.

    Attributes:
        names: the full name of each class number ("giant panda, panda, …"), None where an
            output has no name.
        wnids: the WordNet id of each class number ("n02510455"), None where none is known.
    """

    names: tuple[str | None, ...]
    wnids: tuple[str | None, ...] = ()
    _numbers: dict[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.wnids:
            object.__setattr__(self, "wnids", (None,) * len(self.names))
        if len(self.wnids) != len(self.names):
            raise LabelError(
                f"There are {len(self.names)} names and {len(self.wnids)} WNIDs; "
                "each class number needs one of each, or None."
            )
        numbers: dict[str, list[int]] = {}
        for number, (name, wnid) in enumerate(zip(self.names, self.wnids, strict=True)):
            keys = {key for key in (name, _first(name), wnid) if key}
            for key in keys:
                numbers.setdefault(key, []).append(number)
        object.__setattr__(self, "_numbers", numbers)

    def __len__(self) -> int:
        """Return how many outputs the model has, named or not."""
        return len(self.names)

    def __contains__(self, query: object) -> bool:
        """Tell whether a name or WNID stands for at least one class."""
        return query in self._numbers

    def __iter__(self) -> Iterator[str | None]:
        """Go through the full names by class number."""
        return iter(self.names)

    @property
    def named(self) -> tuple[int, ...]:
        """The class numbers that have a name."""
        return tuple(n for n, name in enumerate(self.names) if name is not None)

    def name(self, number: int, *, only_first: bool = True) -> str:
        """Return a class's name: the text before the first comma, or all of it."""
        full = self.names[number]
        if full is None:
            return f"unnamed {number}"
        return _first(full) if only_first else full

    def numbers(self, query: str) -> tuple[int, ...]:
        """Return the class numbers that a first name, a full name or a WNID stands for."""
        return tuple(self._numbers.get(query, ()))

    def number(self, query: str | SupportsIndex) -> int:
        """Return the class number of a first name, a full name, a WNID or a number.

        Raises:
            LabelError: no class is called so (near names are given), or several are.
        """
        if not isinstance(query, str):
            # NumPy's integers are numbers too: `prediction[scores.argmax()]`.
            number = operator.index(query)
            if 0 <= number < len(self):
                return number
            raise LabelError(f"There is no class {number}: the model has 0 to {len(self) - 1}.")
        found = self._numbers.get(query, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise LabelError(self._which(query, found))
        raise LabelError(self._unknown(query))

    def _which(self, query: str, found: list[int]) -> str:
        each = [f"{n} ({', '.join(filter(None, (self.names[n], self.wnids[n])))})" for n in found]
        return (
            f"{query!r} is the name of {len(found)} classes: {' and '.join(each)}. "
            "Say which by its number" + (" or WNID." if all(self.wnids[n] for n in found) else ".")
        )

    def _unknown(self, query: str) -> str:
        if _WNID.fullmatch(query) and not any(self.wnids):
            return f"There is no class {query!r}: this model's labels carry no WNIDs. Use a name."
        classes = [
            n for n in self.named if query in (p.strip() for p in (self.names[n] or "").split(","))
        ]
        if classes:
            firsts = list(dict.fromkeys(repr(self.name(n)) for n in classes))
            return (
                f"There is no class {query!r}, but it is another name of {' and '.join(firsts)}. "
                f"Use {'that' if len(firsts) == 1 else 'one of them'}."
            )
        # A WNID that looks like another means nothing: no near ones for it.
        by_case = {key.casefold(): key for key in self._numbers if not _WNID.fullmatch(key)}
        near = get_close_matches(query.casefold(), by_case, n=3, cutoff=0.6)
        hint = f" Near ones: {', '.join(repr(by_case[n]) for n in near)}." if near else ""
        return f"There is no class {query!r} among the model's {len(self.named)} names.{hint}"


def _first(name: str | None) -> str:
    return name.split(",", 1)[0].strip() if name else ""


def _read_text(path: Path, what: str) -> str:
    """Read a label file and refuse the ways in which such files come damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelError(f"{path}: cannot read {what}: {error.strerror}.") from error
    start = data.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise LabelError(
            f"{path}: this is a web page (HTML), not {what}. It was probably saved from a "
            "browser in place of the raw file; download the raw file."
        )
    if b"\r" in data:
        line = data[: data.index(b"\r")].count(b"\n") + 1
        raise LabelError(
            f"{path}, line {line}: {what} should have LF line ends, but has CR or CRLF. It was "
            "changed on its way (git autocrlf, an editor); fetch it again or convert it."
        )
    if not data.endswith(b"\n"):
        raise LabelError(
            f"{path}: {what} should end with a line end, but does not. It is probably cut off "
            f"(its {len(data)} bytes end in {data[-20:]!r}); fetch it again."
        )
    try:
        return data.decode("utf-8-sig")  # editors of Windows put a byte order mark first
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: {what} should be UTF-8 text: {error}.") from error


def _lines_of(text: str) -> list[str]:
    # Not splitlines, which also cuts at form feeds and other characters inside a name.
    return text.removesuffix("\n").split("\n")


def read_2015_pair(label_map: Path, names: Path, classes: int) -> Labels:
    """Read the two label files of the 2015 Inception archive.

    Args:
        label_map: class number to WNID, protobuf text (``target_class``,
            ``target_class_string``).
        names: WNID, a tab, and the names, one line each.
        classes: how many outputs the model has; those that no entry names stay unnamed.

    Raises:
        LabelError: a file is missing, damaged or not of this form.
    """
    text = _read_text(label_map, "a label map (pbtxt)")
    entries = [(int(number), wnid) for number, wnid in _ENTRY.findall(text)]
    opened = len(re.findall(r"^\s*entry\b", text, re.MULTILINE))
    if not entries or opened != len(entries):
        raise LabelError(
            f"{label_map}: of {opened} entries {len(entries)} have the form "
            '`entry { target_class: 1 target_class_string: "n01440764" }`. '
            "All should; fetch the file again."
        )
    known = _read_synsets(names)
    by_number: list[str | None] = [None] * classes
    wnids: list[str | None] = [None] * classes
    for number, wnid in entries:
        if not 0 <= number < classes:
            raise LabelError(
                f"{label_map}: class {number} ({wnid}) is outside the model's outputs "
                f"0 to {classes - 1}."
            )
        if wnids[number] is not None:
            raise LabelError(f"{label_map}: class {number} stands twice ({wnids[number]}, {wnid}).")
        if wnid not in known:
            raise LabelError(f"{label_map}: {wnid} has no name in {names}.")
        by_number[number], wnids[number] = known[wnid], wnid
    return Labels(tuple(by_number), tuple(wnids))


def _read_synsets(path: Path) -> dict[str, str]:
    known: dict[str, str] = {}
    lines = _lines_of(_read_text(path, "a list of WNIDs and names"))
    for count, line in enumerate(lines, start=1):
        wnid, tab, name = line.partition("\t")
        if not tab or not _WNID.fullmatch(wnid) or not name.strip():
            raise LabelError(
                f"{path}, line {count}: expected a WNID, a tab and names "
                f"(n01440764<TAB>tench, Tinca tinca), found {line[:60]!r}."
            )
        known[wnid] = name
    return known


def read_lines(
    path: Path, classes: int, *, background: int | None = None, wnids: str | None = None
) -> Labels:
    """Read a plain list: line 1 names class 0, and so on.

    Args:
        path: the list.
        classes: how many outputs the model has; the list must have as many lines.
        background: the number of a class that stands for none of the things, or None.
        wnids: ``ilsvrc-2012`` where the classes, but for the background, are the 1000 of the
            ImageNet challenge in the order of their WNIDs.

    Raises:
        LabelError: the file is missing or damaged, or has another number of lines.
    """
    lines = _lines_of(_read_text(path, "a list of labels"))
    if len(lines) != classes:
        raise LabelError(
            f"{path}: the card's [output] says {classes} classes, but the list has {len(lines)} "
            "lines; one line names one output."
        )
    for count, line in enumerate(lines, start=1):
        if not line.strip():
            raise LabelError(f"{path}, line {count}: a name is expected, found an empty line.")
    names = tuple(line.strip() for line in lines)
    if wnids is None:
        return Labels(names)
    ids = (Path(__file__).parent / "ilsvrc2012_wnids.txt").read_text(encoding="ascii").split()
    order: list[str | None] = list(ids)
    if background is not None:
        order.insert(background, None)
    if len(order) != classes:
        raise LabelError(
            f"{path}: wnids = {wnids!r} means 1000 classes and at most one background class, "
            f"but the model has {classes} outputs."
        )
    return Labels(names, tuple(order))


def read_keras_index(path: Path, classes: int) -> Labels:
    """Read Keras's ``imagenet_class_index.json``: ``{"0": ["n01440764", "tench"], …}``.

    Its names have underscores for spaces; they are given back with spaces.

    Raises:
        LabelError: the file is missing, damaged, or names another number of classes.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if len(rows) != classes:
            raise ValueError(f"{len(rows)} classes found")
        pairs = [rows[str(number)] for number in range(classes)]
        wnids = tuple(str(wnid) for wnid, _ in pairs)
        names = tuple(str(name).replace("_", " ") for _, name in pairs)
    except OSError as error:
        raise LabelError(f"{path}: cannot read the class index: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(
            f"{path}: expected a class index as Keras publishes it "
            f'({{"0": ["n01440764", "tench"], …}}) with {classes} classes: {error!r}.'
        ) from error
    return Labels(names, wnids)
