"""Parity of two engines: how far their scores may lie apart, and what the behaviours notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from behaviour_tests import test_parity as parity
from inception_harness.labels import Labels
from inception_harness.prediction import Prediction
from inception_harness.record_data import Record
from inception_harness.records import read_record
from inception_harness.tolerances import Tolerance, tolerance

QUANTISED = Record(
    model="net", model_sha256="", engine="openvino", engine_version="2026.4.0", precision="int8",
    decoder="one", picture_set="photos", classes=3, top=3, hashes={}, tables={}, step=1 / 256,
)  # fmt: skip
BF16 = replace(QUANTISED, precision="int8-bf16")
FLOAT = replace(QUANTISED, precision="f32", step=0.0)
RECORDS = sorted((Path(__file__).resolve().parents[1] / "fixtures" / "records").glob("*.csv"))


def allowed(one: Record, other: Record) -> float:
    found = tolerance(one, other, decoded_otherwise=False)
    assert tolerance(other, one, decoded_otherwise=False) == found
    return round(found.value, 5)


# --- tolerances ---------------------------------------------------------------------------------


def test_the_same_arithmetic_of_a_quantised_model_agrees_to_a_step():
    assert allowed(QUANTISED, QUANTISED) == allowed(BF16, BF16) == round(1 / 256 + 1e-6, 5)


def test_another_arithmetic_of_a_quantised_model_is_another_engine():
    assert allowed(QUANTISED, BF16) == 0.15
    assert allowed(QUANTISED, replace(QUANTISED, engine="litert")) == 0.15
    assert "quantised network" in tolerance(QUANTISED, BF16, decoded_otherwise=False).reason


def test_a_quantised_model_is_known_by_its_arithmetic_where_its_card_states_no_step():
    one, other = (replace(record, step=0.0) for record in (QUANTISED, BF16))
    assert allowed(one, other) == 0.15
    assert allowed(one, one) == round(1 / 256 + 1e-6, 5)


def test_float_models_are_held_to_what_float_explains():
    assert allowed(FLOAT, FLOAT) == 1e-5
    assert allowed(FLOAT, replace(FLOAT, engine="tensorflow")) == 0.001
    assert allowed(FLOAT, replace(FLOAT, precision="bf16")) == 0.05


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_committed_records_name_an_arithmetic_of_their_engine(path):
    record = read_record(path)
    assert record.precision in ("f32", "int8")
    assert (record.precision == "int8") == bool(record.step)


# --- the behaviours -----------------------------------------------------------------------------

LABELS = Labels(tuple(f"class {number}" for number in range(20)), ())
DRIFT = Tolerance(0.15, "as it is")


def prediction(engine: str, **scores: float) -> Prediction:
    """Return a prediction with scores by class number, ``c3=0.5``; others get nothing."""
    row = np.zeros(20, np.float32)
    for key, score in scores.items():
        row[int(key[1:])] = score
    return Prediction(row, LABELS, "lamp", "net", engine)


class Answers:
    """The fixtures `classify` and `reference` on one picture."""

    def __init__(self, said: Prediction) -> None:
        self.said = said

    def __call__(self, role: str) -> Prediction:
        return self.said

    def all(self) -> dict[str, Prediction]:
        return {"lamp": self.said}


def agrees(behaviour, before: dict[str, float], now: dict[str, float], drift=DRIFT) -> bool:
    said, expected = prediction("openvino", **now), prediction("litert", **before)
    try:
        behaviour(Answers(said), Answers(expected), drift)
    except AssertionError:
        return False
    return True


EVEN = {f"c{number}": 0.05 for number in range(10)}
on_the_label = parity.test_engines_agree_on_the_label
on_the_scores = parity.test_engines_agree_on_the_scores


@pytest.mark.parametrize(
    ("before", "now", "holds"),
    [
        # A sure answer keeps its class.
        ({"c1": 0.90, "c2": 0.05}, {"c1": 0.80, "c2": 0.15}, True),
        ({"c1": 0.90, "c2": 0.05}, {"c2": 0.80, "c1": 0.15}, False),
        # Of two close ones either may win, a third one may not.
        ({"c1": 0.50, "c2": 0.30, "c3": 0.05}, {"c2": 0.45, "c1": 0.40}, True),
        ({"c1": 0.50, "c2": 0.30, "c3": 0.05}, {"c3": 0.45, "c1": 0.40}, False),
        # Where no class is sure, the drift alone would let any class win.
        ({"c1": 0.20, "c2": 0.18, "c3": 0.02}, {"c2": 0.20, "c1": 0.18}, True),
        ({"c1": 0.20, "c2": 0.18, "c3": 0.02}, {"c3": 0.16, "c1": 0.15}, False),
        # Two classes with one score.
        ({"c1": 0.40, "c2": 0.40}, {"c2": 0.41, "c1": 0.40}, True),
    ],
)  # fmt: skip
def test_every_picture_is_judged_on_its_label(before, now, holds):
    assert agrees(on_the_label, before, now) is holds


def test_a_tie_of_a_float_network_is_judged_by_its_drift():
    drift = Tolerance(0.001, "float32")
    before = {"c1": 0.400, "c2": 0.399}
    assert agrees(on_the_label, before, {"c2": 0.400, "c1": 0.399}, drift)
    before = {"c1": 0.400, "c2": 0.390}
    assert not agrees(on_the_label, before, {"c2": 0.400, "c1": 0.390}, drift)


def test_a_label_that_could_not_win_is_told_with_both_engines():
    said, expected = prediction("openvino", c3=0.45), prediction("litert", c1=0.5, c3=0.05)
    with pytest.raises(AssertionError) as caught:
        on_the_label(Answers(said), Answers(expected), DRIFT)
    assert str(caught.value).startswith("class 3 is the top class on openvino")


@pytest.mark.parametrize(
    ("before", "now", "holds"),
    [
        ({"c1": 0.90}, {"c1": 0.76}, True),
        ({"c1": 0.90}, {"c1": 0.74}, False),
        ({"c1": 0.70}, {"c1": 0.86}, False),
        # A class below the reference's ten best.
        (EVEN, EVEN | {"c15": 0.16}, False),
        (EVEN, EVEN | {"c15": 0.14}, True),
        ({"c1": 0.90}, {"c1": 0.90, "c15": float("nan")}, False),
    ],
)  # fmt: skip
def test_every_class_is_judged_on_its_score(before, now, holds):
    assert agrees(on_the_scores, before, now) is holds
