"""Where the data that ships with the harness lies: in a checkout, and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

__all__ = ["behaviour_tests_folder", "fixtures_folder"]

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    # A wheel carries these folders inside the package; a checkout has them beside it.
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def fixtures_folder() -> Path:
    """Return the folder with drawings, the miniature, known failures and records."""
    return _shipped("fixtures")


def behaviour_tests_folder() -> Path:
    """Return the folder of the behaviour suite."""
    return _shipped("behaviour_tests")
