"""Perturbations: what they do to pixels, and that they do it the same way everywhere."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_harness.draws import Draws, normal_field, uniform_field
from inception_harness.errors import PictureError
from inception_harness.perturb import (
    PERTURBATIONS,
    SEVERITIES,
    Perturbation,
    apply,
    parameters,
)
from inception_harness.perturb_colour import brightness, contrast, gamma, grey_scale, saturation
from inception_harness.perturb_detail import (
    gaussian_blur,
    gaussian_noise,
    motion_blur,
    pixelate,
    shot_noise,
)
from inception_harness.perturb_geometry import (
    letterbox,
    mirrored,
    occlusion,
    rotation,
    scale,
    shift,
)
from inception_harness.stimuli import reference_picture
from inception_harness.strategies import perturbations, rgb_pictures

unhurried = settings(deadline=None, max_examples=80)

# Names of all that change where things are, of which one can find another place equal.
PLACES = ("horizontal-flip", "shift", "rotation", "scale")
# Each averages pixels, or moves them: nothing brighter or darker appears.
WITHIN_RANGE = (
    *PLACES,
    "contrast",
    "gaussian-blur",
    "motion-blur",
    "pixelate",
)


def noise(height: int = 40, width: int = 50, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second).mean())


def test_there_are_seventeen_in_five_severities():
    assert len(PERTURBATIONS) == 17
    assert all(len(kind.table) == len(SEVERITIES) == 5 for kind in PERTURBATIONS.values())
    assert all(kind.summary.endswith(".") for kind in PERTURBATIONS.values())
    assert [name for name, kind in PERTURBATIONS.items() if kind.lossy_codec] == ["jpeg-quality"]


# --- what holds for all -------------------------------------------------------------------------


@unhurried
@given(rgb=rgb_pictures(), perturbation=perturbations())
def test_a_perturbed_picture_is_a_picture_of_the_same_shape(rgb, perturbation):
    before = rgb.copy()
    changed = apply(rgb, perturbation)
    assert changed.shape == rgb.shape
    assert changed.dtype == np.uint8
    assert changed.flags.c_contiguous
    assert not np.shares_memory(changed, rgb)
    np.testing.assert_array_equal(rgb, before)


@unhurried
@given(rgb=rgb_pictures(), perturbation=perturbations())
def test_the_same_call_gives_the_same_pixels(rgb, perturbation):
    np.testing.assert_array_equal(apply(rgb, perturbation), apply(rgb.copy(), perturbation))


@unhurried
@given(rgb=rgb_pictures(), perturbation=perturbations())
def test_parameters_are_all_that_is_drawn(rgb, perturbation):
    kind = PERTURBATIONS[perturbation.name]
    drawn = parameters(perturbation, rgb.shape)
    assert all(type(value) in (int, float) for value in drawn.values())
    np.testing.assert_array_equal(kind.change(rgb, **drawn), apply(rgb, perturbation))
    expected = list(inspect.signature(kind.change).parameters)[1:]
    assert sorted(drawn) == sorted(expected)


@unhurried
@given(rgb=rgb_pictures(), perturbation=perturbations(names=WITHIN_RANGE))
def test_what_moves_or_averages_stays_within_the_pictures_range(rgb, perturbation):
    changed = apply(rgb, perturbation)
    assert changed.min() >= rgb.min()
    assert changed.max() <= rgb.max()


@unhurried
@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    perturbation=perturbations(names=[name for name in WITHIN_RANGE if name != "contrast"]),
)
def test_of_one_colour_everything_moved_or_averaged_is_that_colour(colour, perturbation):
    rgb = np.empty((30, 40, 3), np.uint8)
    rgb[:] = colour
    np.testing.assert_array_equal(apply(rgb, perturbation), rgb)


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - {"horizontal-flip"}))
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_severity_moves_pixels_further_by_mean_absolute_difference(name, seed):
    rgb = reference_picture()
    moved = [distance(apply(rgb, Perturbation(name, s, seed)), rgb) for s in SEVERITIES]
    assert moved[0] > 0
    assert all(milder < stronger for milder, stronger in pairwise(moved)), moved


def test_a_flip_has_no_severity():
    rgb = noise()
    for severity in SEVERITIES:
        flipped = apply(rgb, Perturbation("horizontal-flip", severity, severity))
        np.testing.assert_array_equal(flipped, rgb[:, ::-1])


DRAWN = sorted(
    set(PERTURBATIONS)
    - {
        "horizontal-flip",
        "contrast",
        "gaussian-blur",
        "pixelate",
        "jpeg-quality",
        "letterbox",
        "grey-scale",
    }
)


@pytest.mark.parametrize("name", DRAWN)
def test_another_seed_is_another_perturbation(name):
    drawn = [parameters(Perturbation(name, 3, seed), (100, 120, 3)) for seed in range(12)]
    assert any(one != drawn[0] for one in drawn)


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - set(DRAWN)))
def test_what_draws_nothing_does_not_depend_on_the_seed(name):
    drawn = [parameters(Perturbation(name, 3, seed), (100, 120, 3)) for seed in range(12)]
    assert all(one == drawn[0] for one in drawn)


def test_severities_of_a_seed_differ_in_strength_alone():
    drawn = [parameters(Perturbation("shift", s, 5), (1000, 1000)) for s in SEVERITIES]
    angles = [np.arctan2(one["down"], one["right"]) for one in drawn]
    np.testing.assert_allclose(angles, angles[0], atol=0.03)
    assert len({parameters(Perturbation("gaussian-noise", s), (9, 9))["key"] for s in (1, 5)}) == 1


def test_unknown_perturbations_are_refused():
    with pytest.raises(PictureError) as caught:
        Perturbation("blur", 1)
    assert str(caught.value) == (
        "There is no perturbation 'blur'; they are horizontal-flip, shift, rotation, scale, "
        "brightness, contrast, saturation, gamma, gaussian-noise, shot-noise, gaussian-blur, "
        "motion-blur, pixelate, jpeg-quality, occlusion, letterbox, grey-scale."
    )
    with pytest.raises(PictureError) as caught:
        Perturbation("shift", 6)
    assert str(caught.value) == "shift: severity is 6; expected 1..5."


def test_a_perturbation_can_be_pasted_from_its_text():
    perturbation = Perturbation("shift", 3, 41)
    assert repr(perturbation) == "Perturbation(name='shift', severity=3, seed=41)"
    assert eval(repr(perturbation)) == perturbation


# --- places -------------------------------------------------------------------------------------


def test_shift_moves_right_and_down_and_mirrors_what_comes_in():
    row = np.arange(5, dtype=np.uint8)
    rgb = np.repeat(np.repeat(row[None, :, None], 4, axis=0), 3, axis=2)
    assert shift(rgb, 2, 0)[0, :, 0].tolist() == [1, 0, 0, 1, 2]
    assert shift(rgb, -2, 0)[0, :, 0].tolist() == [2, 3, 4, 4, 3]
    upright = rgb.swapaxes(0, 1)
    assert shift(upright, 0, 1)[:, 0, 0].tolist() == [0, 0, 1, 2, 3]


@given(length=st.integers(1, 9), index=st.integers(-40, 40))
def test_mirrored_indices_are_those_of_numpys_symmetric_padding(length, index):
    padded = np.pad(np.arange(length), 40, mode="symmetric")
    assert mirrored(np.array([index]), length)[0] == padded[index + 40]


def test_a_quarter_turn_is_numpys():
    rgb = noise(31, 31)
    np.testing.assert_array_equal(rotation(rgb, 90), np.rot90(rgb))
    np.testing.assert_array_equal(rotation(rgb, 0), rgb)
    even = noise(30, 30)
    np.testing.assert_array_equal(rotation(even, -90), np.rot90(even, -1))


def test_a_turn_samples_as_scipy_does():
    from scipy.ndimage import map_coordinates

    rgb = noise(41, 52)
    y, x = np.mgrid[:41, :52]
    angle = np.radians(10)
    down, across = y - 20, x - 25.5
    at = [
        np.sin(angle) * across + np.cos(angle) * down + 20,
        np.cos(angle) * across - np.sin(angle) * down + 25.5,
    ]
    channels = [
        map_coordinates(rgb[..., i].astype(float), at, order=1, mode="reflect") for i in range(3)
    ]
    error = rotation(rgb, 10) - np.stack(channels, axis=-1)
    # Weights are in 256ths, and the result is rounded without a bias.
    assert np.abs(error).max() < 2
    assert np.abs(error.mean()) < 0.1


def test_a_turn_and_back_is_nearly_nothing():
    rgb = reference_picture()
    there_and_back = rotation(rotation(rgb, 7), -7)
    assert distance(there_and_back[60:180, 80:240], rgb[60:180, 80:240]) < 2
    assert distance(rotation(rgb, 7), rgb) > 10


def test_scale_enlarges_about_the_centre():
    rgb = np.zeros((61, 61, 3), np.uint8)
    rgb[20:41, 20:41] = 200
    assert (scale(rgb, 2.0)[..., 0] > 100).sum() == pytest.approx(41**2, rel=0.03)
    assert (scale(rgb, 0.5)[15:46, 15:46, 0] > 100).sum() == pytest.approx(11**2, rel=0.2)
    np.testing.assert_array_equal(scale(rgb, 2.0), scale(rgb, 2.0)[::-1, ::-1])


def test_occlusion_covers_its_share_of_the_area_within_the_picture():
    rgb = np.zeros((200, 300, 3), np.uint8)
    for seed in range(20):
        for severity, share in zip(SEVERITIES, (4, 8, 14, 22, 32), strict=True):
            covered = apply(rgb, Perturbation("occlusion", severity, seed)) == 128
            assert covered.mean() * 100 == pytest.approx(share, abs=0.4)


def test_occlusion_and_letterbox_leave_the_rest_alone():
    rgb = noise(20, 30) | 1
    covered = occlusion(rgb, left=3, top=4, width=5, height=6)
    assert (covered[4:10, 3:8] == 128).all()
    assert (covered != rgb).any(axis=-1).sum() == 30
    barred = letterbox(rgb, 4)
    assert not barred[:4].any()
    assert not barred[16:].any()
    np.testing.assert_array_equal(barred[4:16], rgb[4:16])
    np.testing.assert_array_equal(letterbox(rgb, 0), rgb)
    shares = [2 * parameters(Perturbation("letterbox", s), (1000, 9))["rows"] for s in SEVERITIES]
    assert shares == [80, 140, 200, 270, 350]


# --- colour -------------------------------------------------------------------------------------


def test_brightness_adds_levels_and_stops_at_the_ends():
    rgb = np.uint8([[[0, 100, 250]]])
    assert brightness(rgb, 16)[0, 0].tolist() == [16, 116, 255]
    assert brightness(rgb, -16)[0, 0].tolist() == [0, 84, 234]


def test_contrast_keeps_the_mean_and_half_the_spread():
    grey = np.repeat(np.uint8([[50, 150]])[..., None], 3, axis=-1)
    assert contrast(grey, 128)[0, :, 0].tolist() == [75, 125]
    assert contrast(grey, 256)[0, :, 0].tolist() == [50, 150]
    # The mean, 100.5, and what comes out are rounded half up.
    odd = np.repeat(np.uint8([[50, 151]])[..., None], 3, axis=-1)
    assert contrast(odd, 128)[0, :, 0].tolist() == [76, 126]


def test_saturation_goes_from_grey_over_nothing_to_double():
    rgb = np.uint8([[[120, 100, 80]]])
    # 0.299 x 120 + 0.587 x 100 + 0.114 x 80 = 103.7
    assert saturation(rgb, 0)[0, 0].tolist() == [104, 104, 104]
    assert saturation(rgb, 256)[0, 0].tolist() == [120, 100, 80]
    assert saturation(rgb, 512)[0, 0].tolist() == [136, 96, 56]
    np.testing.assert_array_equal(grey_scale(noise(), 0).min(-1), grey_scale(noise(), 0).max(-1))


def test_gamma_is_a_power_of_the_share_of_white():
    rgb = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=-1)
    expected = 255 * (rgb / 255) ** 2.1
    np.testing.assert_allclose(gamma(rgb, 2.1), expected, rtol=0, atol=0.5001)
    np.testing.assert_array_equal(gamma(rgb, 1.0), rgb)


# --- detail -------------------------------------------------------------------------------------


def test_gaussian_noise_has_its_sigma_and_no_bias():
    rgb = np.full((300, 300, 3), 128, np.uint8)
    added = gaussian_noise(rgb, sigma=20, grain=1, key=1).astype(float) - 128
    assert added.std() == pytest.approx(20, rel=0.01)
    assert added.mean() == pytest.approx(0, abs=0.15)
    assert (np.abs(added) > 40).mean() == pytest.approx(0.0455, rel=0.1)
    assert np.corrcoef(added[..., 0].ravel(), added[..., 1].ravel())[0, 1] == pytest.approx(
        0, abs=0.02
    )


@pytest.mark.parametrize("level", [5, 60, 128, 240])
def test_shot_noise_is_poisson(level):
    photons = 30
    rgb = np.full((300, 300, 3), level, np.uint8)
    noisy = shot_noise(rgb, photons=photons, grain=1, key=1)
    mean = photons * level / 255
    none = (noisy == 0).mean()
    assert none == pytest.approx(np.exp(-mean), abs=0.005)
    if level <= 128:  # above, white cuts counts off
        counts = np.rint(noisy * (photons / 255))
        assert counts.mean() == pytest.approx(mean, rel=0.02)
        assert counts.var() == pytest.approx(mean, rel=0.03)


def test_black_has_no_shot_noise():
    black = np.zeros((20, 20, 3), np.uint8)
    assert not shot_noise(black, photons=8, grain=1, key=3).any()


@pytest.mark.parametrize("make", [gaussian_noise, shot_noise])
def test_grain_is_squares_of_the_same_noise(make):
    rgb = np.full((10, 11, 3), 128, np.uint8)
    noisy = make(rgb, 20, grain=3, key=1)
    np.testing.assert_array_equal(noisy[::3, ::3].repeat(3, 0).repeat(3, 1)[:10, :11], noisy)
    assert len(np.unique(noisy)) > 10


def test_grain_follows_the_pictures_size():
    for side, grain in ((1, 1), (300, 1), (512, 2), (2000, 8)):
        assert parameters(Perturbation("shot-noise", 1), (side, side + 9))["grain"] == grain


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.7])
def test_gaussian_blur_is_scipys(sigma):
    from scipy.ndimage import gaussian_filter

    rgb = noise()
    radius = max(1, int(np.ceil(3 * sigma)))
    expected = gaussian_filter(
        rgb.astype(float), (sigma, sigma, 0), mode="reflect", radius=(radius, radius, 0)
    )
    np.testing.assert_allclose(gaussian_blur(rgb, sigma), expected, rtol=0, atol=0.52)


def test_motion_blur_draws_a_dot_out_to_a_line():
    dot = np.zeros((21, 21, 3), np.uint8)
    dot[10, 10] = 210
    lying = motion_blur(dot, 6, 0)[..., 0]
    assert np.argwhere(lying).tolist() == [[10, x] for x in range(7, 14)]
    assert set(lying[10, 7:14].tolist()) == {30}
    slanted = motion_blur(dot, 4, -4)[..., 0]
    assert np.argwhere(slanted).tolist() == [[8 + i, 12 - i] for i in range(5)]
    np.testing.assert_array_equal(motion_blur(dot, 0, 0)[10, 10], dot[10, 10])
    # Two steps right and one down: (-1, -1/2), (0, 0), (1, 1/2), halves rounded up.
    assert np.argwhere(motion_blur(dot, 2, 1)[..., 0]).tolist() == [[9, 9], [10, 10], [10, 11]]
    # 200 over three pixels is 66.7 each.
    assert motion_blur(dot // 21 * 20, 2, 0)[10, 9:12, 0].tolist() == [67, 67, 67]


def test_pixelate_shows_means_of_squares():
    rgb = noise(40, 60)
    coarse = pixelate(rgb, across=6, down=4)
    for row in range(4):
        for column in range(6):
            square = np.s_[row * 10 : row * 10 + 10, column * 10 : column * 10 + 10]
            assert len(np.unique(coarse[square].reshape(-1, 3), axis=0)) == 1
            np.testing.assert_allclose(
                coarse[square][0, 0], rgb[square].mean(axis=(0, 1)), atol=0.51
            )
    np.testing.assert_array_equal(pixelate(rgb, 100, 100), rgb)


# --- the numbers behind them --------------------------------------------------------------------


def test_draws_are_philoxs_raw_bits():
    digest = hashlib.sha256(b"shift/0").digest()
    bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    first, second = (int(word) >> 11 for word in bits.random_raw(2))
    draws = Draws("shift", 0)
    assert draws.key() == first
    assert draws.uniform(-1, 3) == -1 + 4 * second / 2**53


def test_perturbations_of_one_seed_draw_independently():
    keys = {
        name: parameters(Perturbation(name, 1), (9, 9))["key"]
        for name in ("gaussian-noise", "shot-noise")
    }
    assert len(set(keys.values())) == 2
    assert keys["gaussian-noise"] == Draws("gaussian-noise", 0).key()


def test_choice_takes_every_item_about_as_often():
    draws = Draws("choice")
    taken = [draws.choice("abc") for _ in range(3000)]
    assert all(900 < taken.count(item) < 1100 for item in "abc")


def test_fields_do_not_depend_on_their_shape():
    np.testing.assert_array_equal(normal_field((4, 6), 9).ravel(), normal_field((24,), 9))
    np.testing.assert_array_equal(uniform_field((5, 5), 9).ravel(), uniform_field((25,), 9))
    many = normal_field(((1 << 18) + 5,), 9)
    np.testing.assert_array_equal(many[:24], normal_field((24,), 9))
    assert len(np.unique(many[-50:])) > 40


def test_the_normal_field_is_normal():
    from scipy.stats import kstest

    field = normal_field((20_000,), 3) / 2**17
    assert kstest(field, "norm").pvalue > 0.01
    assert np.abs(field).max() < 6


def test_processor_features_change_no_pixel():
    """numpy computes with other instructions where these are missing."""
    code = (
        "from inception_harness.stimuli import *\n"
        "read_lock(default_lock()).check_picture(REFERENCE, reference_picture())\n"
        "import numpy\n"
        "print(sorted(numpy.__config__.show(mode='dicts')['SIMD Extensions'].get('found', [])))"
    )
    config = np.__config__.show(mode="dicts")
    found = config["SIMD Extensions"].get("found", [])
    if not found:
        pytest.skip("This processor has nothing to switch off.")
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_kept_pictures_are_bounded_by_their_size(tmp_path, monkeypatch):
    """A thousand perturbed photographs of twelve megapixels would be 36 GB."""
    from PIL import Image

    from inception_harness import perturbed

    monkeypatch.setattr(perturbed, "_kept", type(perturbed._kept)())
    monkeypatch.setattr(perturbed, "_KEPT_BYTES", 3 * 40 * 30 * 3)
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(path)
    draws = [Perturbation("brightness", severity) for severity in (1, 2, 3, 4)]
    first, *_ = [perturbed.perturbed_picture(path, each) for each in draws]
    assert len(perturbed._kept) == 3
    assert perturbed.perturbed_picture(path, draws[3]) is perturbed.perturbed_picture(
        path, draws[3]
    )
    again = perturbed.perturbed_picture(path, draws[0])
    assert again is not first
    np.testing.assert_array_equal(again, first)
