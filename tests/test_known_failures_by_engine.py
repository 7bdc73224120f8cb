"""Known failures of one model on several engines: strict on the default one, excused on others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from inception_harness.files import sha256_of

CARD = """
name = "lamp"
title = "A model with another answer on each engine"
pictures = "set.toml"

[model]
format = "tflite"
file = "lamp.tflite"

[input]
width = 8
height = 4

[output]
kind = "probabilities"
classes = 3

[labels]
format = "lines"
files = ["labels.txt"]
"""

# What each arithmetic scores for "red": the same network, near a threshold of 0.80.
RED = {"litert": 0.79, "openvino": 0.81, "openvino:bf16": 0.78}
# Likewise "green", which fails in bf16 alone.
GREEN = {"litert": 0.14, "openvino": 0.13, "openvino:bf16": 0.09}

BEHAVIOURS = """
import pytest

@pytest.mark.minimum
def test_red(classify):
    assert classify("lamp")["red"] > 0.80

@pytest.mark.minimum
def test_green(classify):
    assert classify("lamp")["green"] > 0.10
"""


class _Engine:
    def __init__(self, name: str, precision: str | None) -> None:
        self.name, self.version, self.precision = name, "1.0", "int8"
        self.threads, self.batch, self.notes = 1, 8, ()
        arithmetic = f"{name}:{precision}" if precision else name
        red, green = RED[arithmetic], GREEN[arithmetic]
        self._row = np.array([red, green, 1 - red - green], np.float32)

    def run(self, batch):
        return np.repeat(self._row[None], len(batch), axis=0)

    def close(self) -> None:
        pass


@pytest.fixture
def workspace(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository with a card whose engines are doubles, one picture and two behaviours."""
    for name in ("litert", "openvino"):
        double = SimpleNamespace(
            open_model=lambda card, folder, spec, cache: _Engine(spec.name, spec.precision)
        )
        monkeypatch.setitem(sys.modules, f"inception_harness.engines.{name}_engine", double)
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(pytester.path / "store"))
    Image.new("RGB", (8, 4), (200, 30, 20)).save(pytester.path / "lamp.png")
    sha = sha256_of(pytester.path / "lamp.png")
    (pytester.path / "set.toml").write_text(
        'name = "lamps"\ntitle = "A lamp"\n\n[pictures.lamp]\nfile = "lamp.png"\n'
        f'caption = "A lamp."\nsha256 = "{sha}"\n'
    )
    (pytester.path / "lamp.toml").write_text(CARD)
    (pytester.path / "lamp.tflite").write_bytes(b"lamp")
    (pytester.path / "labels.txt").write_text("red\ngreen\nblue\n")
    pytester.makepyfile(test_lamp=BEHAVIOURS)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\nxfail_strict = true\n")
    return pytester


def run(workspace: pytest.Pytester, engine: str | None, *more: str) -> pytest.RunResult:
    return workspace.runpytest_inprocess(
        "-p", "inception_harness.plugin", "-W", "ignore::pytest.PytestAssertRewriteWarning",
        "--model=lamp.toml", *([f"--engine={engine}"] if engine else []), "-v", *more,
    )  # fmt: skip


def known(workspace: pytest.Pytester, test: str, engines: str = "") -> Path:
    path = workspace.path / "known_failures" / "lamp.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'model = "lamp"\n\n[[known_failure]]\ntest = "test_lamp.py::{test}"\n'
        'reason = "The lamp was nearly empty on that day."\nseen = "79 %, asked for 80 %"\n'
        f'since = "2026-11-24"\n{engines}\n'
    )
    return path


@pytest.mark.parametrize(
    ("engine", "red"),
    [(None, "failed"), ("openvino", "passed"), ("openvino:bf16", "failed")],
)
def test_without_a_list_each_engine_has_its_own_failures(workspace, engine, red):
    result = run(workspace, engine, "-k", "red")
    result.assert_outcomes(**{red: 1}, deselected=1)


@pytest.mark.parametrize("engine", [None, "litert", "litert:threads=2", "openvino:bf16"])
def test_an_entry_of_all_engines_excuses_what_fails(workspace, engine):
    known(workspace, "test_red")
    result = run(workspace, engine, "-k", "red")
    result.assert_outcomes(xfailed=1, deselected=1)
    assert result.ret == 0


def test_on_another_engine_what_holds_has_passed(workspace):
    """Neither a failure that is gone, nor an unexpected pass: in no column of the terminal."""
    known(workspace, "test_red")
    result = run(workspace, "openvino", "-rA", "--behaviour-report=report.html")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    told = result.stdout.str()
    assert "PASSED test_lamp.py::test_red[lamp@openvino]" in told
    assert "XPASS" not in told
    assert "xpass" not in told
    assert "2 of 2 behaviours hold" in told
    assert "The lamp was nearly empty" not in told
    page = (workspace.path / "report.html").read_text()
    assert "Known failure" not in page
    assert "The lamp was nearly empty" not in page


@pytest.mark.parametrize("engine", [None, "litert", "litert:threads=2"])
def test_on_the_default_engine_what_holds_fails_the_run(workspace, engine):
    path = known(workspace, "test_green")
    result = run(workspace, engine, "-k", "green")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines([f"this failure is gone: remove the entry. {path}, line 3: *"])


@pytest.mark.parametrize(
    ("engine", "outcome"),
    [(None, "passed"), ("openvino", "passed"), ("openvino:bf16,batch=2", "xfailed")],
)
def test_an_entry_of_one_engine_applies_there_alone(workspace, engine, outcome):
    known(workspace, "test_green", 'engines = ["openvino:bf16"]')
    result = run(workspace, engine, "-k", "green")
    result.assert_outcomes(**{outcome: 1}, deselected=1)
    assert result.ret == 0


def test_an_entry_of_another_engine_excuses_nothing(workspace):
    known(workspace, "test_red", 'engines = ["openvino"]')
    for engine in (None, "openvino:bf16"):
        run(workspace, engine, "-k", "red").assert_outcomes(failed=1, deselected=1)


def test_an_entry_that_names_the_default_engine_is_strict(workspace):
    known(workspace, "test_green", 'engines = ["litert"]')
    result = run(workspace, None, "-k", "green")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["this failure is gone: remove the entry. *"])


@pytest.mark.parametrize("engine", [None, "openvino", "openvino:bf16"])
def test_an_entry_of_any_engine_must_match_a_test(workspace, engine):
    path = known(workspace, "test_gren", 'engines = ["openvino:bf16"]')
    result = run(workspace, engine)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: {path}, line 3: 'test_lamp.py::test_gren' matches no test. Near ones: *"]
    )


def test_an_entry_of_an_engine_that_cannot_run_the_model_is_an_error(workspace):
    path = known(workspace, "test_green", 'engines = ["tensorflow"]')
    result = run(workspace, None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: {path}, line 3: lamp does not run on 'tensorflow', only on litert or "
            "openvino. Correct the entry's engines."
        ]
    )


def test_an_error_is_excused_on_no_engine(workspace):
    workspace.makepyfile(
        test_lamp="def test_red(classify):\n    classify('lamp')['no such thing']\n"
    )
    known(workspace, "test_red")
    run(workspace, "openvino").assert_outcomes(failed=1)


def test_what_is_not_applicable_elsewhere_may_be_listed(workspace):
    """A behaviour of one engine; on the default one it would be an entry to remove."""
    workspace.makepyfile(
        test_lamp=BEHAVIOURS.replace(
            'assert classify("lamp")["red"] > 0.80',
            'said = classify("lamp")["red"]\n    if said < 0.80:\n        assert said > 0.80\n'
            '    pytest.skip("not applicable: it is bright")',
        )
    )
    known(workspace, "test_red")
    run(workspace, None, "-k", "red").assert_outcomes(xfailed=1, deselected=1)
    run(workspace, "openvino", "-k", "red").assert_outcomes(skipped=1, deselected=1)


def test_two_engines_in_one_run_are_judged_each_by_its_rules(workspace):
    known(workspace, "test_red")
    result = run(workspace, "litert", "--engine=openvino", "-k", "red")
    result.assert_outcomes(xfailed=1, passed=1, deselected=2)
