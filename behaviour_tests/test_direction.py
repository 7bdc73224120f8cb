"""What must change an answer in a known direction: less to see, less to be sure of.

Judged are the pictures that the model gets right. The report draws the curves.
"""

import pytest

from inception_harness.perturb import SEVERITIES, Perturbation
from inception_harness.results import Curve

pytestmark = pytest.mark.direction

# As much as the scores of a quantised network move when only its arithmetic is done in another
# order (`inception_harness.tolerances`): a smaller rise tells nothing.
TOLERANCE = 0.15


@pytest.mark.parametrize("perturbation", ["gaussian-blur", "gaussian-noise", "occlusion"])
def test_less_to_see_does_not_raise_the_true_class(
    perturbed, pictures, curves, harness_subject, perturbation
):
    """More blur, noise or occlusion does not make a model surer of what the picture shows.

    A model that gains by it was held back by something else in the picture, a background or a
    pattern of pixels, and not by what it should look at.
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
    for role, scores in rows.items():
        before = float(perturbed.originals[role][pictures[role].expected])
        for score in scores:
            assert score <= before + TOLERANCE
