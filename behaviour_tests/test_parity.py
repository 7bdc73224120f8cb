"""One model on several engines (``--engine A --engine B``): they must agree.

The first engine is the reference. How far scores may drift is
`inception_harness.tolerances.tolerance`: 0.001 between float32 runtimes, 0.05 in bfloat16, more
for quantised networks, where a step in one layer becomes several in the next.
"""

import pytest

pytestmark = pytest.mark.parity


def test_engines_agree_on_the_label(classify, reference, allowed_drift):
    """Each picture has the same top class, where the reference prefers it by more than the drift.

    Two scores that lie closer than each may drift can change places without a fault.
    """
    for role, expected in reference.all().items():
        first, second = expected.top(2)
        if first - second > 2 * allowed_drift.value:
            assert classify(role).label == expected.label


def test_engines_agree_on_the_scores(classify, reference, allowed_drift):
    """No score of any class drifts further than the arithmetic explains."""
    for role, expected in reference.all().items():
        for score in expected.top(10):
            got = classify(role)[score.number]
            assert got >= score - allowed_drift.value
            assert got <= score + allowed_drift.value
