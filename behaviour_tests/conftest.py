"""What behaviours share: the pictures to perturb."""

import pytest

from inception_harness.perturbed import SURE, PerturbedPictures


@pytest.fixture(scope="session")
def perturbed(classifier, classify, pictures, stimulus_lock):
    """The pictures of the set under perturbations (`inception_harness.perturbed`).

    One that is not the locked one is an error of the test that would show it, and no failure.
    """
    return PerturbedPictures(classifier, pictures, classify.all(), stimulus_lock)


@pytest.fixture(scope="session")
def sure(perturbed):
    """The roles that the model is sure of; the behaviour is not applicable where there is none."""
    if not perturbed.sure:
        pytest.skip(f"not applicable: no picture of the set reaches {SURE:.0%} of any class")
    return perturbed.sure
