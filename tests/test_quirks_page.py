"""The committed page of the miniature's quirks is what the code makes of a run today."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = "quirks-miniature.md"


def test_page_of_the_miniature_is_made_anew(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inception_harness.cli", "quirks", "--model", "miniature"]
    environment = {**os.environ, "INCEPTION_HARNESS_HOME": str(tmp_path / "store")}
    subprocess.run(
        [*command, "-o", str(tmp_path / PAGE)], cwd=REPOSITORY, env=environment, check=True
    )
    made, kept = (tmp_path / PAGE).read_text(), (REPOSITORY / "docs" / PAGE).read_text()
    assert made == kept, (
        f"docs/{PAGE} is not what a run gives; write it anew: "
        f"inception-harness quirks --model miniature -o docs/{PAGE}"
    )
    pictures = "quirks-miniature-pictures"
    names = sorted(path.name for path in (REPOSITORY / "docs" / pictures).iterdir())
    assert names == sorted(path.name for path in (tmp_path / pictures).iterdir())
