"""The behaviour suite, run inside another program on a classifier that is already loaded."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from inception_harness.classifier import Classifier
from inception_harness.plugin import BROUGHT
from inception_harness.resources import behaviour_tests_folder
from inception_harness.results import Verdict
from inception_harness.session import Models, Subject

__all__ = ["Judgement", "judge"]


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

    Args:
        models: where the classifier stands in for the subject's own.
        subject: the model that it is, or pretends to be.
        classifier: what is judged; it is not closed.
        arguments: more of pytest's options, for example ``["--no-known-failures"]``.
    """
    models.put(subject, classifier)
    listener = _Listener()
    output = io.StringIO()
    command = [
        str(behaviour_tests_folder()),
        f"--model={subject.spec}",
        *([f"--engine={subject.engine}"] if subject.engine else []),
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        # This program has imported the plugin before pytest could rewrite its asserts: it has none.
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "-q",
        "--tb=no",
        *arguments,
    ]
    with contextlib.redirect_stdout(output):
        code = pytest.main(command, plugins=[_Named(models), listener])
    return Judgement(listener.verdicts, int(code), output.getvalue())
