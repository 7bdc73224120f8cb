"""Pictures with little or nothing in them: the model still gives scores, and is not sure."""

import numpy as np
import pytest

from inception_harness import images

# As in test_scores.py: the rounding of one division, relative, for each class.
ROUNDING = {"f32": 2.0**-24, "bf16": 2.0**-8}


def noise(height, width):
    """Return a picture of independent pixels."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def plain(level):
    """Return what makes a picture of one level of grey."""
    return lambda classifier, first: np.full((*classifier.size[::-1], 3), level, np.uint8)


ODD = {
    "black": plain(0),
    "white": plain(255),
    "grey": plain(128),
    "one pixel": lambda classifier, first: np.full((1, 1, 3), 90, np.uint8),
    "a thin line": lambda classifier, first: np.full((1, 2000, 3), 90, np.uint8),
    "noise": lambda classifier, first: noise(*classifier.size[::-1]),
    "very dark": lambda classifier, first: first // 32,
    "very bright": lambda classifier, first: 255 - (255 - first) // 32,
}
EMPTY = ("black", "white", "grey", "one pixel")


@pytest.fixture(scope="session")
def odd_predictions(classifier, pictures):
    """What the model says of each odd picture, computed once."""
    first = images.decode(pictures[next(iter(pictures))].path)
    return {
        name: classifier.classify(make(classifier, first), name=name) for name, make in ODD.items()
    }


@pytest.mark.contract
@pytest.mark.parametrize("odd", ODD)
def test_odd_picture_gets_scores(odd_predictions, odd):
    """No NaN for a picture that is all black, and no score outside 0..1 for one that is noise."""
    scores = odd_predictions[odd].scores
    bad = ~np.isfinite(scores) | (scores < 0) | (scores > 1 + 1e-6)
    assert not bad.any(), f"{odd}: {int(bad.sum())} of {len(scores)} scores are not within 0..1"


@pytest.mark.contract
@pytest.mark.parametrize("odd", ODD)
def test_scores_of_an_odd_picture_share_out_one(classifier, odd_predictions, odd):
    """Never more than one; quantised scores may have lost what is too small to count."""
    said, step = odd_predictions[odd], classifier.card.output.step
    if step:
        assert said.total <= 1 + int(np.count_nonzero(said.scores)) * step / 2
        assert said.total > 0
    else:
        coarse = "bf16" in classifier.engine.precision
        slack = len(said.scores) * ROUNDING["bf16" if coarse else "f32"]
        assert said.total <= 1 + slack
        assert said.total >= 1 - slack


@pytest.mark.contract
def test_quantised_scores_are_whole_steps(classifier, odd_predictions, classify):
    """Nothing has come over the scores since they left a quantised network."""
    step = classifier.card.output.step
    if not step:
        pytest.skip("not applicable: the outputs are not quantised")
    for said in (*odd_predictions.values(), *classify.all().values()):
        steps = said.scores.astype(np.float64) / step
        # float32 keeps a step of 1/256 exactly, and any other to 24 bits.
        np.testing.assert_allclose(steps, np.rint(steps), atol=256 * 2.0**-23)


@pytest.mark.minimum
@pytest.mark.parametrize("odd", EMPTY)
def test_picture_of_nothing_leaves_the_model_unsure(odd_predictions, odd):
    """Where there is nothing to see, no class may be sure.

    Of the five MobileNets the surest sees a spotlight in the dark, at 39 %.
    """
    assert odd_predictions[odd].top_score < 0.50


@pytest.mark.contract
def test_odd_pictures_are_told_apart(odd_predictions):
    """Black, white and noise do not get one and the same answer."""
    black, white, noisy = (odd_predictions[odd].scores for odd in ("black", "white", "noise"))
    assert not np.array_equal(black, white)
    assert not np.array_equal(white, noisy)
