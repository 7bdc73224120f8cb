"""The wheel carries the suite and its data, and works in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy

REPOSITORY = Path(__file__).resolve().parents[1]
MEGABYTE = 1_000_000


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), "."]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which the wheel, and not the checkout, is what Python finds."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def test_wheel_is_small_and_carries_suite_and_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size < 5 * MEGABYTE
    for part in (
        "inception_harness/behaviour_tests/test_panda.py",
        "inception_harness/fixtures/miniature/classify_image_graph_def.pb",
        "inception_harness/fixtures/drawings/panda.png",
        "inception_harness/cards/inception-v3-2015.toml",
        "inception_harness/report/templates/",
    ):
        assert any(name.startswith(part) for name in names), part
    assert not [name for name in names if "workshop" in name or name.startswith("tests/")]


def test_suite_runs_from_the_wheel_in_an_empty_folder(
    installed: dict[str, str], tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "--pyargs",
        "inception_harness.behaviour_tests",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model: miniature" in done.stdout
    assert "demonstration" in done.stdout
    assert "0 of" not in done.stdout
