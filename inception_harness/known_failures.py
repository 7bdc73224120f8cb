"""Known failures: behaviours that one version of a model is known not to have.

``known_failures/<model>.toml`` lists them, each with its reason and the figures that were seen::

    model = "mobilenet-v1-0.75-192-quant"

    [[known_failure]]
    test = "test_panda.py::test_panda_is_recognised_with_confidence"
    reason = "This version recognises the panda, but is far less sure of it than others."
    seen = "giant panda 54.7 %, asked for 80 %"
    since = "2018-02-22"

An entry may have ``engines = ["openvino:bf16"]``: the failure was seen on these engines only, each
``NAME`` or ``NAME:PRECISION``. Which entries apply depends on the engine of the run:

- On the default engine of the model's format, and for models made by a factory, those without
  ``engines`` and those that name it. They are strict: one that holds again fails the run.
- On any other engine or precision, those without ``engines`` and those that name it. They are not
  strict: arithmetic differs there between processors too, so a failure is excused, and a behaviour
  that holds has simply passed.

Whether it applies or not, each entry must match a test. A list is data; to expect the failures is
the plugin's work.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inception_harness.engines import EngineSpec
from inception_harness.errors import EngineError, RecordError
from inception_harness.reviewed_entries import figures, read_entries, sentence, text, version

__all__ = ["KnownFailure", "KnownFailures", "find_known_failures", "match", "read_known_failures"]

_TEST = re.compile(r"[^\s:\[\]]+\.py(::[^\s:\[\]]+)+(\[.+\])?")


@dataclass(frozen=True)
class KnownFailure:
    """A behaviour that a version is known not to have.

    Attributes:
        test: the test's id without the model's part, ``test_panda.py::test_x[param]``.
        reason: why it fails, or why that is accepted; a sentence.
        seen: the figures that were seen.
        since: the version that had it first, or the day on which it was seen.
        line: where the entry begins in its file.
        engines: the engines on which it fails, as `EngineSpec.arithmetic` writes them; none where
            the model fails on all.
    """

    test: str
    reason: str
    seen: str
    since: str
    line: int
    engines: tuple[str, ...] = ()

    def is_of(self, engine: str | None) -> bool:
        """Tell whether the failure is known on an engine (`EngineSpec.arithmetic`), or on None."""
        return not self.engines or engine in self.engines


@dataclass(frozen=True)
class KnownFailures:
    """The known failures of one model.

    Attributes:
        model: the model's name.
        path: the file, which need not exist where there are none.
        entries: by the test's id.
    """

    model: str
    path: Path
    entries: Mapping[str, KnownFailure] = field(default_factory=dict)


def find_known_failures(model: str, folder: Path) -> KnownFailures:
    """Return the known failures of a model; none where the folder has no file for it.

    Raises:
        RecordError: the file is damaged.
    """
    path = folder / f"{model}.toml"
    return read_known_failures(path) if path.exists() else KnownFailures(model, path)


def read_known_failures(path: Path) -> KnownFailures:
    """Read a list of known failures.

    Raises:
        RecordError: the file is no such list; the message names the line.
    """
    keys = {"test": _test_id, "reason": sentence, "seen": figures, "since": version}
    optional = {"engines": _engines}
    head, rows = read_entries(path, "known_failure", {"model": text}, keys, optional)
    if head["model"] != path.stem:
        raise RecordError(
            f"{path}: the list is of {head['model']!r}, the file's name says {path.stem!r}. "
            "A list's file is named after its model."
        )
    entries: dict[str, KnownFailure] = {}
    for row in rows:
        entry = KnownFailure(**row.values, line=row.line)
        if entry.test in entries:
            raise RecordError(
                f"{path}, line {entry.line}: {entry.test!r} is listed already, on line "
                f"{entries[entry.test].line}. Keep one of the two."
            )
        entries[entry.test] = entry
    return KnownFailures(head["model"], path, entries)


def match(
    known: KnownFailures, collected: Collection[str], files: Collection[str] | None = None
) -> list[str]:
    """Return what is wrong with entries that match no test, a text for each.

    Args:
        known: the list.
        collected: the ids of all tests, without the model's part.
        files: the test files that were collected whole, as ``test_panda.py``; entries in others
            are not judged. None judges all.
    """
    problems = []
    for test, entry in known.entries.items():
        if test in collected or (files is not None and test.partition("::")[0] not in files):
            continue
        near = get_close_matches(test, collected, n=3)
        hint = f" Near ones: {', '.join(near)}." if near else ""
        problems.append(
            f"{known.path}, line {entry.line}: {test!r} matches no test.{hint} "
            "Correct the entry, or remove it."
        )
    return problems


def _test_id(value: Any) -> str:
    if not isinstance(value, str) or not _TEST.fullmatch(value):
        raise ValueError("a test's id, as test_panda.py::test_x or test_panda.py::test_x[param]")
    return value


def _engines(value: Any) -> tuple[str, ...]:
    expected = (
        "a list of engines without threads and batch, each once, as "
        '["openvino", "openvino:bf16"] (f32 goes without saying)'
    )
    if not isinstance(value, list) or not value:
        raise ValueError(expected)
    found = []
    for one in value:
        try:
            spec = EngineSpec.parse(one) if isinstance(one, str) else None
        except EngineError:
            spec = None
        if spec is None or one != spec.arithmetic:
            raise ValueError(expected)
        found.append(one)
    if len(set(found)) < len(found):
        raise ValueError(expected)
    return tuple(found)
