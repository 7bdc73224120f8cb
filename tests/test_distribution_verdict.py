"""Verdicts on shares: pass, fail, inconclusive, and how many more trials would decide."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from inception_harness.wilson import judge_share, wilson_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (1, 7), (97, 200), (200, 200)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_is_wilsons(successes, trials, confidence):
    theirs = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, trials, confidence) == pytest.approx(tuple(theirs))


@pytest.mark.parametrize(
    ("successes", "outcome"),
    [(200, "pass"), (119, "pass"), (118, "inconclusive"), (82, "inconclusive"), (81, "fail")],
)
def test_where_each_verdict_begins(successes, outcome):
    verdict = judge_share(successes, 200, 0.5)
    assert verdict.outcome == outcome
    if outcome != "inconclusive":
        assert verdict.more == 0


@pytest.mark.parametrize(("successes", "trials", "required"), [(110, 200, 0.5), (45, 100, 0.5),
                                                               (83, 100, 0.8)])  # fmt: skip
def test_so_many_more_decide_and_one_less_does_not(successes, trials, required):
    """If the share found stays: the count is the smallest that takes the interval off the bound."""
    verdict = judge_share(successes, trials, required)
    assert verdict.outcome == "inconclusive"
    share = successes / trials

    def decided(count: int) -> bool:
        low, high = wilson_interval(share * count, count)
        return low >= required or high < required

    assert decided(trials + verdict.more)
    assert not decided(trials + verdict.more - 1)


def test_no_number_decides_between_a_share_and_itself():
    assert judge_share(100, 200, 0.5).more is None


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 4), (0, 0)])
def test_what_is_no_sample_is_refused(successes, trials):
    with pytest.raises(ValueError, match=rf"^{successes} of {trials}: a sample of at least one "):
        judge_share(successes, trials, 0.5)
