"""Behaviours on copies of a picture, lossless and lossy, on models that are made to mind them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.inner_runs import INNER

SUITE = Path(__file__).resolve().parents[1] / "behaviour_tests"
LOSSLESS = "test_lossless_copy_gives_the_same_scores_to_the_bit"
STRIPPED = "test_copy_without_metadata_gives_the_same_scores_to_the_bit"

# Scores by the mean brightness. The bent one sees one pixel of a file's bytes a level brighter
# than that of the file itself: the score moves by less than a millionth.
MODELS = """
from dataclasses import replace
import numpy as np
from inception_harness.cards import Card
from inception_harness.classifier import Classifier
from inception_harness.own_models import OwnEngine, describe_own

class Bright:
    labels, input_size, name = ("bright", "dark"), (64, 64), "bright"

    def scores(self, batch):
        mean = batch.mean(axis=(1, 2, 3), dtype=np.float64) / 255
        return np.stack([mean, 1 - mean], axis=1).astype(np.float32)

def straight(resize=None):
    card, labels = describe_own(Bright(), "bright")
    if resize:
        card = replace(card, input=replace(card.input, resize=resize))
    return Classifier(card, OwnEngine(Bright()), labels)

def bent():
    made = straight()
    decode = made.stages.decode

    def off_by_one(source):
        rgb = decode(source)
        if isinstance(source, bytes):
            rgb = rgb.copy()
            rgb[0, 0, 0] += 1
        return rgb

    made.stages = replace(made.stages, decode=off_by_one)
    return made

def smooth():
    return straight("bilinear")

def legacy():
    return straight("bilinear-legacy")
"""


@pytest.fixture
def run(pytester):
    """Return a function that runs a file of the suite on a model of the module above."""
    rows = ['name = "two"\ntitle = "Two"\n']
    for number, role in enumerate(("first", "second")):
        rgb = np.full((64, 64, 3), 220 + number, np.uint8)
        file = pytester.path / f"{role}.png"
        Image.fromarray(rgb).save(file, dpi=(72, 72))
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        rows.append(
            f'[pictures.{role}]\nfile = "{role}.png"\ncaption = "{role}"\nsha256 = "{sha}"\n'
        )
    pytester.makefile(".toml", set="\n".join(rows))
    pytester.makepyfile(bright_models=MODELS)
    pytester.syspathinsert()

    def pytest_(file: str, factory: str, *arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(
            str(SUITE / file),
            "--import-mode=importlib",
            *INNER,
            f"--model=bright_models:{factory}",
            "--pictures=set.toml",
            "-rs",
            *arguments,
        )

    return pytest_


def test_a_lossless_copy_may_not_move_the_last_bit(run):
    run("test_input_forms.py", "straight", "-k", f"{LOSSLESS} or {STRIPPED}").assert_outcomes(
        passed=4
    )
    result = run("test_input_forms.py", "bent", "-k", f"{LOSSLESS} or {STRIPPED}")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "*first: a PNG copy changes * from * to *; 0 is allowed*",
            "*first: metadata changes * from*",
            "*first: a turned copy with its EXIF tag changes * from*",
            "*first: leaving out the metadata changes * from*",
        ]
    )


KERNELS = ("bicubic", "lanczos", "bilinear")


@pytest.mark.parametrize(
    ("factory", "own"), [("smooth", "bilinear"), ("legacy", None)], ids=["own", "another"]
)
def test_the_models_own_kernel_is_not_applicable(run, factory, own):
    result = run("test_lossy_copies.py", factory, "-k", " or ".join(KERNELS))
    left_out = 2 if own else 0
    result.assert_outcomes(passed=2 * len(KERNELS) - left_out, skipped=left_out)
    assert (
        "not applicable: bilinear is the kernel of the model itself" in result.stdout.str()
    ) == (own is not None)
