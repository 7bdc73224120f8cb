"""What must not change a sure answer: the same thing, seen a little otherwise.

Judged are the pictures that the model is sure of, 80 % or more, whatever it takes them for. Whether
it is right is not the question here. The perturbations are those of `inception_harness.perturb`,
seed 0, from severity 1 up to the one in the test's name
(`inception_harness.perturbed.CLAIMED_SEVERITIES`, with the reason for each).

The label alone would not do: a score can collapse while its class stays ahead of the rest.
"""

import pytest

from inception_harness.perturb import Perturbation
from inception_harness.perturbed import CLAIMED_SEVERITIES, SURE

pytestmark = [
    pytest.mark.invariance,
    pytest.mark.parametrize(
        ("perturbation", "severity"),
        CLAIMED_SEVERITIES.items(),
        ids=[f"{name}-{severity}" for name, severity in CLAIMED_SEVERITIES.items()],
    ),
]

# What falls by less still has more than half of the score: 80 % - 30 % = 50 %. No other class can
# have as much.
FALL = SURE - 0.50


def up_to(perturbation, severity):
    """Return the perturbation at all severities from 1."""
    return [Perturbation(perturbation, step) for step in range(1, severity + 1)]


def test_sure_label_is_kept(perturbed, sure, perturbation, severity):
    """A sure answer keeps its class under a mild perturbation."""
    said = perturbed.say(sure, up_to(perturbation, severity))
    for (role, _), answer in said.items():
        assert answer.label == perturbed.originals[role].label


def test_sure_score_does_not_collapse(perturbed, sure, perturbation, severity):
    """A sure score falls by less than 30 points under a mild perturbation."""
    said = perturbed.say(sure, up_to(perturbation, severity))
    for (role, _), answer in said.items():
        before = perturbed.originals[role].top_score
        assert answer[before.number] > float(before) - FALL
