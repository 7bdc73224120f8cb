"""One parrot in five pictures: whole, three parts of it, and padded to a square."""

import pytest

pytestmark = pytest.mark.speaks_of("macaw")

PARROTS = ("parrot", "parrot-top", "parrot-middle", "parrot-tail", "parrot-padded")


@pytest.mark.minimum
@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(role, marks=pytest.mark.shows(role))
        for role in ("parrot", "parrot-top", "parrot-middle")
    ],
)
def test_macaw_is_recognised_with_confidence(classify, picture):
    """The tutorial: 97 % for the whole parrot, squeezed to a square; 97 % and 94 % for its crops.

    The whole picture is 320 × 785: squeezing makes the bird less than half as tall as it is.
    """
    assert classify(picture)["macaw"] > 0.80


@pytest.mark.minimum
@pytest.mark.shows("parrot-padded")
def test_padded_parrot_is_still_a_macaw(classify):
    """The tutorial: 97 % also where the picture is padded, and the bird small in its middle."""
    assert classify("parrot-padded")["macaw"] > 0.50


@pytest.mark.minimum
@pytest.mark.shows(*PARROTS)
def test_parrot_is_mostly_macaw(classify):
    """Of the five parrot pictures at least four are macaw first; the tail may be lost."""
    answers = {role: classify(role).label for role in PARROTS}
    macaws = [role for role, label in answers.items() if label == "macaw"]
    said = ", ".join(f"{role}: {label}" for role, label in answers.items())
    assert len(macaws) >= 4, f"{len(macaws)} of 5 parrot pictures are macaw first ({said})"


@pytest.mark.quirk
@pytest.mark.minimum
@pytest.mark.shows("parrot-tail")
def test_parrot_tail_is_no_macaw(classify):
    """A body part is not the animal: of the tail alone the model makes anything but a macaw.

    The tutorial's Inception v3 says jacamar, at 26 %.
    """
    assert classify("parrot-tail").label != "macaw"


@pytest.mark.quirk
@pytest.mark.minimum
@pytest.mark.shows("parrot-tail")
def test_parrot_tail_leaves_the_model_unsure(classify):
    """No class is sure of the tail; the tutorial's best was 26 %."""
    assert classify("parrot-tail").top_score < 0.70
