"""The lock file of stimuli: its life, and that a changed stimulus is named as one."""

from __future__ import annotations

import numpy as np
import pytest

from inception_harness import stimuli
from inception_harness.errors import HarnessError, RecordError
from inception_harness.images import pixel_hash
from inception_harness.perturb import PERTURBATIONS, SEVERITIES, Perturbation, apply
from inception_harness.pictures import find_picture_set
from inception_harness.stimuli import StimulusError, StimulusLock
from inception_harness.store import Store


@pytest.fixture(scope="module")
def small() -> np.ndarray:
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 8, y * 10, (x + y) * 4], axis=-1).astype(np.uint8)


@pytest.fixture
def lock(tmp_path, small) -> StimulusLock:
    return stimuli.lock_pictures(tmp_path / "lock.toml", {"small": small})


def refusal(call: object, *arguments: object, error: type[HarnessError] = StimulusError) -> str:
    with pytest.raises(error) as caught:
        call(*arguments)
    return str(caught.value)


def test_the_shipped_lock_holds_for_the_reference_picture():
    lock = stimuli.read_lock(stimuli.default_lock())
    assert set(lock.pictures[stimuli.REFERENCE]) == {"picture", *PERTURBATIONS}
    lock.check_picture(stimuli.REFERENCE, stimuli.reference_picture())


def test_the_shipped_lock_is_what_would_be_written(tmp_path):
    """But for the codec's version, which may be another where the tests run.

    The pictures of the built-in sets follow it; `behaviour_tests/test_stimuli.py` looks at those.
    """
    path = tmp_path / "lock.toml"
    stimuli.lock_pictures(path, {stimuli.REFERENCE: stimuli.reference_picture()})
    shipped = stimuli.default_lock().read_text().splitlines()
    written = path.read_text().splitlines()
    shipped = shipped[: len(written)]
    codec = [line.startswith("lossy_codec = ") for line in written]
    assert sum(codec) == 1
    assert [a for a, b in zip(written, codec, strict=True) if not b] == [
        a for a, b in zip(shipped, codec, strict=True) if not b
    ]


@pytest.mark.parametrize("name", ["drawings", "photos"])
def test_every_picture_of_the_built_in_sets_is_locked(name):
    lock = stimuli.read_lock(stimuli.default_lock())
    pictures = find_picture_set(name, Store())
    assert {key for key in lock.pictures if key.startswith(f"{name}/")} == {
        f"{name}/{role}" for role in pictures
    }
    for role in pictures:
        assert set(lock.pictures[f"{name}/{role}"]) == {"picture", *PERTURBATIONS}


def test_no_two_hashes_of_the_reference_are_equal_but_the_flips():
    table = stimuli.read_lock(stimuli.default_lock()).pictures[stimuli.REFERENCE]
    hashes = [value for name, values in table.items() for value in values]
    assert len(hashes) == 1 + 17 * 5
    assert len(set(hashes)) == len(hashes) - 4


def test_a_lock_lives_through_a_change_that_is_meant(tmp_path, small, lock):
    lock.check_picture("small", small)
    other = small // 2
    with pytest.raises(StimulusError):
        lock.check_picture("small", other)
    # Seeing the change does not lock it.
    with pytest.raises(StimulusError):
        stimuli.read_lock(lock.path).check_picture("small", other)
    again = stimuli.lock_pictures(lock.path, {"small": other})
    again.check_picture("small", other)
    with pytest.raises(StimulusError):
        again.check_picture("small", small)


def test_locking_one_picture_leaves_the_others_and_the_text_stable(tmp_path, small, lock):
    before = lock.path.read_text()
    both = stimuli.lock_pictures(lock.path, {"drawings/panda": small[::-1]})
    assert lock.path.read_text().startswith(before)
    both.check_picture("small", small)
    both.check_picture("drawings/panda", small[::-1])
    stimuli.lock_pictures(lock.path, {"small": small})
    assert stimuli.read_lock(lock.path) == both


def test_a_changed_stimulus_is_named_and_no_model_blamed(small, lock):
    perturbation = Perturbation("shift", 2)
    pixels = apply(small, perturbation)
    lock.check("small", perturbation, pixels)
    pixels[0, 0, 0] ^= 1
    locked = lock.pictures["small"]["shift"][1]
    assert refusal(lock.check, "small", perturbation, pixels) == (
        f"The stimulus changed: small, shift 2: pixel hash {pixel_hash(pixels)}, locked {locked}. "
        f"No model is to blame. If the change is meant, lock it again in {lock.path}."
    )


def test_a_changed_picture_is_named_before_its_perturbations(small, lock):
    other = small + np.uint8(1)
    assert refusal(lock.check_picture, "small", other) == (
        f"The stimulus changed: small, picture: pixel hash {pixel_hash(other)}, locked "
        f"{pixel_hash(small)}. No model is to blame. If the change is meant, lock it again in "
        f"{lock.path}."
    )


def test_a_change_behind_a_codec_names_the_codec(small, lock):
    assert (
        f" It goes through a JPEG codec: {lock.codec} then, {lock.codec} now. No model is to blame."
    ) in refusal(lock.check, "small", Perturbation("jpeg-quality", 1), small)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_is_checked(name, small, lock):
    locked = lock.pictures["small"][name]
    for severity in SEVERITIES:
        changed = list(locked)
        changed[severity - 1] = "0123456789abcdef"
        lock.pictures["small"][name] = tuple(changed)
        message = refusal(lock.check_picture, "small", small)
        assert message.startswith(f"The stimulus changed: small, {name} {severity}: ")


def test_what_is_not_locked_is_not_passed(small, lock):
    assert refusal(lock.check, "small", Perturbation("shift", 1, 7), small) == (
        "Perturbation(name='shift', severity=1, seed=7) is not locked: "
        f"{lock.path} holds seed 0 only."
    )
    assert refusal(lock.check_picture, "panda", small) == (
        f"{lock.path} has no picture 'panda'; it has small."
    )
    lock.pictures["small"].pop("scale")
    assert refusal(lock.check_picture, "small", small) == (
        f"{lock.path} has no scale of small. Lock the picture again."
    )
    lock.pictures["small"]["snow"] = ("0",) * 5
    assert refusal(lock.check_picture, "small", small) == (
        f"{lock.path} has snow of small, which no perturbation is called. Lock the picture again."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[small]\npicture = '0'\n", "{path}: lossy_codec, the name of a codec, is missing."),
        (
            "lossy_codec = ''\n[small]\n",
            "{path}: ['small'] lacks picture, the hash of the picture itself.",
        ),
        (
            "lossy_codec = ''\n[small]\npicture = '0'\nshift = ['0', '1']\n",
            "{path}: small, shift: expected 5 hash(es).",
        ),
        (
            "lossy_codec = ''\n[small]\npicture = 3\n",
            "{path}: small, picture: expected 1 hash(es).",
        ),
    ],
)
def test_a_damaged_lock_is_refused(tmp_path, text, message):
    path = tmp_path / "lock.toml"
    path.write_text(text)
    assert refusal(stimuli.read_lock, path, error=RecordError) == message.format(path=path)


def test_a_missing_lock_is_refused(tmp_path):
    path = tmp_path / "lock.toml"
    assert refusal(stimuli.read_lock, path, error=RecordError) == (
        f"Cannot read {path}: No such file or directory."
    )


def test_a_lock_that_cannot_be_made_stays_as_it_was(tmp_path, small, lock):
    before = lock.path.read_text()
    damaged = small.astype(np.float64)  # no picture: the first perturbation breaks off
    with pytest.raises((TypeError, IndexError, ValueError)):
        stimuli.lock_pictures(lock.path, {"other": damaged})
    assert lock.path.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock.toml"]
