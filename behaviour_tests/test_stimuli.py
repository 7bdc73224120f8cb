"""The pictures that other behaviours show a model are the ones that they were written with.

When a perturbation, a decoder or a picture changes, scores may change with it. That is said here,
as an error and not as a failed behaviour, so that no model is blamed for it.
"""

import pytest

from inception_harness import images
from inception_harness.perturb import SEVERITIES, Perturbation
from inception_harness.perturbed import CLAIMED_SEVERITIES, perturbed_picture
from inception_harness.stimuli import StimulusError

pytestmark = pytest.mark.contract


@pytest.fixture
def changes(pictures, stimulus_lock):
    """Return a function that tells which perturbed pictures of a role are not the locked ones."""
    lock = stimulus_lock
    if lock is None:
        pytest.skip(f"not applicable: the picture set {pictures.name} has no lock file")

    def check(role, pixels_of):
        told = []
        for perturbation, pixels in pixels_of:
            try:
                if perturbation is None:
                    lock.check_original(f"{pictures.name}/{role}", pixels)
                else:
                    lock.check(f"{pictures.name}/{role}", perturbation, pixels)
            except StimulusError as error:
                told.append(str(error))
        return told

    return check


def test_pictures_are_the_locked_ones(pictures, changes):
    """Every picture of the set decodes to the pixels that it had when its hash was locked."""
    told = []
    for role in pictures:
        told += changes(role, [(None, images.decode(pictures[role].path))])
    if told:
        raise StimulusError("\n".join(told))


def test_perturbed_pictures_are_the_locked_ones(perturbed, pictures, changes):
    """Every perturbed picture that the model was judged by is, pixel by pixel, the locked one."""
    claimed = [
        Perturbation(n, s + 1) for n, most in CLAIMED_SEVERITIES.items() for s in range(most)
    ]
    followed = [
        Perturbation(name, severity)
        for name in ("gaussian-blur", "gaussian-noise", "occlusion")
        for severity in SEVERITIES
    ]
    told = []
    for roles, ones in ((perturbed.sure, claimed), (perturbed.right, followed)):
        for role in roles:
            path = pictures[role].path
            told += changes(role, [(one, perturbed_picture(path, one)) for one in ones])
    if told:
        raise StimulusError("\n".join(dict.fromkeys(told)))
