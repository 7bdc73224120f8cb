"""Predictions: names to scores, the tutorial's table, and values that explain themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from inception_harness.errors import LabelError
from inception_harness.labels import Labels
from inception_harness.prediction import Label, Prediction, Score, observing
from inception_harness.results import Observation

LABELS = Labels(
    (
        None,
        "giant panda, panda, coon bear",
        "indri, indris",
        "crane",
        "crane",
        "macaw",
        "jacamar",
        "bow tie",
    ),
    (None, "n02510455", "n02497673", "n02012849", "n03126707", "n01818515", "n01843065", "n0288"),
)
PANDA = (0.01, 0.547, 0.25, 0.1, 0.05, 0.03, 0.01, 0.003)
BIRD = (0.0, 0.0, 0.05, 0.15, 0.6, 0.12, 0.08, 0.0)


def prediction(scores=PANDA, picture="panda", labels=LABELS) -> Prediction:
    return Prediction(np.array(scores, np.float32), labels, picture, "mobile", "litert")


# --- scores by name -----------------------------------------------------------------------------


def test_scores_are_found_by_every_name():
    said = prediction()
    expected = float(np.float32(0.547))
    for query in ("giant panda", "giant panda, panda, coon bear", "n02510455", 1, np.int64(1)):
        assert float(said[query]) == expected
        assert (said[query].name, said[query].number) == ("giant panda", 1)
        assert said[query].prediction is said


def test_unknown_and_ambiguous_names_are_refused():
    with pytest.raises(LabelError, match="There is no class 'panada' among the model's 7 names"):
        prediction()["panada"]
    with pytest.raises(LabelError, match=r"'crane' is the name of 2 classes: 3 .* and 4 "):
        prediction()["crane"]


def test_the_best_come_first_and_ties_by_number():
    said = prediction((0.1, 0.2, 0.2, 0.1, 0.0, 0.2, 0.1, 0.1))
    assert said.order == [1, 2, 5, 0, 3, 6, 7, 4]
    assert [score.number for score in said.top(4)] == [1, 2, 5, 0]
    assert [score.name for score in said.top(4)] == ["giant panda", "indri", "macaw", "unnamed 0"]
    assert said.label == "giant panda"
    assert len(said.top()) == 5
    assert len(said.top(99)) == 8
    assert said.top_score.number == 1


def test_nan_comes_last_and_satisfies_no_bound():
    said = prediction((0.1, math.nan, 0.4, 0.1, 0.0, 0.2, 0.1, 0.1))
    assert said.label == "indri"
    assert said.order[-1] == 1
    assert not said["giant panda"] > 0.5
    assert not said["giant panda"] <= 0.5
    assert math.isnan(said.total)
    assert math.isnan(said.entropy)
    assert said.table(8).splitlines()[-1] == "  nan% : giant panda"


def test_the_highest_but_one_and_the_unnamed():
    said = prediction()
    assert said.highest(but="giant panda").name == "indri"
    assert said.highest(but="indri").name == "giant panda"
    assert float(said.unnamed()) == pytest.approx(0.01)
    assert said.unnamed().name == "the sum of 1 unnamed outputs"
    assert float(prediction((0.5, 0.5), labels=Labels(("a", "b"))).unnamed()) == 0


def test_the_total_is_summed_in_double_precision():
    many = np.full(100_000, 1e-5, np.float32)
    said = prediction(many, labels=Labels((None,) * 100_000))
    assert float(said.total) == pytest.approx(1.0, abs=1e-6)
    assert said.total.name == "the sum of scores"


@given(st_numpy.arrays(np.float64, 8, elements=st.floats(1e-6, 1)))
def test_entropy_is_between_sure_and_undecided(scores):
    said = prediction(scores)
    share = scores / scores.sum()
    assert said.entropy == pytest.approx(-(share * np.log(share)).sum(), abs=1e-5)
    assert 0 <= said.entropy <= math.log(8) + 1e-6


def test_entropy_of_the_extremes():
    sure = prediction((0, 1, 0, 0, 0, 0, 0, 0)).entropy
    assert math.copysign(1, sure) == 1.0  # 0, not -0, which would be printed
    assert sure == 0
    assert prediction((0.125,) * 8).entropy == pytest.approx(math.log(8))
    assert math.isnan(prediction((0,) * 8).entropy)
    assert math.isnan(prediction((math.inf,) * 8).entropy)


# --- the tutorial's table -----------------------------------------------------------------------


def test_the_table_is_the_tutorials():
    said = prediction((0.0117, 0.8911, 0.0078, 0.003, 0.0015, 1.0, 0.0, 0.00004))
    assert str(said) == said.table(10)
    assert said.table() == (
        "100.00% : macaw\n"
        "89.11% : giant panda\n"
        " 1.17% : unnamed 0\n"
        " 0.78% : indri\n"
        " 0.30% : crane\n"
        " 0.15% : crane\n"
        " 0.00% : bow tie\n"
        " 0.00% : jacamar"
    )
    assert said.table(2, only_first_name=False) == (
        "100.00% : macaw\n89.11% : giant panda, panda, coon bear"
    )


# --- sums ---------------------------------------------------------------------------------------


def test_scores_of_one_prediction_add_up_to_a_score():
    said = prediction()
    both = said["giant panda"] + said["indri"]
    assert isinstance(both, Score)
    assert (both.name, both.number) == ("giant panda + indri", None)
    assert float(both) == pytest.approx(0.797)
    three = sum([said["giant panda"], said["indri"], said["macaw"]])
    assert isinstance(three, Score)
    assert three.name == "giant panda + indri + macaw"


def test_sums_over_predictions_or_with_numbers_are_plain():
    one, other = prediction(), prediction(BIRD)
    for total in (
        one["macaw"] + other["macaw"],
        one["macaw"] + 0.5,
        0.5 + one["macaw"],
        one["macaw"] - one["indri"],
    ):
        assert type(total) is float
    assert 0.5 + one["macaw"] == pytest.approx(0.53)


# --- explanations of scores ---------------------------------------------------------------------

TABLE = [
    " 54.70% : giant panda",
    " 25.00% : indri",
    " 10.00% : crane",
    "  5.00% : crane",
    "  3.00% : macaw",
]


def test_a_score_explains_what_it_misses():
    said = prediction()
    assert said["giant panda"].explain(">", 0.80) == [
        "panda: giant panda scored 54.7 %, should be > 80.0 % (short by 25.3 points)  "
        "[mobile, litert]",
        *TABLE,
    ]
    assert said["indri"].explain("<=", 0.10)[0] == (
        "panda: indri scored 25.0 %, should be <= 10.0 % (over by 15.0 points)  [mobile, litert]"
    )
    assert (said["giant panda"] + said["indri"]).explain(">=", 0.9)[0] == (
        "panda: giant panda + indri scored 79.7 %, should be >= 90.0 % (short by 10.3 points)  "
        "[mobile, litert]"
    )
    assert said.unnamed().explain("<", 0.005)[0] == (
        "panda: the sum of 1 unnamed outputs is 1.0 %, should be < 0.5 % (over by 0.5 points)  "
        "[mobile, litert]"
    )
    assert said["macaw"].explain("==", 0.5)[0] == (
        "panda: macaw scored 3.0 %, should be == 50.0 %  [mobile, litert]"
    )


def test_a_close_miss_shows_as_many_digits_as_it_takes():
    said = prediction((0.0, 0.79996, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert said["giant panda"].explain(">", 0.80)[0] == (
        "panda: giant panda scored 79.996 %, should be > 80.000 % (short by 0.004 points)  "
        "[mobile, litert]"
    )
    assert said["indri"].explain("<", said["indri"])[0] == (
        "panda: indri scored 20.0 %, should be < 20.0 % (over by 0.0 points)  [mobile, litert]"
    )


def test_a_score_beside_one_of_another_picture_shows_both_tables():
    one, other = prediction(), prediction(BIRD, "bird")
    lines = one["macaw"].explain(">", other["macaw"])
    assert lines == [
        "panda: macaw scored 3.0 %, should be > the 12.0 % of macaw on bird (9.0 points apart)  "
        "[mobile, litert]",
        "panda:",
        *TABLE,
        "bird:",
        " 60.00% : crane",
        " 15.00% : crane",
        " 12.00% : macaw",
        "  8.00% : jacamar",
        "  5.00% : indri",
    ]


def test_a_score_has_nothing_to_say_beside_what_is_no_number():
    assert prediction()["macaw"].explain("in", [0.5]) == []
    with pytest.raises(TypeError, match="'>' not supported between instances of 'Score' and 'str'"):
        _ = prediction()["macaw"] > "0.5"


# --- labels -------------------------------------------------------------------------------------


def test_a_label_is_its_first_name():
    label = prediction().label
    assert isinstance(label, str)
    assert label == "giant panda"
    assert "giant panda" == label  # noqa: SIM300 - the other order is what is tested
    assert label != "indri"
    assert label in ("indri", "giant panda")
    assert {"giant panda": 1}[label] == 1
    assert label != 1
    assert label is not None
    assert (label == "None") is False
    assert label.number == 1


def test_labels_of_one_name_are_two_classes():
    """Both are called crane, but a bird is no machine."""
    bird = prediction((0, 0, 0, 0.9, 0.05, 0, 0, 0), "bird").label
    machine = prediction((0, 0, 0, 0.05, 0.9, 0, 0, 0), "machine").label
    again = prediction((0, 0, 0, 0.8, 0.1, 0, 0, 0), "again").label
    assert bird == "crane"
    assert machine == "crane"
    assert str(bird) == str(machine)
    assert bird != machine
    assert bird == again
    assert hash(bird) == hash(again) == hash("crane")


def test_labels_of_two_models_are_compared_by_name():
    other = Labels(("macaw", "giant panda, Ailuropoda"))
    assert prediction().label == prediction((0.1, 0.9), labels=other).label
    assert prediction().label != prediction((0.9, 0.1), labels=other).label


def test_unnamed_tops_are_equal_only_to_themselves():
    said = prediction((0.9, 0.1, 0, 0, 0, 0, 0, 0)).label
    assert said == "unnamed 0"
    assert said != "giant panda"


@pytest.mark.parametrize(
    ("op", "other", "told"),
    [
        ("==", "indri", "should be indri, which is at rank 2 with 25.0 %"),
        ("==", "crane", "should be crane, which is at rank 3 with 10.0 %"),
        ("==", "panada", "should be panada, which is no name of a class of this model"),
        (
            "==",
            "n02510455",
            "should be n02510455, which is the same class: a label is the first name, "
            "'giant panda'",
        ),
        ("!=", "giant panda", "should be anything but giant panda"),
        ("in", ("indri", "macaw"), "should be one of indri, macaw"),
        ("not in", ["giant panda"], "should be none of giant panda"),
    ],
)
def test_a_label_explains_what_it_is_and_should_be(op, other, told):
    assert prediction().label.explain(op, other) == [
        f"panda: the top class is giant panda (54.7 %), {told}  [mobile, litert]",
        *TABLE,
    ]


def test_a_label_beside_one_of_another_picture_names_it():
    lines = prediction().label.explain("==", prediction(BIRD, "bird").label)
    assert lines[0] == (
        "panda: the top class is giant panda (54.7 %), should be crane, as for bird  "
        "[mobile, litert]"
    )


def test_a_label_has_nothing_to_say_of_other_comparisons():
    label = prediction().label
    assert label.explain("in", "a giant panda") == []
    assert label.explain("<", "z") == []
    assert label.explain("==", 3) == []


# --- what is noted ------------------------------------------------------------------------------


def noted(compare) -> list[Observation]:
    with observing() as seen:
        compare(prediction())
    return seen


@pytest.mark.parametrize(
    ("compare", "what", "op", "bound", "margin"),
    [
        (lambda p: p["giant panda"] > 0.5, "giant panda", ">", 0.5, 0.047),
        (lambda p: p["giant panda"] >= 0.6, "giant panda", ">=", 0.6, -0.053),
        (lambda p: 0.5 < p["giant panda"], "giant panda", ">", 0.5, 0.047),  # noqa: SIM300
        (lambda p: p["indri"] < 0.5, "indri", "<", 0.5, 0.25),
        (lambda p: p["indri"] <= np.float32(0.5), "indri", "<=", 0.5, 0.25),
        (lambda p: 0.5 >= p["indri"], "indri", "<=", 0.5, 0.25),  # noqa: SIM300
        (lambda p: p["indri"] < p["giant panda"], "indri", "<", 0.547, 0.297),
    ],
)
def test_comparisons_of_scores_are_noted(compare, what, op, bound, margin):
    (seen,) = noted(compare)
    assert (seen.what, seen.op, seen.picture, seen.unit) == (what, op, "panda", "score")
    assert seen.bound == pytest.approx(bound)
    assert seen.margin == pytest.approx(margin, abs=1e-6)


@pytest.mark.parametrize(
    ("compare", "op", "bound", "margin"),
    [
        # by how much the top class leads, or misses the lead
        (lambda p: p.label == "giant panda", "==", "giant panda", 0.297),
        (lambda p: "giant panda" == p.label, "==", "giant panda", 0.297),  # noqa: SIM300
        (lambda p: p.label == "indri", "==", "indri", -0.297),
        (lambda p: p.label != "giant panda", "!=", "giant panda", -0.297),
        (lambda p: p.label != "indri", "!=", "indri", 0.297),
        (lambda p: p.label == "crane", "==", "crane", -0.447),
        (lambda p: p.label == "zebra", "==", "zebra", -0.547),
        (lambda p: p.label == prediction(BIRD).label, "==", "crane", -0.497),
    ],
)
def test_comparisons_of_labels_are_noted(compare, op, bound, margin):
    (seen,) = noted(compare)
    assert (seen.what, seen.got, seen.op, seen.bound) == ("the top class", "giant panda", op, bound)
    assert seen.margin == pytest.approx(margin, abs=1e-6)
    assert seen.picture == "panda"


def test_only_comparisons_inside_the_block_are_noted():
    said = prediction()
    _ = said["macaw"] > 0.1
    with observing() as outer:
        _ = said["macaw"] > 0.2
        with observing() as inner:
            _ = said["macaw"] > 0.3
        _ = said["macaw"] > 0.4
    _ = said["macaw"] > 0.5
    assert [seen.bound for seen in outer] == [0.2, 0.4]
    assert [seen.bound for seen in inner] == [0.3]
    assert type(outer[0].bound) is float


def test_types_are_what_they_say():
    assert type(prediction().label) is Label
    assert isinstance(prediction()["macaw"], float)
