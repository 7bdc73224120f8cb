"""Faults of the input are what their names say, whatever scaling and resize a card states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.fault_bench import NotApplicable
from inception_harness.faults import FAULTS, on_the_bench

BY_NAME = {fault.name: fault for fault in FAULTS}
PIXEL = (10.0, 20.0, 30.0)
MEANS, STDS = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


@pytest.fixture(scope="module")
def miniature():
    with on_the_bench("miniature") as opened:
        yield opened


@pytest.fixture
def bench_of(miniature):
    """Return a function that makes a bench whose card states another input."""

    def make(engine=None, **form):
        honest = miniature.honest
        card = replace(honest.card, input=replace(honest.card.input, **form))
        return replace(
            miniature, honest=Classifier(card, engine or honest.engine, honest.labels, "")
        )

    return make


def given(bench, name):
    """Return what the network gets of a view whose every pixel is PIXEL."""
    stages = bench.honest.stages if name is None else BY_NAME[name].make(bench).stages
    return stages.scale(np.full((1, 2, 2, 3), PIXEL, np.float32))[0, 0, 0]


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("scaled-to-one", {"channels": "bgr"}, [30 / 255, 20 / 255, 10 / 255]),
        ("scaled-to-one", {"mean": MEANS, "std": STDS}, [10 / 255, 20 / 255, 30 / 255]),
        ("scaled-twice", {"std": (255.0,) * 3}, [n / 255**2 for n in PIXEL]),
        ("scaled-twice", {"mean": (128.0,) * 3, "std": (128.0,) * 3},
         [((n - 128) / 128 - 128) / 128 for n in PIXEL]),
        ("scaled-twice", {"mean": MEANS, "channels": "bgr"}, [30 - 200, 20 - 220, 10 - 240]),
        ("mean-not-subtracted", {"mean": MEANS, "std": STDS}, [10 / 50, 20 / 60, 30 / 70]),
        ("mean-not-subtracted", {"mean": MEANS, "std": STDS, "channels": "bgr"},
         [30 / 50, 20 / 60, 10 / 70]),
        ("red-and-blue-swapped", {"mean": (1.0,) * 3, "channels": "bgr"}, [9, 19, 29]),
    ],
)  # fmt: skip
def test_scaling_faults_do_what_they_say_and_nothing_else(bench_of, name, form, expected):
    bench = bench_of(**form)
    np.testing.assert_allclose(given(bench, name), expected, rtol=1e-5)
    assert not np.allclose(given(bench, name), given(bench, None))


@pytest.mark.parametrize(
    ("name", "form", "reason"),
    [
        ("scaled-to-one", {"std": (255.0,) * 3}, "meant to have pictures scaled to 0..1"),
        ("mean-not-subtracted", {}, "mean is 0: nothing is subtracted"),
        ("mean-not-subtracted", {"std": (255.0,) * 3}, "mean is 0: nothing is subtracted"),
        ("antialias-switched", {"resize": "bicubic"}, "the resize bicubic is not to be had both"),
        ("nearest", {"resize": "nearest"}, "meant to have nearest"),
        ("cropped", {"fit": "crop"}, "meant to have crop"),
    ],
)
def test_faults_that_would_change_nothing_do_not_apply(bench_of, name, form, reason):
    with pytest.raises(NotApplicable, match=reason):
        BY_NAME[name].make(bench_of(**form))


def test_antialias_alone_is_switched_in_the_resize_of_2015(bench_of):
    bench = bench_of(resize="bilinear-legacy", width=16, height=12)
    seen = BY_NAME["antialias-switched"].make(bench).network_view
    width, height = bench.honest.size
    ramp = np.arange(4 * height, dtype=np.uint8)[:, None, None]
    pixels = np.broadcast_to(ramp, (4 * height, 4 * width, 3)).copy()
    # A ramp averaged about a place is its value there: only an alignment that moved would show.
    honest = bench.honest.network_view(pixels)
    flat = slice(2, height - 2)
    np.testing.assert_allclose(seen(pixels)[flat], honest[flat], atol=1e-4)
    moved = images.network_view(pixels, bench.honest.size, "squeeze", "bilinear") / 255
    assert np.abs(moved[flat] - honest[flat]).min() > 1 / 255
    # Noise is averaged away, which sampling single pixels does not do.
    noise = np.random.default_rng(1).integers(0, 256, pixels.shape, np.uint8)
    assert seen(noise).std() < bench.honest.network_view(noise).std() / 1.5


class ReadingEngine:
    """An engine whose model decodes and resizes plain JPEG by itself."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def view(self, picture):
        raise AssertionError("not asked here")


@pytest.mark.parametrize(
    "name",
    ["upside-down", "nearest", "antialias-switched", "cropped", "decoded-small", "jpeg-10"],
)
def test_faults_that_never_strike_plain_jpeg_do_not_apply(bench_of, miniature, name):
    assert BY_NAME[name].make(miniature)
    with pytest.raises(NotApplicable, match="the graph itself decode and resize plain JPEG"):
        BY_NAME[name].make(bench_of(ReadingEngine(miniature.honest.engine)))


@pytest.mark.parametrize("name", ["exif-ignored", "alpha-on-black", "red-and-blue-swapped"])
def test_faults_of_other_files_and_of_numbers_apply_there_too(bench_of, miniature, name):
    assert BY_NAME[name].make(bench_of(ReadingEngine(miniature.honest.engine)))
