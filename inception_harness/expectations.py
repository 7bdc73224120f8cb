"""Known failures applied to the tests of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from inception_harness.engines import ENGINES_BY_FORMAT, EngineSpec
from inception_harness.errors import RecordError
from inception_harness.known_failures import (
    KnownFailure,
    KnownFailures,
    find_known_failures,
    match,
)
from inception_harness.references import file_stem
from inception_harness.resources import behaviour_tests_folder, fixtures_folder

if TYPE_CHECKING:
    from inception_harness.session import Subject

__all__ = ["KNOWN", "Expected", "expect_known_failures", "gone_text", "known_failures_of"]


class Expected(NamedTuple):
    """What a test's entry makes of its outcome.

    Attributes:
        known: the list.
        entry: the test's entry in it.
        strict: whether the run fails where the behaviour holds.
    """

    known: KnownFailures
    entry: KnownFailure
    strict: bool


KNOWN = pytest.StashKey[Expected]()


def known_failures_of(subject: Subject, folder: Path) -> KnownFailures:
    """Return a model's list: the one in the folder, else the one that ships with the harness.

    Raises:
        RecordError: the list is damaged.
    """
    name = file_stem(subject)
    own = find_known_failures(name, folder)
    if own.path.exists():
        return own
    return find_known_failures(name, fixtures_folder() / "known_failures")


def expect_known_failures(
    config: pytest.Config, known: KnownFailures, subject: Subject, tests: dict[str, pytest.Item]
) -> None:
    """Mark a model's tests that are known to fail on its engine.

    Args:
        config: of the run; its arguments tell which entries can be judged.
        known: the model's list.
        subject: the model and its engine.
        tests: the model's tests by their id without the model's part.

    Raises:
        RecordError: an entry matches no test, or names an engine that cannot run the model.
    """
    if known.path.is_relative_to(fixtures_folder()):
        # The lists that ship speak of the suite that ships, not of a user's own tests.
        suite = behaviour_tests_folder()
        tests = {test: item for test, item in tests.items() if item.path.is_relative_to(suite)}
        if not tests:
            return
    able = ENGINES_BY_FORMAT[subject.card.model.format] if subject.card else ()
    # A model made by a factory computes by itself, whatever --engine says.
    engine = subject.engine_spec() if able else None
    arithmetic = engine.arithmetic if engine else None
    strict = arithmetic in (None, *able[:1])
    for test, item in tests.items():
        entry = known.entries.get(test)
        if entry is not None and entry.is_of(arithmetic):
            item.stash[KNOWN] = Expected(known, entry, strict)
            # Only a failed assertion is the known failure; an error is news.
            mark = pytest.mark.xfail(
                strict=strict, reason=entry.reason, raises=(AssertionError, pytest.fail.Exception)
            )
            item.add_marker(mark)
    problems = match(known, list(tests), _judged_files(config, known, list(tests)))
    problems += _of_no_engine(known, able)
    if problems:
        raise RecordError("\n".join(problems))


def _of_no_engine(known: KnownFailures, able: Sequence[str]) -> list[str]:
    """Return a text for each engine in the list that cannot run the model."""
    return [
        f"{known.path}, line {entry.line}: {known.model} does not run on {engine!r}, only on "
        f"{' or '.join(able) or 'an engine of its own'}. Correct the entry's engines."
        for entry in known.entries.values()
        for engine in entry.engines
        if EngineSpec.parse(engine).name not in able
    ]


def _judged_files(config: pytest.Config, known: KnownFailures, tests: Sequence[str]) -> set[str]:
    """Return the files whose entries can be judged.

    Those that were collected, and those that exist nowhere: an entry of a file that was just not
    asked for says nothing.
    """
    if any("::" in argument for argument in config.args) or config.getoption("lf", False):
        return set()
    collected = {test.partition("::")[0] for test in tests}
    listed = {test.partition("::")[0] for test in known.entries}
    return collected | {file for file in listed - collected if not _exists(config, file)}


def _exists(config: pytest.Config, file: str) -> bool:
    if (behaviour_tests_folder() / file).is_file():
        return True
    return next(config.rootpath.rglob(file), None) is not None


def gone_text(known: KnownFailures, entry: KnownFailure) -> str:
    """Return what to say of a known failure that did not fail."""
    return (
        f"this failure is gone: remove the entry. {known.path}, line {entry.line}: {entry.test} "
        f"holds on {known.model} now. It was listed because: {entry.reason}"
    )
