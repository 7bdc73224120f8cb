"""Fit and resize: equal to TensorFlow where they say so, and true to the picture everywhere."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from inception_harness import images
from inception_harness.errors import PictureError

# These never leave the range of the values they average; the others overshoot at edges.
AVERAGING = ("bilinear", "bilinear-no-antialias", "bilinear-legacy", "nearest", "box")
CENTRED = tuple(method for method in images.RESIZE_METHODS if method != "bilinear-legacy")

sides = st.one_of(st.integers(1, 40), st.sampled_from([299, 500]))
sizes = st.tuples(sides, sides)
methods = st.sampled_from(images.RESIZE_METHODS)
seeds = st.integers(0, 2**32 - 1)
unhurried = settings(deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    import tensorflow

    return tensorflow


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    width, height = size
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def legacy(tf: ModuleType, rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return tf.raw_ops.ResizeBilinear(
        images=rgb[None].astype(np.float32),
        size=size[::-1],
        align_corners=False,
        half_pixel_centers=False,
    ).numpy()[0]


# --- equal to TensorFlow ------------------------------------------------------------------------


@unhurried
@given(old=sizes, new=sizes, seed=seeds)
def test_legacy_bilinear_equals_tensorflows_op(tf, old, new, seed):
    rgb = noise(old, seed)
    ours = images.resize(rgb, new, "bilinear-legacy")
    np.testing.assert_allclose(ours, legacy(tf, rgb, new), rtol=0, atol=1e-4)


@unhurried
@given(old=sizes, new=sizes, seed=seeds)
def test_bilinear_without_antialias_equals_tensorflows_resize(tf, old, new, seed):
    rgb = noise(old, seed)
    ours = images.resize(rgb, new, "bilinear-no-antialias")
    expected = tf.image.resize(rgb, new[::-1], "bilinear", antialias=False).numpy()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-3)


def test_legacy_bilinear_equals_tensorflows_op_on_photos(tf, shared_store):
    assert largest_drift(tf, shared_store / "pictures" / "photos", 10) < 1e-4


def test_legacy_bilinear_equals_tensorflows_op_on_the_imagenet_sample(tf, shared_store):
    assert largest_drift(tf, shared_store / "datasets" / "imagenet-sample", 500) < 1e-4


def largest_drift(tf: ModuleType, folder: Path, count: int) -> float:
    paths = [path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg")]
    assert len(paths) == count
    drift = 0.0
    for path in paths:
        rgb = images.decode(path)
        ours = images.resize(rgb, (299, 299), "bilinear-legacy")
        drift = max(drift, float(np.abs(ours - legacy(tf, rgb, (299, 299))).max()))
    return drift


# --- resize -------------------------------------------------------------------------------------


@unhurried
@given(old=sizes, new=sizes, method=methods, how=st.sampled_from(images.FITS), seed=seeds)
def test_the_view_has_the_networks_size(old, new, method, how, seed):
    # A line padded to a line across it would be larger than any picture may be; that is refused.
    longest = max(old[0] / new[0], old[1] / new[1])
    assume(how != "pad" or longest**2 * new[0] * new[1] < images.MAX_PIXELS / 2)
    view = images.network_view(noise(old, seed), new, how, method)
    assert view.shape == (new[1], new[0], 3)
    assert view.dtype == np.float32
    assert view.min() >= 0
    assert view.max() <= 255


@unhurried
@given(old=sizes, new=sizes, method=st.sampled_from(AVERAGING), seed=seeds, real=st.booleans())
def test_averaging_methods_stay_within_the_pictures_range(old, new, method, seed, real):
    rgb = noise(old, seed) // 2 + 50
    view = images.resize(rgb.astype(np.float32) if real else rgb, new, method)
    assert view.min() >= rgb.min() - 1e-4
    assert view.max() <= rgb.max() + 1e-4


@pytest.mark.parametrize("method", ["bicubic", "lanczos"])
def test_kernels_with_negative_lobes_overshoot_within_0_to_255(method):
    edge = np.zeros((8, 8, 3), np.float32)
    edge[:, 4:] = 200
    view = images.resize(edge, (32, 32), method)
    assert view.max() > 201
    edge[:, 4:] = 255
    assert images.resize(edge, (32, 32), method).max() == 255


@unhurried
@given(
    old=sizes,
    new=sizes,
    method=methods,
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    real=st.booleans(),
)
def test_a_constant_picture_stays_constant(old, new, method, colour, real):
    rgb = np.empty((old[1], old[0], 3), np.float32 if real else np.uint8)
    rgb[:] = colour
    view = images.resize(rgb, new, method)
    np.testing.assert_allclose(view, np.broadcast_to(colour, view.shape), rtol=0, atol=1e-3)


@unhurried
@given(size=sizes, method=methods, how=st.sampled_from(images.FITS), seed=seeds)
def test_a_picture_of_that_size_already_is_unchanged(size, method, how, seed):
    rgb = noise(size, seed)
    np.testing.assert_array_equal(images.network_view(rgb, size, how, method), rgb)


@unhurried
@given(old=sizes, new=sizes, method=st.sampled_from(CENTRED), seed=seeds)
def test_flipping_commutes_with_centred_methods(old, new, method, seed):
    # Nearest has to choose a side where a sample falls between two pixels.
    if method == "nearest":
        old = tuple(side * 2 + 1 for side in new)
    rgb = noise(old, seed)
    flipped = images.resize(np.ascontiguousarray(rgb[:, ::-1]), new, method)
    tolerance = 1e-2 if method == "bilinear-no-antialias" else 0
    straight = images.resize(rgb, new, method)[:, ::-1]
    np.testing.assert_allclose(flipped, straight, rtol=0, atol=tolerance)


def test_flipping_does_not_commute_with_legacy_bilinear():
    """It samples at the pixels' left edges: a quirk of the 2015 graph, not a mistake of ours."""
    ramp = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 3, axis=2)
    straight = images.resize(ramp, (20, 1), "bilinear-legacy")[:, ::-1]
    flipped = images.resize(ramp[:, ::-1], (20, 1), "bilinear-legacy")
    # Three old pixels to a new one: two of them apart, at four levels a pixel.
    np.testing.assert_allclose(flipped - straight, 8)


def test_pillow_methods_are_pillows():
    rgb = noise((50, 40))
    expected = np.asarray(Image.fromarray(rgb).resize((20, 30), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(images.resize(rgb, (20, 30), "bilinear"), expected)


@pytest.mark.parametrize("method", sorted(set(CENTRED) - {"bilinear-no-antialias"}))
def test_floats_give_what_whole_numbers_give_but_for_rounding(method):
    # Within a range that leaves room to overshoot: Pillow cuts whole numbers off between its two
    # passes, and floats at the end.
    rgb = noise((50, 40)) // 2 + 64
    whole = images.resize(rgb, (20, 30), method)
    real = images.resize(rgb.astype(np.float32), (20, 30), method)
    np.testing.assert_allclose(real, whole, rtol=0, atol=1.01)


@pytest.mark.parametrize("method", images.RESIZE_METHODS)
@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (2000, 2000)], ids=str)
def test_sizes_from_1_to_2000_work(size, method):
    rgb = np.full((size[1], size[0], 3), 77, np.uint8)
    for how in images.FITS:
        view = images.network_view(rgb, (224, 224), how, method)
        assert view.shape == (224, 224, 3)
        # Of a line of one pixel, padding leaves little to be seen.
        assert view.max() == pytest.approx(77) if how != "pad" else view.max() <= 77.001


def test_what_was_given_is_not_changed():
    rgb = noise((30, 20)).astype(np.float32)
    before = rgb.copy()
    for method in images.RESIZE_METHODS:
        view = images.resize(rgb, (30, 20), method)
        view += 1
        images.resize(rgb, (7, 9), method)
    np.testing.assert_array_equal(rgb, before)


# --- fit ----------------------------------------------------------------------------------------


@unhurried
@given(rgb=arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_pad_never_crops_and_keeps_the_aspect(rgb):
    height, width = rgb.shape[:2]
    fill = (9, 99, 199)
    padded = images.fit(rgb, "pad", fill=fill)
    side = max(height, width)
    assert padded.shape == (side, side, 3)
    top, left = (side - height) // 2, (side - width) // 2
    inside = (slice(top, top + height), slice(left, left + width))
    np.testing.assert_array_equal(padded[inside], rgb)
    border = np.ones((side, side), bool)
    border[inside] = False
    assert (padded[border] == fill).all()


@unhurried
@given(rgb=arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_crop_is_the_centre_undistorted(rgb):
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    np.testing.assert_array_equal(
        images.fit(rgb, "crop"), rgb[top : top + side, left : left + side]
    )


def test_squeeze_leaves_the_distortion_to_the_resize():
    rgb = noise((30, 20))
    assert images.fit(rgb, "squeeze") is rgb


@unhurried
@given(old=sizes, new=sizes, how=st.sampled_from(["crop", "pad"]))
def test_a_fit_has_the_shape_of_an_oblong_input_too(old, new, how):
    fitted = images.fit(noise(old), how, size=new)
    height, width = fitted.shape[:2]
    # The shorter side is rounded to a pixel, and never to none.
    assert width == max(1, round(height * new[0] / new[1])) or height == max(
        1, round(width * new[1] / new[0])
    )
    assert all(
        (a >= b) if how == "pad" else (a <= b) for a, b in zip((width, height), old, strict=True)
    )


# --- refusals -----------------------------------------------------------------------------------


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(PictureError) as caught:
        call(*arguments)
    return str(caught.value)


def test_unknown_words_are_refused():
    rgb = noise((2, 2))
    assert refusal(images.fit, rgb, "stretch") == (
        "There is no fit 'stretch'; the fits are squeeze, crop, pad."
    )
    assert refusal(images.resize, rgb, (1, 1), "cubic") == (
        "There is no resize method 'cubic'; the methods are bilinear, bilinear-no-antialias, "
        "bilinear-legacy, nearest, bicubic, lanczos, box."
    )
    assert refusal(images.resize, rgb, (0, 5), "box") == ("A picture cannot be resized to 0 x 5.")


def test_a_picture_too_long_to_be_padded_is_refused():
    assert refusal(images.fit, np.zeros((1, 10_000, 3), np.uint8), "pad") == (
        "Padding a picture of 10000 x 1 would make it 10000 x 10000; at most 89,478,485 pixels "
        "are expected. Use crop or squeeze, or scale the picture down."
    )
