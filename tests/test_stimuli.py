"""The lock file of stimuli: its life, and that a changed stimulus is named as one."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness import stimuli
from inception_harness.errors import HarnessError, RecordError
from inception_harness.images import pixel_hash
from inception_harness.perturb import PERTURBATIONS, SEVERITIES, Perturbation, apply
from inception_harness.pictures import find_picture_set
from inception_harness.results import Verdict
from inception_harness.stimuli import StimulusError, StimulusLock
from inception_harness.store import Store
from tests.inner_runs import INNER


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


def again(pictures: str, lock: StimulusLock) -> str:
    command = f"python -m inception_harness.stimuli --pictures {pictures} --lock {lock.path}"
    return f"Lock it again: {command}"


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
        f"No model is to blame. If the change is meant: {again('small', lock)}"
    )


def test_a_changed_picture_is_named_before_its_perturbations(small, lock):
    other = small + np.uint8(1)
    assert refusal(lock.check_picture, "small", other) == (
        f"The stimulus changed: small, picture: pixel hash {pixel_hash(other)}, locked "
        f"{pixel_hash(small)}. No model is to blame. If the change is meant: {again('small', lock)}"
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
        f"{lock.path} has no picture 'panda'; it has small. {again('panda', lock)}"
    )
    lock.pictures["small"].pop("scale")
    assert refusal(lock.check_picture, "small", small) == (
        f"{lock.path} has no scale of small. {again('small', lock)}"
    )
    lock.pictures["small"]["snow"] = ("0",) * 5
    assert refusal(lock.check_picture, "small", small) == (
        f"{lock.path} has snow of small, which no perturbation is called. {again('small', lock)}"
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


# --- the command, and the sets of one's own ---------------------------------------------------


@pytest.fixture
def own_set(tmp_path, small) -> Path:
    """A set of two pictures; the network of `Steady` sees them pixel by pixel."""
    folder = tmp_path / "own pictures"
    folder.mkdir()
    rows = ['name = "mine"\ntitle = "Mine"\n']
    for role, pixels in {"one": small, "two": small[::-1]}.items():
        file = folder / f"{role}.png"
        Image.fromarray(pixels).save(file)
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        rows.append(
            f'[pictures.{role}]\nfile = "{role}.png"\ncaption = "{role}"\nsha256 = "{sha}"\n'
        )
    (folder / "my-set.toml").write_text("\n".join(rows))
    return folder / "my-set.toml"


def test_the_command_locks_a_set_of_ones_own_beside_it(own_set, small, capsys):
    path = own_set.with_name("my-set.lock.toml")
    assert stimuli.lock_path(str(own_set)) is None
    assert stimuli.main(["--pictures", str(own_set)]) == 0
    assert capsys.readouterr().out == f"{path}: locked 2 of {own_set}.\n"
    assert stimuli.lock_path(str(own_set)) == path
    lock = stimuli.read_lock(path)
    assert set(lock.pictures) == {"mine/one", "mine/two"}
    lock.check_picture("mine/one", small)
    lock.check_picture("mine/two", small[::-1])


def test_the_command_that_a_failure_names_works(own_set, small):
    stimuli.main(["--pictures", str(own_set)])
    path = own_set.with_name("my-set.lock.toml")
    before = path.read_text()
    shifts = stimuli.read_lock(path).pictures["mine/one"]["shift"]
    path.write_text(before.replace(shifts[1], "0123456789abcdef"))
    message = refusal(stimuli.read_lock(path).check_picture, "mine/one", small)
    told = shlex.split(message.partition("Lock it again: ")[2])
    assert told[:3] == ["python", "-m", "inception_harness.stimuli"]
    assert stimuli.main(told[3:]) == 0
    assert path.read_text() == before


def test_a_failure_of_a_built_in_set_names_the_set_and_the_file_that_ships(small):
    path = stimuli.default_lock()
    assert refusal(stimuli.read_lock(path).check_picture, "photos/panda", small).endswith(
        f"--pictures photos --lock {shlex.quote(str(path))}"
    )


def test_the_command_locks_what_is_built_in(tmp_path, small, monkeypatch):
    """The default is the reference picture and all built-in sets, in the file that ships."""
    path = tmp_path / "lock.toml"
    seen = []
    monkeypatch.setattr(stimuli, "default_lock", lambda: path)
    monkeypatch.setattr(stimuli, "_pixels_of", lambda spec, store: {spec: small[len(seen) :]})
    monkeypatch.setattr(stimuli, "lock_pictures", lambda *given: seen.append(given))
    assert stimuli.main([]) == 0
    assert [(where, list(pixels)) for where, pixels in seen] == [
        (path, [stimuli.REFERENCE]),
        (path, ["drawings"]),
        (path, ["photos"]),
    ]


def test_a_built_in_set_is_locked_as_it_ships(tmp_path, monkeypatch):
    """By its names in the lock file, and from its files."""
    monkeypatch.setattr(stimuli, "PERTURBATIONS", {"shift": PERTURBATIONS["shift"]})  # quick
    path = tmp_path / "lock.toml"
    assert stimuli.main(["--pictures", "drawings", "--lock", str(path)]) == 0
    shipped = stimuli.read_lock(stimuli.default_lock()).pictures
    written = stimuli.read_lock(path).pictures
    assert len(written) == 10
    for name, hashes in written.items():
        assert hashes == {key: shipped[name][key] for key in ("picture", "shift")}


def test_the_command_says_what_is_missing_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(tmp_path / "store"))
    path = tmp_path / "lock.toml"
    lock = ["--lock", str(path)]
    assert stimuli.main(["--pictures", stimuli.REFERENCE, "--pictures", "photos", *lock]) == 3
    assert "inception-harness fetch" in capsys.readouterr().err
    assert stimuli.main(["--pictures", "nonesuch", *lock]) == 3
    assert capsys.readouterr().err.startswith(
        "inception_harness.stimuli: There is no picture set 'nonesuch'."
    )
    assert not path.exists()


def test_the_help_names_the_sets_and_the_file(capsys):
    with pytest.raises(SystemExit, match="0"):
        stimuli.main(["--help"])
    told = capsys.readouterr().out
    for part in ("--pictures SET", "--lock FILE", "drawings", "photos", "NAME.lock.toml"):
        assert part in told


# --- in a run ---------------------------------------------------------------------------------

STEADY = """
import numpy as np

class Steady:
    labels, input_size, name = ("thing", "other"), (32, 24), "steady"

    def scores(self, batch):
        return np.tile(np.float32([0.9, 0.1]), (len(batch), 1))
"""
SUITE = Path(__file__).resolve().parents[1] / "behaviour_tests"


@pytest.fixture
def verdicts(pytester, own_set):
    """Return a function that judges a steady model on the set: verdicts by test, exit code."""
    pytester.makepyfile(steady_model=STEADY)
    pytester.syspathinsert()

    def run() -> tuple[dict[str, Verdict], int]:
        result = pytester.inline_run(
            str(SUITE / "test_invariance.py"),
            str(SUITE / "test_stimuli.py"),
            "--import-mode=importlib",
            *INNER,
            "--model=steady_model:Steady",
            f"--pictures={own_set}",
        )
        texts = (
            getattr(report, "harness_verdict", None)
            for report in result.getreports("pytest_runtest_logreport")
        )
        found = [Verdict.from_json(text) for text in texts if text]
        return {verdict.test: verdict for verdict in found}, int(result.ret)

    return run


def test_a_changed_stimulus_is_an_error_and_no_failure_of_the_model(own_set, verdicts):
    stimuli.main(["--pictures", str(own_set)])
    path = own_set.with_name("my-set.lock.toml")
    shifts = stimuli.read_lock(path).pictures["mine/two"]["shift"]
    path.write_text(path.read_text().replace(shifts[1], "0123456789abcdef"))
    found, code = verdicts()
    assert code == 1
    bad = {test: verdict for test, verdict in found.items() if verdict.outcome != "passed"}
    assert set(bad) == {
        "test_invariance.py::test_sure_label_is_kept[shift-2]",
        "test_invariance.py::test_sure_score_does_not_collapse[shift-2]",
        "test_stimuli.py::test_perturbed_pictures_are_the_locked_ones",
    }
    for verdict in bad.values():
        assert verdict.outcome == "error"
        assert verdict.message.startswith("The stimulus changed: mine/two, shift 2: pixel hash ")


def test_a_set_without_a_lock_is_judged_and_said_to_have_none(verdicts):
    found, code = verdicts()
    assert code == 0
    left_out = {test: v.reason for test, v in found.items() if v.outcome == "not applicable"}
    assert left_out == dict.fromkeys(
        (
            "test_stimuli.py::test_pictures_are_the_locked_ones",
            "test_stimuli.py::test_perturbed_pictures_are_the_locked_ones",
        ),
        "the picture set mine has no lock file",
    )


def test_a_set_that_is_locked_is_checked_and_green(own_set, verdicts):
    stimuli.main(["--pictures", str(own_set)])
    found, code = verdicts()
    assert code == 0
    assert {verdict.outcome for verdict in found.values()} == {"passed"}
