"""What behaviours share: the pictures to perturb, and how they search."""

import pytest
from hypothesis import HealthCheck, Phase, settings

from inception_harness.perturbed import SURE, PerturbedPictures

# The same examples in every run: a regression suite must not fail by the luck of a draw.
settings.register_profile(
    "behaviours",
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# New examples in every run, many of them: --hypothesis-profile=search
settings.register_profile(
    "search",
    max_examples=500,
    deadline=None,
    phases=tuple(Phase),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("behaviours")


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
