"""The picture set `drawings`: its files are what the drawing programme draws."""

import hashlib
import itertools
import tomllib

import numpy as np
import pytest
from PIL import Image

from fixtures.workshop.gallery import picture
from fixtures.workshop.roles import CROPS, FOLDER, ROLE_ORDER, SEEDS, draw_all
from fixtures.workshop.seeds import HELD_OUT, ROLES, TRAINING, seed_of
from fixtures.workshop.subjects import CLASSES, draw
from inception_harness.images import fit

SIZES = {
    "panda": (100, 100),
    "parrot": (320, 785),
    "parrot-top": (299, 299),
    "parrot-middle": (299, 299),
    "parrot-tail": (299, 299),
    "parrot-padded": (785, 785),
    "portrait": (299, 299),
    "portrait-small": (100, 100),
    "portrait-bow-tie": (299, 299),
    "portrait-sunglasses": (299, 299),
}


@pytest.fixture(scope="module")
def drawn():
    return draw_all()


@pytest.fixture(scope="module")
def listed():
    return tomllib.loads((FOLDER / "drawings.toml").read_text("utf-8"))["pictures"]


def pixels(role):
    with Image.open(FOLDER / f"{role}.png") as image:
        assert image.mode == "RGB"
        return np.asarray(image)


@pytest.mark.parametrize("role", SIZES)
def test_file_is_what_is_drawn_anew(drawn, role):
    """Equal to the pixel; another version of Pillow may place a few edges otherwise.

    Pillow 10.3 differs from 13.0 by one level on 0.1 % of the values, by more on 0.002 %.
    """
    file, anew = pixels(role).astype(int), np.asarray(drawn[role]).astype(int)
    assert file.shape == anew.shape
    differ = np.abs(file - anew)
    assert (differ > 0).mean() < 0.005
    assert (differ > 1).mean() < 0.0005


@pytest.mark.parametrize(("role", "size"), SIZES.items())
def test_drawing_has_the_geometry_of_the_photo(role, size):
    width, height = size
    assert pixels(role).shape == (height, width, 3)


def test_every_file_is_listed_with_hash_size_and_licence_and_no_other_is_there(listed):
    assert list(listed) == list(SIZES) == list(ROLE_ORDER)
    assert {p.name for p in FOLDER.iterdir()} == {f"{r}.png" for r in SIZES} | {"drawings.toml"}
    for role, row in listed.items():
        data = (FOLDER / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"], role
        assert len(data) == row["size"]
        assert row["licence"] == "MIT"


def test_every_picture_says_its_seed_or_what_it_derives_from(listed):
    for role, row in listed.items():
        assert row.get("seed") == SEEDS.get(role)
        assert ("seed" in row) != ("derived_from" in row), role
        assert ("derived_by" in row) == ("derived_from" in row), role


@pytest.mark.parametrize("role", CROPS)
def test_crop_is_the_listed_part_of_the_parrot(listed, role):
    left, top, right, bottom = listed[role]["box"]
    np.testing.assert_array_equal(pixels(role), pixels("parrot")[top:bottom, left:right])


def test_padded_parrot_is_the_harnesss_own_padding():
    padded = pixels("parrot-padded")
    np.testing.assert_array_equal(padded, fit(pixels("parrot"), "pad"))
    assert not padded[:, :200].any()  # black beside the bird


def test_another_seed_draws_another_picture():
    size = (60, 60)
    pictures = [np.asarray(draw(8, seed, size)) for seed in (5, 5, 6)]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_seeds_of_training_measuring_and_roles_share_no_number():
    for one, other in itertools.combinations((TRAINING, HELD_OUT, ROLES), 2):
        assert not range(max(one.start, other.start), min(one.stop, other.stop))
    assert all(seed in ROLES for seed in SEEDS.values())


@pytest.mark.parametrize("index", [-1, len(TRAINING)])
def test_a_seed_beyond_the_range_is_refused(index):
    with pytest.raises(IndexError):
        seed_of(index, TRAINING)


@pytest.mark.parametrize("number", range(1, len(CLASSES) + 1))
def test_each_class_can_be_drawn_for_training(number):
    drawn = picture(number, HELD_OUT[number])
    assert drawn.shape == (256, 256, 3)
    assert drawn.std() > 10  # something is on it
