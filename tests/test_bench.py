"""The benchmark measures what it says, computes anew each round, and its figures add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness import bench, bench_limits
from inception_harness.bench import Settings, default_engines, measure
from inception_harness.bench_data import BenchReport, Limit, Speed, spread_of
from inception_harness.bench_loop import open_loop
from inception_harness.cards import find_card
from inception_harness.engines import EngineSpec
from inception_harness.errors import EngineError, PictureError
from inception_harness.store import Store
from tests import replica
from tests import small_networks as small
from tests.replica_card import write_replica_card

ROOT = Path(__file__).resolve().parents[1]
QUICK = Settings(count=6, rounds=3, batches=(1, 4), cold=0)


@pytest.fixture(scope="module")
def tiny_card(tmp_path_factory, tiny_folder) -> Path:
    """A card of the small replica, in a store of its own."""
    home = tmp_path_factory.mktemp("bench-store")
    (home / "models").mkdir()
    (home / "models" / "inception-v3-2015").symlink_to(tiny_folder)
    return write_replica_card(home / "tiny.toml", tiny_folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three JPEG files, and one file that is none."""
    made = tmp_path_factory.mktemp("jpegs")
    rng = np.random.default_rng(2)
    for name in ("a.jpg", "b.JPEG", "c.jpg"):
        pixels = rng.integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(made / name, "JPEG")
    (made / "notes.txt").write_text("not a picture")
    return made


# --- a run on a graph ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(tiny_card, folder) -> BenchReport:
    pytest.importorskip("openvino")
    engines = [EngineSpec("tensorflow"), EngineSpec("openvino", "f32")]
    store = Store(tiny_card.parent)
    return measure(str(tiny_card), engines, pictures=folder, store=store, settings=QUICK)


def test_every_way_is_there_and_the_loop_comes_first(report):
    assert [speed.name for speed in report.speeds] == [
        "tutorial's loop",
        "tensorflow, batch 1", "tensorflow, batch 4", "tensorflow, from JPEG files",
        "openvino:f32, batch 1", "openvino:f32, batch 4", "openvino:f32, from JPEG files",
    ]  # fmt: skip
    assert [len(speed.rates) for speed in report.speeds] == [3] * 7
    assert report.pictures.startswith("3 of jpegs")  # the text file is not counted


def test_a_folded_batch_is_faster_than_the_loop(report):
    """The loop runs 456 nodes for each picture, the folded graph 235 for four."""
    by_name = {speed.name: speed for speed in report.speeds}
    assert by_name["tutorial's loop"].ratio == 1
    assert by_name["openvino:f32, batch 4"].ratio > 1


def test_ratios_and_shares_follow_from_the_rates(report):
    loop = report.speeds[0]
    (limit,) = report.limits
    for speed in report.speeds:
        ratio = np.median([a / b for a, b in zip(speed.rates, loop.rates, strict=True)])
        assert speed.ratio == pytest.approx(ratio)
        share = np.median(speed.rates) * report.flop / np.median(limit.rates)
        assert speed.share == pytest.approx(share)
        assert 0 < speed.share < 1.1  # above the limit something would be counted twice


def test_the_report_goes_to_json_and_to_the_runs_timings(report):
    again = BenchReport.from_json(report.to_json())
    assert again == report
    timings = again.timings("tiny")
    assert [t.name for t in timings] == [
        *(s.name for s in report.speeds),
        "the machine's limit in f32",
    ]
    for timing, speed in zip(timings, report.speeds, strict=False):
        assert timing.subject == "tiny"
        assert timing.per_second * timing.seconds == pytest.approx(report.count)
        assert (timing.ratio, timing.share, timing.noisy) == (
            speed.ratio, speed.share, speed.noisy,
        )  # fmt: skip


def test_the_table_fits_a_terminal_and_states_its_rule(report):
    lines = report.table().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert "A row is noisy (~) where half of its rounds lie more than 10 % of the median" in text
    assert f"verdict: {report.verdict}" in lines
    rows = lines[3 : lines.index("", 3)]
    assert [row[:34].strip() for row in rows] == [speed.name for speed in report.speeds]
    assert "openvino:f32, from JPEG files: " in text
    assert " of the engine alone." in text


def test_the_loop_gives_the_scores_of_the_graph(tiny_card, folder):
    """It is the way that all others are compared with, so it has to compute."""
    from inception_harness.classifier import load

    store = Store(tiny_card.parent)
    score = open_loop(str(tiny_card), store)
    with load(str(tiny_card), engine="tensorflow:original", store=store) as classifier:
        expected = classifier.classify(folder / "a.jpg").scores
    np.testing.assert_array_equal(np.ravel(score(folder / "a.jpg")), expected)


# --- nothing is remembered ----------------------------------------------------------------------


class Counting:
    """A model of one's own that counts, and gives other scores at each call."""

    labels = ("a", "b")
    input_size = (8, 4)
    name = "counting"
    calls: list[int] = []  # noqa: RUF012  # of all instances, since the factory makes them

    def scores(self, batch):
        self.calls.append(len(batch))
        return np.full((len(batch), 2), 0.5, np.float32)


def test_a_benchmark_never_reads_a_remembered_prediction(folder, tmp_path, monkeypatch):
    """The same three files again and again: each is computed in each round of each way."""
    monkeypatch.setattr(Counting, "calls", [])
    spec = f"{__name__}:Counting"
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    report = measure(spec, [None], pictures=folder, store=Store(tmp_path), settings=QUICK)
    ways, rounds = 2 + len(QUICK.batches), QUICK.rounds + 1  # one to warm up
    assert len(report.speeds) == ways
    assert sum(Counting.calls) == ways * rounds * QUICK.count
    each_round = [1] * 6 + [1] * 6 + [4, 2] + [4, 2]
    assert Counting.calls == each_round * rounds


def test_a_model_without_a_jpeg_decoder_is_compared_with_one_at_a_time(folder, tmp_path):
    spec = f"{__name__}:Counting"
    report = measure(spec, [None], pictures=folder, store=Store(tmp_path), settings=QUICK)
    assert report.speeds[0].name == "one at a time, own"
    assert report.notes == (
        "counting decodes no JPEG itself, so the tutorial's loop is not possible; the loop here "
        "is one picture at a time on own.",
    )
    assert report.flop is None
    assert all(speed.share is None for speed in report.speeds)
    assert max(map(len, report.table().splitlines())) <= 80


# --- the limit and the cost of a picture --------------------------------------------------------


def test_operations_are_counted_by_the_layers_definitions(tmp_path):
    pytest.importorskip("openvino")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    width, height = small.SIZE
    arrays = {
        "full": np.zeros((8, 3, 5, 5), np.float32),
        "depthwise": np.zeros((8, 1, 3, 3), np.float32),
        "weights": np.zeros((8, small.CLASSES), np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["pictures", "full"], ["a"], strides=[2, 2]),
        helper.make_node("Conv", ["a", "depthwise"], ["b"], group=8),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "weights"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes, "counted",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, height, width])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", small.CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, tmp_path / "counted.onnx")
    card = find_card(str(small.write_card(tmp_path, "onnx", "counted.onnx")))
    full = 10 * 14 * 8 * (3 * 5 * 5)  # of 24 x 32, stride 2, a window of 5: 10 x 14
    depthwise = 8 * 12 * 8 * (3 * 3)
    expected = 2 * (full + depthwise + 8 * small.CLASSES)
    assert bench_limits.count_flop(card, tmp_path / "counted.onnx", tmp_path) == expected


def test_the_whole_replica_costs_what_the_literature_says(replica_folder, tmp_path):
    """5.7 billion multiplications and additions (Szegedy et al., 2015, and torchvision's table)."""
    pytest.importorskip("openvino")
    card = find_card(str(write_replica_card(tmp_path / "full.toml", replica_folder)))
    flop = bench_limits.count_flop(card, replica_folder / replica.GRAPH_FILE, tmp_path)
    assert flop == pytest.approx(11.4e9, rel=0.02)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_products_are_products(precision):
    """Each way multiplies the same matrices; one that skipped work would look fast."""
    ways = bench_limits.matrix_products(precision, 1)
    if not ways:
        pytest.skip("Nothing installed multiplies in bf16 here.")
    first, *others = bench_limits._matrices(1024)
    expected = np.linalg.multi_dot([first, *others])
    checked = 0
    for name, (multiply, cost) in ways.items():
        if not name.endswith(" 1024"):
            continue
        out = multiply()
        value = out if isinstance(out, np.ndarray) else out[0]
        tolerance = 1e-4 if precision == "f32" else 0.1
        assert np.abs(value - expected).max() < tolerance
        assert cost == 16 * 2 * 1024**3
        checked += 1
    assert checked >= 1


# --- noise, options, cold starts ----------------------------------------------------------------


def speed(*rates: float) -> Speed:
    return Speed("way", "engine", "tensorflow", "f32", 8, rates, 1.0)


def test_noise_is_the_distance_of_the_quartiles():
    assert spread_of([10, 11, 12, 13, 14]) == pytest.approx(2 / 12)
    assert spread_of([5.0]) == 0
    assert not speed(100, 101, 99, 100, 40).noisy  # one round that was disturbed does no harm
    assert speed(100, 80, 120, 100, 60).noisy


@pytest.mark.parametrize(
    ("speeds", "limits", "verdict"),
    [
        ([(100, 101, 99)], [(5, 5, 5)], "valid"),
        ([(100, 101, 99), (100, 150, 60)], [(5, 5, 5)], "noisy"),
        ([(100, 101, 99)], [(5, 9, 2)], "noisy"),
    ],
)
def test_the_verdict_is_noisy_where_any_row_is(speeds, limits, verdict):
    report = BenchReport(
        "m", "3 of x", 8, 3, 2, None, tuple(speed(*rates) for rates in speeds),
        tuple(Limit("f32", "numpy 1024", rates) for rates in limits),
    )  # fmt: skip
    assert report.verdict == verdict


def test_default_engines_are_those_that_can_run_the_format(tiny_card, tmp_path):
    pytest.importorskip("openvino")
    names = [str(engine) for engine in default_engines(str(tiny_card))]
    assert names[:2] == ["tensorflow", "openvino:f32"]
    assert set(names) <= {"tensorflow", "openvino:f32", "openvino:bf16"}
    assert default_engines("some.module:factory") == [None]


def test_a_folder_without_pictures_is_refused(tiny_card, tmp_path):
    store = Store(tiny_card.parent)
    with pytest.raises(PictureError) as caught:
        measure(str(tiny_card), [EngineSpec("tensorflow")], pictures=tmp_path, store=store)
    assert str(caught.value) == (
        f"--pictures {tmp_path}: there is no file that ends in .jpg or .jpeg."
    )


def test_a_cold_start_that_fails_says_why(tmp_path):
    with pytest.raises(EngineError) as caught:
        bench.cold_start("no-such-model", "", [tmp_path / "a.jpg"], tmp_path)
    assert "no-such-model on its default engine: a cold start failed:" in str(caught.value)
    assert "There is no model 'no-such-model'." in str(caught.value)


def test_the_command_measures_and_writes_json_and_a_page(tiny_card, folder, tmp_path):
    """With a cold start of each engine; the whole takes longer than the first picture."""
    file, page = tmp_path / "speed.json", tmp_path / "speed.html"
    done = subprocess.run(
        [
            sys.executable, "-m", "inception_harness.cli", "bench", "--model", str(tiny_card),
            "--engine", "tensorflow", "--pictures", str(folder), "--count", "2", "--rounds", "1",
            "--batch", "2", "--cold", "1", "--json", str(file), "--report", str(page),
        ],
        capture_output=True, text=True, check=False, timeout=600,
        env=os.environ
        | {"INCEPTION_HARNESS_HOME": str(tiny_card.parent), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tensorflow, from JPEG files" in done.stdout
    speeds = json.loads(file.read_text())["speeds"]
    assert [s["name"] for s in speeds] == [
        "tutorial's loop", "tensorflow, batch 2", "tensorflow, from JPEG files",
    ]  # fmt: skip
    for measured in (speeds[0], speeds[2]):
        assert 0 < measured["first_answer"] <= measured["ten_answers"]
    assert speeds[1]["first_answer"] is None
    text = page.read_text(encoding="utf-8")
    assert text.count('class="bar"') >= len(speeds)
    assert f"{speeds[2]['ratio']:.2f} ×" in text
    assert "http" not in text.replace("http-equiv", "")  # it loads nothing


# --- the behaviour that guards the ratio --------------------------------------------------------

GUARD = ROOT / "behaviour_tests" / "test_throughput.py"
STALLS = """
import time
import numpy as np

class Stalls:
    labels, input_size, name = ("a", "b"), (8, 8), "stalls"

    def scores(self, batch):  # as a server that waits for more before it computes
        time.sleep(0.002 if len(batch) == 1 else 0.004 * len(batch))
        return np.full((len(batch), 2), 0.5, np.float32)
"""


def run_guard(spec: str, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-enable",
        "--rootdir", str(home), f"{GUARD}::test_batches_beat_the_tutorials_loop",
        "--model", spec, "--pictures", "drawings", *options,
    ]  # fmt: skip
    where = os.pathsep.join([str(ROOT), str(home)])
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600, cwd=home,
        env=os.environ | {"INCEPTION_HARNESS_HOME": str(home), "PYTHONPATH": where},
    )  # fmt: skip


def test_batches_that_are_slower_than_single_pictures_are_told(tmp_path):
    (tmp_path / "stalls.py").write_text(STALLS)
    done = run_guard("stalls:Stalls", tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "speed of batches, the one at a time, own being 1: 0." in done.stdout


def test_the_replica_in_batches_beats_the_loop(replica_folder, tmp_path):
    card = write_replica_card(tmp_path / "full.toml", replica_folder)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "inception-v3-2015").symlink_to(replica_folder)
    done = run_guard(str(card), tmp_path, "--engine", "tensorflow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
