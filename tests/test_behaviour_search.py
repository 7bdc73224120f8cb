"""The search for flips, on a model that is made to flip: found, shrunk, printed and saved."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness.perturb import Perturbation, apply

ROOT = Path(__file__).resolve().parents[1]

# Sure of stripes while their edges are sharp: blur alone takes that away.
BLINKING = """
import numpy as np

class Blinking:
    labels = ("sharp", "blurred")
    input_size = (200, 200)
    name = "blinking"

    def __init__(self, least):
        self.least = least

    def scores(self, batch):
        edges = np.abs(np.diff(batch.astype(np.float32), axis=2)).max(axis=(1, 2, 3)) / 255
        return np.where(edges[:, None] > self.least, (0.95, 0.05), (0.05, 0.95)).astype(np.float32)

def blinking():
    return Blinking(0.7)

def steady():
    return Blinking(-1)
"""


@pytest.fixture
def search(tmp_path):
    """Return a function that runs the search on a model of the module above."""
    (tmp_path / "blinking_models.py").write_text(BLINKING)
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, np.arange(200) // 8 % 2 == 0] = 255
    picture = tmp_path / "stripes.png"
    Image.fromarray(stripes).save(picture)
    (tmp_path / "set.toml").write_text(
        'name = "stripes"\ntitle = "Stripes"\n[pictures.stripes]\nfile = "stripes.png"\n'
        'caption = "Stripes."\n'
        f'sha256 = "{hashlib.sha256(picture.read_bytes()).hexdigest()}"\n'
    )

    def run(factory: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "behaviour_tests/test_search.py", "-p",
             "no:cacheprovider", f"--model=blinking_models:{factory}",
             f"--pictures={tmp_path / 'set.toml'}", "--hypothesis-seed=0", *arguments],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    run.stripes = stripes
    return run


def test_a_flip_is_shrunk_printed_and_saved_beside_the_report(search, tmp_path):
    report = tmp_path / "told.html"
    result = search("blinking", "--hypothesis-profile=search", f"--behaviour-report={report}")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "    @example(picture='stripes', perturbation=Perturbation(" in result.stdout
    pasted = re.search(r"perturbation=(Perturbation\(.*\))\)$", result.stdout, re.MULTILINE)
    found = eval(pasted[1])  # what is printed must be Python that can be pasted
    assert found == Perturbation("gaussian-blur", 1, 0)
    (file,) = (tmp_path / "told-found").iterdir()
    assert f"The picture: {file}" in result.stdout
    assert np.array_equal(np.asarray(Image.open(file)), apply(search.stripes, found))


def test_a_model_that_does_not_flip_is_left_in_peace(search):
    result = search("steady")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 of 1 behaviours hold" in result.stdout
