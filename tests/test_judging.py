"""The suite inside another program judges alike, whatever pytest finds in files and environment."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from inception_harness.judging import judge
from inception_harness.session import Models, subjects_of
from inception_harness.store import Store

HOSTILE = (
    "[tool.pytest.ini_options]\n"
    'addopts = "-x -k nothing_has_this_name -n 2"\n'
    'python_files = "check_*.py"\n'
    'harness_engine = ["no-such-engine"]\n'
    'harness_baseline = "no-such-record.csv"\n'
)
# Quick ones, some of which fail, so that a run that stops at a failure shows.
FILES = ("-k", "test_labels.py or test_scores.py or test_record.py")


@pytest.fixture(scope="module")
def models():
    models = Models(Store(), "drawings")
    yield models
    models.close()


@pytest.fixture(scope="module")
def judged(models):
    (subject,) = subjects_of(["tests.doubles:colours"], [])
    classifier = models.classifier(subject)
    # Probabilities that sum to two: some behaviours fail.
    classifier.stages = replace(classifier.stages, finish=lambda outputs: outputs * 2)

    def run(*arguments):
        found = judge(models, subject, classifier, [*FILES, *arguments])
        assert found.verdicts, found.output
        return [(v.test, v.outcome) for v in found.verdicts]

    return run


@pytest.fixture(scope="module")
def usual(judged):
    found = judged()
    assert "failed" in [outcome for _, outcome in found[:-1]], "-x would not stop before the end"
    return found


@pytest.mark.parametrize("addopts", ["-x", "-n 2", "--no-such-option"])
def test_options_of_the_environment_change_nothing(judged, usual, monkeypatch, addopts):
    monkeypatch.setenv("PYTEST_ADDOPTS", addopts)
    assert judged() == usual
    assert os.environ["PYTEST_ADDOPTS"] == addopts


def test_plugins_of_the_environment_change_nothing(judged, usual, monkeypatch):
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    assert judged() == usual
    assert os.environ["PYTEST_PLUGINS"] == "no_such_plugin"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ


def test_settings_of_the_current_project_change_nothing(judged, usual, monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text(HOSTILE)
    (tmp_path / "conftest.py").write_text("raise RuntimeError('a conftest of another suite')\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    for folder in (tmp_path, inside):
        monkeypatch.chdir(folder)
        assert judged() == usual


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\nharness_known_failures = "lists"\n'),
        ("pyproject.toml", '[tool.pytest]\nharness_known_failures = "lists"\n'),
        ("pytest.ini", "[pytest]\nharness_known_failures = lists\n"),
        ("setup.cfg", "[tool:pytest]\nharness_known_failures = lists\n"),
        ("README", ""),
    ],
)
def test_known_failures_of_the_current_project_count(
    judged, usual, monkeypatch, tmp_path, file, text
):
    failed = next(test for test, outcome in usual if outcome == "failed")
    (tmp_path / file).write_text(text)
    folder = tmp_path / ("lists" if text else "known_failures")
    folder.mkdir()
    (folder / "tests.doubles.colours.toml").write_text(
        f'model = "tests.doubles.colours"\n[[known_failure]]\ntest = "{failed}"\n'
        'reason = "The scores of this double are taken twice."\nseen = "2"\nsince = "2026-11-24"\n'
    )
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside if text else tmp_path)
    assert dict(judged())[failed] == "known failure"


def test_options_given_by_the_program_win(judged, usual, tmp_path):
    # A run that stops at its first failure, because the program asks for it.
    assert len(judged("-x")) < len(usual)
