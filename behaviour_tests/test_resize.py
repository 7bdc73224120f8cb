"""What the network sees: properties of the way from any picture to the network's square."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inception_harness import images
from inception_harness.search_profiles import WIDE, search_settings

pytestmark = pytest.mark.contract

# The same few pictures in every run, or many with ``--hypothesis-profile=search``.
tries = search_settings(WIDE if settings.get_current_profile_name() == WIDE else None)

# Resizing computes in float32 on 0..255: weights add up to one but for a few units in the last
# place, which is less than a thousandth of a level; on the view's scale of 0..1 that is 4e-6.
ROUNDING = 4e-6
# Nearest and box are left out: where an edge falls on a pixel's centre, they choose a side.
CENTRE_ALIGNED = tuple(sorted({*images.RESIZE_METHODS} - {"bilinear-legacy", "nearest", "box"}))


@dataclass(frozen=True)
class Tiled:
    """A picture of any size, made by repeating a few levels; short to print."""

    height: int
    width: int
    levels: tuple[int, ...]

    @property
    def pixels(self):
        """RGB, shape (height, width, 3), uint8."""
        return np.resize(np.array(self.levels, np.uint8), (self.height, self.width, 3))


def pictures_up_to(most):
    """Pictures from 1 × 1 to most × most."""
    side = st.integers(1, most)
    levels = st.lists(st.integers(0, 255), min_size=3, max_size=48).map(tuple)
    return st.builds(Tiled, side, side, levels)


@tries
@given(picture=pictures_up_to(2000))
@example(picture=Tiled(1, 1, (7,)))
@example(picture=Tiled(2000, 2000, tuple(range(251))))
def test_any_size_becomes_the_size_of_the_network(classifier, picture):
    """From 1 × 1 to 2000 × 2000: the view has the network's size and the input's range."""
    pixels = picture.pixels
    view = classifier.network_view(pixels)
    width, height = classifier.size
    assert view.shape == (height, width, 3)
    if classifier.card.input.resize not in ("bicubic", "lanczos"):  # these overshoot at edges
        assert view.min() >= pixels.min() / 255 - ROUNDING
        assert view.max() <= pixels.max() / 255 + ROUNDING
    assert view.min() >= 0
    assert view.max() <= 1


@tries
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


@tries
@given(seed=st.integers(0, 2**32 - 1))
def test_picture_of_the_right_size_is_unchanged(classifier, seed):
    """A picture that already has the network's size is seen as it is, to the last level."""
    width, height = classifier.size
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_allclose(classifier.network_view(picture) * 255, picture, atol=1e-4)


@tries
@given(
    picture=pictures_up_to(400),
    size=st.tuples(st.integers(1, 320), st.integers(1, 320)),
    method=st.sampled_from(CENTRE_ALIGNED),
)
def test_flipping_commutes_with_resizing(picture, size, method):
    """Methods that align centres treat left and right alike; the legacy method of 2015 does not."""
    pixels = picture.pixels
    flipped = images.resize(np.ascontiguousarray(pixels[:, ::-1]), size, method)
    # Pillow rounds to whole levels after each direction, and a tie goes up on either side.
    np.testing.assert_allclose(flipped[:, ::-1], images.resize(pixels, size, method), atol=2.01)


@tries
@given(picture=pictures_up_to(300))
def test_pad_keeps_the_shape_and_crops_nothing(picture):
    """A padded picture is a square that holds the whole picture, pixel by pixel."""
    padded = images.fit(picture.pixels, "pad")
    side = max(picture.height, picture.width)
    assert padded.shape == (side, side, 3)
    top, left = (side - picture.height) // 2, (side - picture.width) // 2
    inner = padded[top : top + picture.height, left : left + picture.width]
    assert np.array_equal(inner, picture.pixels)


@tries
@given(picture=pictures_up_to(300))
def test_crop_cuts_the_middle_and_distorts_nothing(picture):
    """A cropped picture is the square in the middle of the picture, pixel by pixel."""
    cropped = images.fit(picture.pixels, "crop")
    side = min(picture.height, picture.width)
    top, left = (picture.height - side) // 2, (picture.width - side) // 2
    assert np.array_equal(cropped, picture.pixels[top : top + side, left : left + side])
