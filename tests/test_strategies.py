"""The strategies draw what they promise, and shrink to what a person can read."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import find as hypothesis_find
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_harness.errors import PictureError
from inception_harness.perturb import PERTURBATIONS, Perturbation
from inception_harness.strategies import perturbations, rgb_pictures


def find(strategy: st.SearchStrategy, condition: object) -> object:
    """The simplest that meets a condition, whatever earlier runs have remembered."""
    patient = settings(database=None, deadline=None, max_examples=5000)
    return hypothesis_find(strategy, condition, settings=patient, random=Random(0))


@given(perturbation=perturbations(names=["shift", "gamma"], min_severity=2, max_severity=3))
def test_only_what_is_asked_for_is_drawn(perturbation):
    assert perturbation.name in ("shift", "gamma")
    assert perturbation.severity in (2, 3)


def test_the_first_and_the_last_perturbation_can_be_drawn():
    names = list(PERTURBATIONS)
    for name in (names[0], names[-1]):
        assert find(perturbations(), lambda one, name=name: one.name == name).name == name
    assert find(perturbations(names=names[3:]), lambda one: True) == Perturbation(names[3], 1, 0)


def test_a_flip_shrinks_to_the_mildest_that_flips():
    found = find(perturbations(), lambda one: one.name == "gamma" and one.severity > 2)
    assert repr(found) == "Perturbation(name='gamma', severity=3, seed=0)"


@given(rgb=rgb_pictures(min_side=3, max_side=9))
def test_pictures_have_the_sides_asked_for(rgb):
    height, width, channels = rgb.shape
    assert 3 <= height <= 9
    assert 3 <= width <= 9
    assert channels == 3
    assert rgb.dtype == np.uint8


def test_pictures_shrink_to_one_black_pixel():
    assert find(rgb_pictures(), lambda rgb: rgb.ndim == 3).tolist() == [[[0, 0, 0]]]


@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_a_large_picture_takes_few_choices(data):
    assert data.draw(rgb_pictures(min_side=500, max_side=500)).shape == (500, 500, 3)


def test_pictures_are_of_every_kind():
    def kinds(rgb: np.ndarray) -> int:
        return len(np.unique(rgb.reshape(-1, 3), axis=0))

    strategy = rgb_pictures(min_side=8)
    assert kinds(find(strategy, lambda rgb: kinds(rgb) == 1)) == 1
    assert kinds(find(strategy, lambda rgb: kinds(rgb) > 60)) > 60
    find(
        strategy, lambda rgb: 2 < kinds(rgb) < 20 and (np.diff(rgb.astype(int), axis=0) >= 0).all()
    )


def test_what_leaves_nothing_to_draw_is_refused():
    with pytest.raises(PictureError) as caught:
        perturbations(min_severity=4, max_severity=3, names=["shift"])
    assert str(caught.value) == (
        "No perturbation is left to search: names ('shift',), severities 4..3."
    )
    with pytest.raises(PictureError) as caught:
        perturbations(names=["shift"], max_severity=7)
    assert str(caught.value) == "shift: severity is 7; expected 1..5."
    with pytest.raises(PictureError, match=r"^There is no perturbation 'snow'; they are "):
        perturbations(names=["snow"])
