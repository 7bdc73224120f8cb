"""The tutorial's first picture: a giant panda, small and sharp."""

import pytest

pytestmark = [pytest.mark.speaks_of("giant panda"), pytest.mark.shows("panda")]


@pytest.mark.minimum
def test_panda_is_recognised_with_confidence(classify):
    """The tutorial's first picture: 89 % giant panda."""
    assert classify("panda")["giant panda"] > 0.80


@pytest.mark.minimum
def test_nothing_else_comes_near_the_panda(classify):
    """All other classes stay below 1 % in the tutorial; a tenth of the sure score is the limit."""
    assert classify("panda").highest(but="giant panda") < 0.10
