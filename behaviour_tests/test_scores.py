"""What any classifier's scores must be, whatever the picture."""

import numpy as np
import pytest

pytestmark = pytest.mark.contract

# The rounding of one operation, relative: half a unit in the last place of IEEE binary32 (24 bits
# of significand) and of bfloat16 (8 bits).
ROUNDING = {"f32": 2.0**-24, "bf16": 2.0**-8}


def test_scores_are_finite_and_between_zero_and_one(classify):
    """NaN, infinity, or a score outside 0..1 means that the outputs are no probabilities."""
    for role, prediction in classify.all().items():
        scores = prediction.scores
        bad = ~np.isfinite(scores) | (scores < 0) | (scores > 1 + 1e-6)
        first = {int(n): float(scores[n]) for n in np.flatnonzero(bad)[:3]}
        assert not bad.any(), (
            f"{role}: {int(bad.sum())} of {len(scores)} scores are not within 0..1, "
            f"for example {first} (class number: score)"
        )


def test_scores_sum_to_one(classifier, classify):
    """Softmax shares out exactly one.

    For float outputs the sum may be off by the rounding of one division for each class.

    A quantised output is a multiple q of the step s (1/256 for uint8), so the true score lies
    within q ± s/2, and the largest q is 1 - s. With n classes of which k are not zero, a true sum
    of 1 means: the sum of q is at most 1 + k·s/2, and at least 1 - n·s/2 - s/2. From below this
    says little for 1001 classes, since 1001 zeros can hide a sum of 1.96: see the quirk below.
    """
    step, n = classifier.card.output.step, len(classifier.labels)
    for prediction in classify.all().values():
        if step:
            nonzero = int(np.count_nonzero(prediction.scores))
            low, high = 1 - (n + 1) * step / 2, 1 + nonzero * step / 2
        else:
            coarse = "bf16" in classifier.engine.precision
            slack = n * ROUNDING["bf16" if coarse else "f32"]
            low, high = 1 - slack, 1 + slack
        assert prediction.total >= low
        assert prediction.total <= high


@pytest.mark.quirk
def test_quantised_scores_lose_what_is_too_small_to_count(classifier, classify):
    """Scores below half a step become zero, so what an unsure model says does not add up to one.

    With 1001 classes and steps of 1/256, a model that spreads a third of its belief thinly loses
    that third: the MobileNets' sums go down to 0.68 on the tutorial's portraits, and stay near
    one where they are sure.
    """
    step = classifier.card.output.step
    if not step:
        pytest.skip("not applicable: the outputs are not quantised")
    said = classify.all().values()
    assert min((p.total for p in said), key=float) < 1 - 2 * step
    for prediction in said:
        if prediction.top_score > 0.95:
            assert prediction.total > 0.95


@pytest.mark.minimum
def test_outputs_without_a_thing_get_next_to_nothing(classifier, classify):
    """Outputs that have no name, and the background class, are never a good answer.

    The 2015 graph has eight such outputs, the MobileNets one: class 0, "background".
    """
    background = classifier.card.labels.background
    if background is None and len(classifier.labels.named) == len(classifier.labels):
        pytest.skip("not applicable: every output stands for a thing")
    for prediction in classify.all().values():
        assert prediction.unnamed() < 0.01
        if background is not None:
            assert prediction[background] < 0.01
