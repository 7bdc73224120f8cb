"""The behaviour suite, run inside another program on a classifier that is already loaded."""

from __future__ import annotations

import configparser
import contextlib
import io
import os
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from inception_harness.classifier import Classifier
from inception_harness.plugin import BROUGHT
from inception_harness.resources import behaviour_tests_folder
from inception_harness.results import Verdict
from inception_harness.session import Models, Subject

__all__ = ["Judgement", "judge"]

# Where pytest looks for its settings, in its order, and the section of each file.
_CONFIGURATIONS = {
    "pytest.toml": "pytest",
    ".pytest.toml": "pytest",
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "pyproject.toml": "tool.pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
_OWN_KEYS = ("harness_known_failures", "harness_records")


@dataclass
class Judgement:
    """What the suite found of a classifier.

    Attributes:
        verdicts: one for each behaviour, in the order of the tests.
        exit_code: pytest's.
        output: what pytest printed.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    exit_code: int = 0
    output: str = ""


class _Listener:
    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        text = getattr(report, "harness_verdict", None)
        if text is not None:
            self.verdicts.append(Verdict.from_json(text))


class _Brought:
    """What the harness's plugin finds by its name, and takes the models from."""

    def __init__(self, models: Models) -> None:
        self.models = models


class _Named:
    """Registers the brought models under their name before the harness's plugin looks."""

    def __init__(self, models: Models) -> None:
        self._models = models

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the models findable."""
        config.pluginmanager.register(_Brought(self._models), BROUGHT)


def judge(
    models: Models, subject: Subject, classifier: Classifier, arguments: Sequence[str] = ()
) -> Judgement:
    """Run the behaviour suite on a classifier.

    The verdicts depend neither on the settings that pytest finds in files and in the environment,
    nor on other plugins: a run that stops at its first failure would notice less. Only the keys
    ``harness_known_failures`` and ``harness_records`` are read, of the project that the current
    folder belongs to.

    Args:
        models: where the classifier stands in for the subject's own.
        subject: the model that it is, or pretends to be.
        classifier: what is judged; it is not closed.
        arguments: more of pytest's options, for example ``["--no-known-failures"]``.
    """
    models.put(subject, classifier)
    listener = _Listener()
    output = io.StringIO()
    suite, root = behaviour_tests_folder(), Path.cwd()
    command = [
        str(suite),
        f"--model={subject.spec}",
        *([f"--engine={subject.engine}"] if subject.engine else []),
        "--import-mode=importlib",
        f"--rootdir={root}",
        f"--confcutdir={suite}",
        *(f"--override-ini={key}={value}" for key, value in _own_folders(root).items()),
        # The environment switches off what is installed; these the suite needs, by entry point.
        *("-p", "inception_harness.plugin", "-p", "hypothesispytest", "-p", "benchmark"),
        *("-p", "no:cacheprovider"),
        # This program has imported the plugin before pytest could rewrite its asserts: it has none.
        *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
        "-q",
        "--tb=no",
        *arguments,
    ]
    with tempfile.TemporaryDirectory(prefix="judging-") as folder:
        empty = Path(folder, "pytest.ini")
        empty.write_text("[pytest]\n")
        with _own_environment(), contextlib.redirect_stdout(output):
            plugins = [_Named(models), listener]
            code = pytest.main([f"--config-file={empty}", *command], plugins=plugins)
    return Judgement(listener.verdicts, int(code), output.getvalue())


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Take what people set for their own runs of pytest out of the environment, for a while."""
    own = {"PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _own_folders(start: Path) -> dict[str, Path]:
    """Return the folders of known failures and of records that a project names, by their keys."""
    for folder in (start, *start.parents):
        for file in _CONFIGURATIONS:
            stated = _stated(folder / file)
            if stated is not None:
                return {key: folder / str(stated[key]) for key in _OWN_KEYS if key in stated}
    return {}


def _stated(path: Path) -> dict[str, Any] | None:
    """Return what a file says to pytest, or None where it is there for something else."""
    section = _CONFIGURATIONS[path.name]
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            table: dict[str, Any] = tomllib.loads(text)
            for name in section.split("."):
                table = table.get(name, {})
            return table.get("ini_options", table) or None  # the key that pytest 8 knows alone
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
    except (OSError, ValueError, AttributeError, configparser.Error):
        return None  # pytest's to complain of, where the file is pytest's
    return dict(parser[section]) if parser.has_section(section) else None
