"""What behaviours share: the pictures to perturb."""

import pytest

from inception_harness.perturbed import SURE, PerturbedPictures


@pytest.fixture(scope="session")
def perturbed(classifier, classify, pictures):
    """The pictures of the set under perturbations (`inception_harness.perturbed`)."""
    return PerturbedPictures(classifier, pictures, classify.all())


@pytest.fixture(scope="session")
def sure(perturbed):
    """The roles that the model is sure of; the behaviour is not applicable where there is none."""
    if not perturbed.sure:
        pytest.skip(f"not applicable: no picture of the set reaches {SURE:.0%} of any class")
    return perturbed.sure
