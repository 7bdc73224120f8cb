"""What the network sees: properties of the way from any picture to the network's square."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inception_harness import images

pytestmark = pytest.mark.contract

# Resizing computes in float32 on 0..255: weights add up to one but for a few units in the last
# place, which is less than a thousandth of a level; on the view's scale of 0..1 that is 4e-6.
ROUNDING = 4e-6
# Nearest is left out: where a centre falls between two pixels, it has to choose a side.
CENTRE_ALIGNED = tuple(sorted(set(images.RESIZE_METHODS) - {"bilinear-legacy", "nearest"}))


@st.composite
def any_picture(draw, most=2000):
    """RGB pictures of any size from 1 × 1, made by repeating a few drawn pixels."""
    height, width = (draw(st.integers(1, most)) for _ in range(2))
    tile = draw(st.lists(st.integers(0, 255), min_size=3, max_size=48))
    return np.resize(np.array(tile, np.uint8), (height, width, 3))


extremes = [
    np.full((1, 1, 3), 7, np.uint8),
    np.resize(np.arange(251, dtype=np.uint8), (2000, 2000, 3)),
]


@given(picture=any_picture())
@example(picture=extremes[0])
@example(picture=extremes[1])
def test_any_size_becomes_the_size_of_the_network(classifier, picture):
    """From 1 × 1 to 2000 × 2000: the view has the network's size and the input's range."""
    view = classifier.network_view(picture)
    width, height = classifier.size
    assert view.shape == (height, width, 3)
    if classifier.card.input.resize not in ("bicubic", "lanczos"):  # these overshoot at edges
        assert view.min() >= picture.min() / 255 - ROUNDING
        assert view.max() <= picture.max() / 255 + ROUNDING
    assert view.min() >= 0
    assert view.max() <= 1


@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    size=st.tuples(st.integers(1, 600), st.integers(1, 600)),
)
def test_constant_picture_stays_constant(classifier, colour, size):
    """One colour in, the same colour out, whatever the size."""
    picture = np.full((*size, 3), colour, np.uint8)
    expected = np.array(colour, np.float32) / 255
    np.testing.assert_allclose(
        classifier.network_view(picture, fit="squeeze"),
        np.broadcast_to(expected, (*classifier.size[::-1], 3)),
        atol=ROUNDING,
    )


@given(seed=st.integers(0, 2**32 - 1))
def test_picture_of_the_right_size_is_unchanged(classifier, seed):
    """A picture that already has the network's size is seen as it is, to the last level."""
    width, height = classifier.size
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_allclose(classifier.network_view(picture) * 255, picture, atol=1e-4)


@given(picture=any_picture(most=400), method=st.sampled_from(CENTRE_ALIGNED))
def test_flipping_commutes_with_resizing(classifier, picture, method):
    """Methods that align centres treat left and right alike; the legacy method of 2015 does not."""
    flipped = images.resize(np.ascontiguousarray(picture[:, ::-1]), classifier.size, method)
    resized = images.resize(picture, classifier.size, method)
    # Pillow computes with 8-bit results, which round half up on either side.
    np.testing.assert_allclose(flipped[:, ::-1], resized, atol=1.01)


@given(picture=any_picture(most=300))
def test_pad_keeps_the_shape_and_crops_nothing(picture):
    """A padded picture is a square that holds the whole picture, pixel by pixel."""
    padded = images.fit(picture, "pad")
    height, width = picture.shape[:2]
    side = max(height, width)
    assert padded.shape == (side, side, 3)
    top, left = (side - height) // 2, (side - width) // 2
    assert np.array_equal(padded[top : top + height, left : left + width], picture)


@given(picture=any_picture(most=300))
def test_crop_cuts_the_middle_and_distorts_nothing(picture):
    """A cropped picture is the square in the middle of the picture, pixel by pixel."""
    cropped = images.fit(picture, "crop")
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    assert np.array_equal(cropped, picture[top : top + side, left : left + side])
