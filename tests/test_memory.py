"""A long run needs hardly more memory than a short one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replica_card import write_replica_card

ROOT = Path(__file__).resolve().parents[1]
# The peak of a process of its own: the high-water mark of this one is of other tests.
SCORE = """
import json, re, sys
from pathlib import Path
from inception_harness.classifier import load
from inception_harness.engines import EngineSpec

card, picture, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
import openvino
fast = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
with load(card, engine=EngineSpec("openvino", "bf16" if fast else "f32")) as classifier:
    said = classifier.classify_batch([picture] * count)
assert len(said) == count
# Not getrusage: its peak is inherited from the process that starts this one.
(most,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps(int(most) / 1024))
"""


def peak(card: Path, picture: Path, count: int, home: Path) -> float:
    """Return the peak memory in MiB of scoring so many pictures with the replica."""
    done = subprocess.run(
        [sys.executable, "-c", SCORE, str(card), str(picture), str(count)],
        capture_output=True, text=True, check=False, timeout=900,
        env=os.environ | {"INCEPTION_HARNESS_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return float(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read of Linux")
def test_a_thousand_pictures_need_little_more_memory_than_ten(replica_folder, tmp_path):
    """Of 1000 pictures of 299 x 299 x 3 floats, 1 GB, only what is worked on is held.

    On the whole replica, since nothing piles up before a network that is quicker than decoding.
    """
    pytest.importorskip("openvino")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "inception-v3-2015").symlink_to(replica_folder)
    card = write_replica_card(tmp_path / "full.toml", replica_folder)
    picture = replica_folder / "cropped_panda.jpg"
    peak(card, picture, 1, tmp_path)  # converts the graph, which takes memory of its own
    ten, thousand = (peak(card, picture, count, tmp_path) for count in (10, 1000))
    assert thousand - ten < 300
