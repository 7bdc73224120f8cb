"""One model on several engines (``--engine A --engine B``): they must agree.

The first engine is the reference. How far scores may drift is
`inception_harness.tolerances.tolerance`: 0.001 between float32 runtimes, 0.05 in bfloat16, more
for quantised networks, where a step in one layer becomes several in the next.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.parity

# A class that wins on one engine has at least this share of the reference's top score. Measured:
# of the five MobileNets on 510 photographs, in LiteRT and OpenVINO (f32 and bf16), 0.49 at least.
SHARE = 0.25


def test_engines_agree_on_the_label(classify, reference, allowed_drift):
    """Each picture's top class is the reference's, or one that could win there.

    Two scores that lie closer than twice the drift can change places without a fault; what is
    far below the top score cannot.
    """
    for role, expected in reference.all().items():
        said = classify(role).label
        best = float(expected.top_score)
        least = max(best - 2 * allowed_drift.value, SHARE * best)
        told = f"{said} is the top class on {said.prediction.engine}"
        assert expected[said.number] >= least, told


def test_engines_agree_on_the_scores(classify, reference, allowed_drift):
    """No score of any class drifts further than the arithmetic explains."""
    for role, expected in reference.all().items():
        got = classify(role)
        # Of all classes the one that drifts most; a score that is not a number comes first.
        number = int(np.argmax(np.abs(got.scores - expected.scores)))
        assert got[number] >= float(expected[number]) - allowed_drift.value
        assert got[number] <= float(expected[number]) + allowed_drift.value
