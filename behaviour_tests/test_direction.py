"""What must change an answer in a known direction: less to see, less to be sure of.

Judged are the pictures that the model gets right. The report draws the curves.
"""

import pytest

from inception_harness.perturb import SEVERITIES, Perturbation
from inception_harness.results import Curve

pytestmark = pytest.mark.direction

# By how much a score may rise and still tell nothing, by the arithmetic that made it.
TOLERANCE = {
    # Rounding moves a float score by 1e-3 at most (`inception_harness.tolerances`). The largest
    # rise above the picture as it is was 0.005 (miniature, panda, blur).
    "f32": 0.02,
    # OpenVINO's bfloat16 moved the miniature's scores by 0.0056: that, beside the float's.
    "bf16": 0.03,
    # Measured: as much as scores of the five MobileNets move when only their arithmetic is done
    # in another order (`inception_harness.tolerances`).
    "int8": 0.15,
}


def tolerance_of(classifier):
    """Return by how much a rise of this model's scores tells nothing, 0..1.

    An engine may compute a quantised network in float; its outputs are whole steps all the same.
    """
    precision = classifier.engine.precision
    quantised = classifier.card.output.step or precision.startswith("int8")
    return TOLERANCE["int8" if quantised else precision]


@pytest.mark.parametrize("perturbation", ["gaussian-blur", "gaussian-noise", "occlusion"])
def test_less_to_see_does_not_raise_the_true_class(
    perturbed, pictures, curves, classifier, harness_subject, perturbation
):
    """More blur, noise or occlusion does not make a model surer of what the picture shows.

    A model that gains by it was held back by something else in the picture, a background or a
    pattern of pixels, and not by what it should look at.

    Each severity is held against the picture as it is, with a tolerance that depends on the
    arithmetic: 2 points in float32, 3 in bfloat16, 15 where the network is quantised. It is also
    held against the lowest score of the milder severities, with twice that: the lowest of several
    was picked for being low. Measured on the pictures that the miniature and the five MobileNets
    get right: of 96 curves, 92 keep both. The float ones of the miniature rise by 0.5 points above
    the picture at most, and come back by 3.2 from their lowest, but for one by 39. Those of the
    MobileNets that hold rise by 13 points and come back by 27 at most. What rises more has reasons
    in the picture, and stands among the known failures.

    Where 100 % would be within the tolerance nothing can fail, and nothing is judged. A model of
    which that is true of all pictures and severities is out of this test's reach.
    """
    if not perturbed.right:
        pytest.skip("not applicable: the top class of no picture of the set is the expected one")
    said = perturbed.say(perturbed.right, [Perturbation(perturbation, s) for s in SEVERITIES])
    rows = {}
    for role in perturbed.right:
        label = pictures[role].expected
        before = perturbed.originals[role][label]
        rows[role] = [said[role, Perturbation(perturbation, s)][label] for s in SEVERITIES]
        curves.append(
            Curve(
                perturbation=perturbation,
                picture=role,
                subject=harness_subject.key,
                label=label,
                severities=(0, *SEVERITIES),
                scores=tuple(map(float, (before, *rows[role]))),
            )
        )
    tolerance, judged = tolerance_of(classifier), False
    for role, scores in rows.items():
        before = lowest = float(perturbed.originals[role][pictures[role].expected])
        for score in scores:
            bound = min(before + tolerance, lowest + 2 * tolerance)
            if not bound >= 1:  # so said, NaN is judged
                judged = True
                assert score <= bound
            lowest = min(lowest, float(score))
    if not judged:
        pytest.skip(
            f"not applicable: the scores stay so high that a rise of {tolerance * 100:.0f} points, "
            "which tells nothing in this model's arithmetic, ends above 100 %"
        )
