"""Faults: each changes what it says, and nothing else; the command tells what became of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness import cli, images
from inception_harness.errors import HarnessError
from inception_harness.fault_bench import NotApplicable
from inception_harness.fault_results import (
    Caught,
    FaultResult,
    FaultRun,
    caught_by,
    markdown_table,
    part_of,
)
from inception_harness.fault_search import half_options
from inception_harness.faults import FAULTS, chosen_faults, on_the_bench, slower_by
from inception_harness.results import Verdict

BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def bench():
    with on_the_bench("miniature") as opened:
        yield opened


@pytest.fixture(scope="module")
def panda(bench):
    return images.decode(bench.models.picture_set(bench.subject)["panda"].path)


def made(bench, name):
    return BY_NAME[name].make(bench)


def encoded(image, form, **options):
    import io

    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_every_fault_of_the_list_is_there():
    assert len(FAULTS) >= 24
    assert len(BY_NAME) == len(FAULTS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("red-and-blue-swapped", [30.0, 20.0, 10.0]),
        ("scaled-to-one", [10 / 255, 20 / 255, 30 / 255]),
        ("scaled-twice", [(n - 128) / 128 for n in (10, 20, 30)]),
    ],
)
def test_scaling_faults_change_the_numbers_that_the_network_gets(bench, name, expected):
    views = np.full((1, 4, 4, 3), (10, 20, 30), np.float32)
    given = made(bench, name).stages.scale(views)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given[0, 0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(bench.honest.stages.scale(views), views)


def test_channels_first_keeps_the_shape_and_every_number(bench):
    views = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
    given = made(bench, "channels-first").stages.scale(views)
    assert given.shape == views.shape
    assert np.array_equal(given[1].ravel(), views[1].transpose(2, 0, 1).ravel())


@pytest.mark.parametrize(
    "name", ["upside-down", "nearest", "antialias-switched", "cropped", "jpeg-10"]
)
def test_view_faults_change_what_is_seen(bench, name):
    pixels = np.random.default_rng(1).integers(0, 256, (400, 250, 3), np.uint8)
    honest = bench.honest.network_view(pixels)
    damaged = made(bench, name).network_view(pixels)
    assert damaged.shape == honest.shape
    assert np.abs(damaged - honest).max() > 0.1


def test_upside_down_is_exactly_that(bench, panda):
    view = made(bench, "upside-down").network_view(panda)
    assert np.array_equal(view[::-1], bench.honest.network_view(panda))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_ignored_exif_leaves_the_pixels_as_stored(bench, orientation):
    stored = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    tag = Image.Exif()
    tag[0x0112] = orientation
    file = encoded(Image.fromarray(stored), "PNG", exif=tag)
    assert np.array_equal(made(bench, "exif-ignored").stages.decode(file), stored)


def test_decoded_small_touches_files_alone(bench):
    pixels = np.random.default_rng(1).integers(0, 256, (80, 160, 3), np.uint8)
    decode = made(bench, "decoded-small").stages.decode
    assert decode(encoded(Image.fromarray(pixels), "PNG")).shape == (10, 20, 3)
    assert np.array_equal(decode(pixels), pixels)


def test_alpha_on_black_touches_transparent_pictures_alone(bench):
    clear = np.full((3, 3, 4), (200, 100, 50, 0), np.uint8)
    decode = made(bench, "alpha-on-black").stages.decode
    for source in (clear, encoded(Image.fromarray(clear, "RGBA"), "PNG")):
        assert decode(source).max() == 0
        assert images.decode(source).min() == 255
    assert np.array_equal(decode(clear[..., :3].copy()), clear[..., :3])


def test_label_faults_move_names(bench):
    names = bench.honest.labels.names
    assert made(bench, "labels-off-by-one").labels.names[:-1] == names[1:]
    ordered = made(bench, "labels-sorted").labels
    assert sorted(filter(None, names), key=str.casefold) == [n for n in ordered.names if n]
    swapped = made(bench, "two-labels-swapped").labels
    moved = [n for n, name in enumerate(swapped.names) if name != names[n]]
    assert moved == sorted(bench.two_classes())
    assert bench.honest.labels.names == names


def test_output_faults_change_the_scores(bench, panda):
    honest = bench.honest.classify(panda).scores
    missing = made(bench, "softmax-missing").classify(panda).scores
    assert missing.min() < 0
    np.testing.assert_allclose(np.exp(missing), honest, rtol=1e-4)
    twice = made(bench, "softmax-twice").classify(panda).scores
    assert twice.max() < 0.2
    assert twice.sum() == pytest.approx(1, abs=1e-5)
    cool = made(bench, "temperature-half").classify(panda).scores
    warm = made(bench, "temperature-2").classify(panda).scores
    assert warm.max() < honest.max() < cool.max()


def test_nan_strikes_dark_pictures_alone(bench, panda):
    damaged = made(bench, "nan-for-dark")
    dark = np.zeros_like(panda)
    first, second = damaged.classify_batch([dark, panda])
    assert np.isnan(first.scores).all()
    assert np.array_equal(second.scores, bench.honest.classify_batch([dark, panda])[1].scores)


def test_batch_and_memory_faults_give_the_scores_of_another_picture(bench, panda):
    other = panda[::-1].copy()
    first, second = (p.scores for p in bench.honest.classify_batch([panda, other]))
    assert not np.array_equal(first, second)
    mixed = made(bench, "batch-mixed-up").classify_batch([panda, other])
    assert [p.scores.tolist() for p in mixed] == [second.tolist(), first.tolist()]
    stale = made(bench, "stale-scores")
    stale.classify(panda)
    np.testing.assert_allclose(stale.classify(other).scores, first, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["layer-zeroed", "noise-1", "noise-5", "noise-20", "four-bits", "head-exchanged",
     "smaller-version", "batch-statistics", "dropout-left-on"],
)  # fmt: skip
def test_weight_faults_change_the_scores_and_not_the_view(bench, panda, name):
    damaged = made(bench, name)
    assert np.array_equal(damaged.network_view(panda), bench.honest.network_view(panda))
    scores = damaged.classify(panda).scores
    assert np.abs(scores - bench.honest.classify(panda).scores).max() > 1e-4
    if name != "dropout-left-on":  # its weights change with each call
        assert damaged.file_hash != bench.honest.file_hash
        assert np.array_equal(scores, damaged.classify(panda).scores)


def test_dropout_changes_from_call_to_call(bench, panda):
    damaged = made(bench, "dropout-left-on")
    calls = [damaged.classify(panda).scores for _ in range(3)]
    assert not np.array_equal(calls[0], calls[1])
    assert not np.array_equal(calls[0], calls[2])


def test_exchanged_head_exchanges_two_scores(bench, panda):
    first, second = bench.two_classes()
    honest = bench.honest.classify(panda).scores.copy()
    honest[[first, second]] = honest[[second, first]]
    found = made(bench, "head-exchanged").classify(panda).scores
    np.testing.assert_allclose(found, honest, atol=1e-5)


def test_half_the_speed_takes_longer_and_says_the_same(bench, panda):
    damaged = made(bench, "half-the-speed")
    assert np.array_equal(damaged.classify(panda).scores, bench.honest.classify(panda).scores)
    # Other work on the machine blurs a measurement, but hardly all of three.
    assert any(1.8 < slower_by(bench, damaged) < 2.2 for _ in range(3))
    assert any(0.8 < slower_by(bench, bench.twin()) < 1.2 for _ in range(3))


def test_smaller_version_has_half_the_channels(bench):
    weights = bench.weights()
    made_of = bench.damaged(lambda changed: None, name="untouched")
    assert np.array_equal(
        made_of.classify(np.zeros((9, 9, 3), np.uint8)).scores,
        bench.honest.classify(np.zeros((9, 9, 3), np.uint8)).scores,
    )
    from inception_harness.fault_outputs import _prune

    _prune(weights)
    for kernel in weights.kernels[:-1]:
        values = kernel.read()
        dead = (np.abs(values).reshape(-1, values.shape[-1]).max(axis=0) == 0).sum()
        assert dead == values.shape[-1] // 2


def test_real_tflite_weights_are_written_where_they_were_read(shared_store, tmp_path):
    from inception_harness.fault_files import TfliteWeights

    path = shared_store / "models/mobilenet-v1-0.25-128-quant"
    (path,) = path.glob("*.tflite")
    weights = TfliteWeights(path)
    assert len(weights.kernels) == 28  # 13 pairs of depthwise and pointwise, the first, the head
    for kernel in weights.kernels:
        kernel.write(kernel.read())
    weights.save(tmp_path / "same.tflite")
    assert (tmp_path / "same.tflite").read_bytes() == path.read_bytes()
    head = weights.kernels[-1]
    head.write(head.read() * 0)
    weights.save(tmp_path / "zero.tflite")
    assert not TfliteWeights(tmp_path / "zero.tflite").kernels[-1].read().any()
    assert TfliteWeights(tmp_path / "zero.tflite").kernels[0].read().any()


def test_batch_statistics_do_not_apply_to_a_folded_file(shared_store, monkeypatch):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(shared_store))
    with on_the_bench("mobilenet-v1-0.25-128-quant") as opened:
        with pytest.raises(NotApplicable, match="it was folded into the weights"):
            made(opened, "batch-statistics")
        with pytest.raises(NotApplicable, match="no smaller version"):
            made(opened, "smaller-version")


def test_unknown_fault_is_named_with_the_near_one():
    with pytest.raises(HarnessError) as caught:
        chosen_faults(["upside-dawn"])
    assert str(caught.value).startswith(
        "--only upside-dawn: there is no such fault. Did you mean 'upside-down'? The faults are "
        "red-and-blue-swapped, "
    )


def verdict(test, kind, outcome, margin=None):
    return Verdict(test, "A title", "", kind, "m", outcome, margin=margin)


def test_only_what_is_new_counts_as_caught():
    honest = [verdict("a", "minimum", "passed"), verdict("b", "record", "failed")]
    damaged = [
        verdict("a", "minimum", "failed", -0.25),
        verdict("b", "record", "failed"),
        verdict("c", "contract", "known failure"),
    ]
    (found,) = caught_by(honest, damaged)
    assert (found.test, found.part, found.margin_text) == ("a", "behaviours", "−25.0 %")


@pytest.mark.parametrize(
    ("kind", "part"),
    [("minimum", "behaviours"), ("invariance", "behaviours"), ("direction", "behaviours"),
     ("contract", "contract"), ("record", "record"), ("baseline", "baseline"),
     ("parity", "baseline"), ("throughput", "throughput")],
)  # fmt: skip
def test_kinds_belong_to_parts(kind, part):
    assert part_of(verdict("a", kind, "failed")) == part


def test_table_tells_survivors_and_what_stored_scores_alone_saw():
    by_record = (Caught("test_record.py::test_r", "R", "record", "failed"),)
    run = FaultRun(
        "m", "tensorflow", 50,
        (
            FaultResult("a", "fault a", caught=by_record),
            FaultResult("b", "fault b"),
            FaultResult("c", "fault c", reason="there is none"),
        ),
        seconds=12.4,
    )  # fmt: skip
    assert run.summary == (
        "m: 1 of 2 faults caught, 0 of them without stored scores; survived: b; "
        "1 do not apply. 12 s."
    )
    lines = markdown_table(run).splitlines()
    assert lines[2] == "| fault a | yes, by stored scores alone |  |  | 1 |  |  | `test_r` |"
    assert lines[3] == "| fault b | **no** |  |  |  |  |  |  |"
    assert lines[4] == "| fault c | does not apply |  |  |  |  |  | there is none |"


def test_halves_make_a_whole():
    (_, quick), (_, thorough) = half_options("quick"), half_options("thorough")
    assert quick == f"not ({thorough})"
    assert half_options("whole") == []


@pytest.mark.heavy
def test_command_tells_what_became_of_faults(tmp_path: Path, capsys):
    out, page = tmp_path / "faults.json", tmp_path / "faults.md"
    only = ["upside-down", "labels-sorted"]
    code = cli.main(
        ["faults", "--model", "miniature", "--only", *only,
         "--json", str(out), "--markdown", str(page)]
    )  # fmt: skip
    told = capsys.readouterr().out
    assert code == 0
    assert "miniature: 2 of 2 faults caught, 2 of them without stored scores." in told
    assert [r["name"] for r in json.loads(out.read_text())["results"]] == only
    assert "| flipped upside down | yes |" in page.read_text()


def test_command_lists_the_faults(capsys):
    assert cli.main(["faults", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(BY_NAME)


def test_model_of_a_factory_is_refused(capsys):
    assert cli.main(["faults", "--model", "tests.doubles:colours"]) == 3
    assert "a model made by a factory has none. Write a card for it." in capsys.readouterr().err
