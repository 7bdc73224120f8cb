"""The behaviour on direction, on models whose every curve is written down here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.inner_runs import INNER

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT / "behaviour_tests" / "test_direction.py"
NAMES = ("gaussian-blur", "gaussian-noise", "occlusion")
TEST = "test_less_to_see_does_not_raise_the_true_class"

# The score of the right class: of the picture as it is, and at severities 1 to 5.
CURVES = {
    "falling": (0.95, 0.90, 0.70, 0.40, 0.20, 0.10),
    "wobbling as the miniature": (0.92, 0.84, 0.38, 0.055, 0.087, 0.084),
    "surer": (0.60, 0.61, 0.64, 0.66, 0.68, 0.70),
    "surer from a sure start": (0.95, 0.96, 0.965, 0.975, 0.98, 0.985),
    "surer after a fall": (0.95, 0.50, 0.20, 0.35, 0.50, 0.65),
    "surer by much": (0.60, 0.65, 0.70, 0.78, 0.91, 0.96),
    "wobbling as MobileNets": (0.73, 0.58, 0.49, 0.71, 0.76, 0.32),
    "as high as can be": (0.99, 0.985, 0.99, 0.99, 0.985, 0.99),
}


def picture() -> np.ndarray:
    y, x = np.mgrid[:240, :320]
    return np.stack([x // 2, y, (x // 16 + y // 16) % 2 * 200], axis=-1).astype(np.uint8)


# Knows each perturbed copy of the picture by its pixels, and scores it as is written.
SCRIPTED = """
import numpy as np
from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.own_models import OwnEngine, describe_own
from inception_harness.perturb import SEVERITIES, Perturbation, apply

class Scripted:
    labels = ("thing", "other")
    input_size = (320, 240)
    name = "scripted"

    def __init__(self):
        picture = images.decode("thing.png")
        self.script = {picture.tobytes(): CURVE[0]}
        for name in NAMES:
            for severity in SEVERITIES:
                copy = apply(picture, Perturbation(name, severity))
                self.script[copy.tobytes()] = CURVE[severity]

    def scores(self, batch):
        right = [self.script[np.rint(view).astype(np.uint8).tobytes()] for view in batch]
        return np.array([(score, 1 - score) for score in right], np.float32)

def scripted():
    model = Scripted()
    engine = OwnEngine(model)
    engine.precision = PRECISION
    card, labels = describe_own(model, "scripted")
    return Classifier(card, engine, labels)
"""


@pytest.fixture
def judged(pytester):
    """Return a function: a curve and a precision -> pytest's result of the behaviour."""
    Image.fromarray(picture()).save(pytester.path / "thing.png")
    sha = hashlib.sha256((pytester.path / "thing.png").read_bytes()).hexdigest()
    pytester.makefile(
        ".toml",
        set='name = "things"\ntitle = "A thing"\n[pictures.thing]\nfile = "thing.png"\n'
        f'caption = "A thing."\nexpected = "thing"\nsha256 = "{sha}"\n',
    )

    def run(curve: str, precision: str) -> pytest.RunResult:
        pytester.makepyfile(
            scripted_model=f"CURVE, NAMES = {CURVES[curve]}, {NAMES}\n"
            f"PRECISION = {precision!r}\n{SCRIPTED}"
        )
        pytester.syspathinsert()
        return pytester.runpytest_inprocess(
            str(SUITE),
            "--import-mode=importlib",
            *INNER,
            "-rs",
            "--model=scripted_model:scripted",
            "--pictures=set.toml",
            "--behaviour-report=told.html",
        )

    return run


@pytest.mark.parametrize(
    ("curve", "precision"),
    [
        ("falling", "f32"),
        ("falling", "int8"),
        ("wobbling as the miniature", "f32"),
        ("wobbling as MobileNets", "int8"),
    ],
)
def test_what_falls_as_real_models_do_passes(judged, curve, precision):
    judged(curve, precision).assert_outcomes(passed=len(NAMES))


@pytest.mark.parametrize(
    ("curve", "precision", "severity", "bound"),
    [
        ("surer", "f32", 2, "62.0"),
        ("surer from a sure start", "f32", 3, "97.0"),
        ("surer after a fall", "f32", 3, "24.0"),
        ("surer after a fall", "bf16", 3, "26.0"),
        ("surer after a fall", "int8", 5, "50.0"),
        ("surer by much", "int8", 3, "75.0"),
    ],
)
def test_a_model_that_gets_surer_fails(judged, curve, precision, severity, bound):
    result = judged(curve, precision)
    result.assert_outcomes(failed=len(NAMES))
    score = f"{CURVES[curve][severity] * 100:.1f}"
    for name in NAMES:
        result.stdout.fnmatch_lines(
            [f"*assert thing, {name} {severity}: thing scored {score} %, should be <= {bound} %*"]
        )


@pytest.mark.parametrize(
    ("curve", "precision", "points"),
    [("as high as can be", "f32", 2), ("as high as can be", "int8", 15),
     ("surer from a sure start", "int8", 15)],
)  # fmt: skip
def test_where_nothing_could_fail_it_is_not_applicable(judged, pytester, curve, precision, points):
    result = judged(curve, precision)
    result.assert_outcomes(skipped=len(NAMES))
    assert (
        f"not applicable: the scores stay so high that a rise of {points} points, which tells "
        "nothing in this model's arithmetic, ends above 100 %"
    ) in result.stdout.str()
    # The report has the curves all the same.
    if precision == "f32":
        assert "gaussian-blur on thing: thing" in (pytester.path / "told.html").read_text()
