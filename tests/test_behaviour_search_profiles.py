"""Profiles of Hypothesis: the suite's own, from a folder laid out like a wheel, and the user's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from PIL import Image

from inception_harness.search_profiles import WIDE, register_wide_profile, search_settings

ROOT = Path(__file__).resolve().parents[1]

# Sure of everything; writes down how many pictures it was shown.
COUNTING = """
import atexit, pathlib
import numpy as np

class Counting:
    labels, input_size, name = ("thing", "other"), (24, 24), "counting"
    shown = 0

    def scores(self, batch):
        Counting.shown += len(batch)
        return np.tile(np.float32([0.9, 0.1]), (len(batch), 1))

atexit.register(lambda: pathlib.Path("shown.txt").write_text(str(Counting.shown)))
"""

# A user's own test in the same run: it is tried as often as its own settings say.
OWN = """
from hypothesis import given, settings, strategies as st

def test_own():
    tried = []

    @given(st.integers())
    def each(number):
        tried.append(number)

    each()
    assert len(tried) == {expected}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the package as a wheel lays it out: suite and data inside."""
    folder = tmp_path_factory.mktemp("site")
    package = folder / "inception_harness"
    leave_out = shutil.ignore_patterns("__pycache__", "workshop", "miniature")
    shutil.copytree(ROOT / "inception_harness", package, ignore=leave_out)
    for part in ("behaviour_tests", "fixtures"):
        shutil.copytree(ROOT / part, package / part, ignore=leave_out)
    return folder


@pytest.fixture
def run(site, tmp_path):
    """Return a function that runs pytest on the suite's search, as a user of the wheel does."""
    (tmp_path / "counting_model.py").write_text(COUNTING)
    Image.effect_noise((24, 24), 90).convert("RGB").save(tmp_path / "thing.png")
    sha = hashlib.sha256((tmp_path / "thing.png").read_bytes()).hexdigest()
    (tmp_path / "set.toml").write_text(
        'name = "things"\ntitle = "A thing"\n[pictures.thing]\nfile = "thing.png"\n'
        f'caption = "A thing."\nsha256 = "{sha}"\n'
    )

    def pytest_(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "pytest", "-p", "inception_harness.plugin", "-p",
             "no:cacheprovider", "--model=counting_model:Counting", "--pictures=set.toml",
             "-k", "test_own or test_search_finds_no_flip",
             "--pyargs", "inception_harness.behaviour_tests", *arguments],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{tmp_path}"},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return pytest_


def test_the_wide_profile_is_known_to_a_run_from_the_wheel(run, tmp_path):
    done = run("--hypothesis-profile=search")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert int((tmp_path / "shown.txt").read_text()) > 100


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], 100), (["-p", "own_profiles", "--hypothesis-profile=mine"], 7)],
)
def test_a_users_own_tests_keep_their_settings(run, tmp_path, options, expected):
    (tmp_path / "own_profiles.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('mine', max_examples=7)\n"
    )
    (tmp_path / "test_own.py").write_text(OWN.format(expected=expected))
    done = run("test_own.py", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_a_profile_of_the_users_of_the_same_name_stays(run, tmp_path):
    (tmp_path / "conftest.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('search', max_examples=3)\n"
    )
    (tmp_path / "test_own.py").write_text(OWN.format(expected=3))
    done = run("test_own.py", "--hypothesis-profile=search")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int((tmp_path / "shown.txt").read_text()) < 10


@contextmanager
def loaded(name: str) -> Iterator[None]:
    current = settings.get_current_profile_name()
    settings.load_profile(name)
    try:
        yield
    finally:
        settings.load_profile(current)


def test_the_same_few_tries_in_every_run_whatever_is_loaded():
    settings.register_profile(
        "own", max_examples=3000, deadline=1, derandomize=False, phases=[Phase.generate]
    )
    with loaded("own"):
        chosen = search_settings(None)
    assert chosen.derandomize
    assert chosen.max_examples == 25
    assert chosen.deadline is None
    assert chosen.database is None
    assert set(chosen.phases) == set(Phase)
    assert HealthCheck.too_slow in chosen.suppress_health_check


def test_a_named_profile_decides_but_for_what_a_model_cannot_keep():
    settings.register_profile("own", max_examples=7, deadline=1, derandomize=False)
    with loaded("own"):
        chosen = search_settings("own")
    assert (chosen.max_examples, chosen.derandomize) == (7, False)
    assert chosen.deadline is None
    assert HealthCheck.too_slow in chosen.suppress_health_check


def test_the_wide_profile_is_wide_in_a_run_that_is_derandomised():
    assert settings().derandomize  # `tests/conftest.py`
    register_wide_profile()
    wide = settings.get_profile(WIDE)
    assert (wide.max_examples, wide.derandomize) == (500, False)
    register_wide_profile()  # twice is once
    assert settings.get_profile(WIDE) is wide
