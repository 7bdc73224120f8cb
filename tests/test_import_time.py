"""What a person asks often must start quickly: no runtime is imported before a model is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each takes from half a second to twelve seconds to import.
HEAVY = {"tensorflow", "keras", "ai_edge_litert", "openvino", "onnxruntime", "onnx", "matplotlib"}
COMMAND = "inception_harness.cli"
PYTEST = ("pytest", "-p", "inception_harness.plugin", "-p", "no:cacheprovider")
SUITE = "behaviour_tests"
GOOD = "mobilenet-v2-1.0-224-quant"
# Runs a module as `python -m` does, and writes the names of all imported modules to a file.
PROGRAM = """
import atexit, json, pathlib, runpy, sys
modules = pathlib.Path(sys.argv[1])
atexit.register(lambda: modules.write_text(json.dumps(sorted(sys.modules))))
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run_module(folder: Path, *arguments: str) -> tuple[int, str, set[str]]:
    """Run a module; return its exit code, what it printed, and the modules it imported."""
    modules = folder / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(modules), *arguments],
        cwd=ROOT,
        env=os.environ | {"INCEPTION_HARNESS_HOME": str(folder / "store"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr, set(json.loads(modules.read_text()))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((COMMAND, "--help"), 0, "usage: inception-harness"),
        ((COMMAND, "models"), 0, GOOD),
        ((COMMAND, "classify", "x.png", "--model", "nonesuch"), 3, "There is no model 'nonesuch'."),
        ((*PYTEST, "--help"), 0, "--model=SPEC"),
        ((*PYTEST, SUITE, "--model=nonesuch"), 4, "There is no model 'nonesuch'."),
        ((*PYTEST, SUITE, f"--model={GOOD}", "--collect-only", "-q"), 0, "test_panda.py::"),
        (
            (*PYTEST, SUITE, "--model=inception-v3-2015", "--collect-only", "-q"),
            0,
            "test_panda.py::",
        ),
    ],
)
def test_no_runtime_is_imported(tmp_path, arguments, code, says):
    found, printed, modules = run_module(tmp_path, *arguments)
    assert found == code, printed[-2000:]
    assert says in printed
    assert "inception_harness.errors" in modules  # the list is what it seems to be
    assert not modules & HEAVY


def test_the_list_does_show_a_runtime(tmp_path):
    """The check above can fail: a program that loads a model imports its runtime."""
    _, _, modules = run_module(tmp_path, "ai_edge_litert.interpreter")
    assert "ai_edge_litert" in modules & HEAVY
