"""How fast: load, one picture, batches, and the way to the network alone (pytest-benchmark).

One behaviour guards a ratio; times on their own say nothing of a model, and are only told.

Off by default; ``--benchmark-enable`` or ``--benchmark-only`` turns them on. Nothing here reads a
remembered prediction: each round computes anew.
"""

import pytest

from inception_harness import images
from inception_harness.bench import batched_against_loop
from inception_harness.bench_cold import LOOP
from inception_harness.classifier import load
from inception_harness.prediction import note
from inception_harness.results import Observation

pytestmark = pytest.mark.throughput

# Times as fast as the loop. Batches, a graph folded and decoding ahead make up for more than this
# on two cores (README); one that is no faster has lost one of them. Where no graph decodes JPEG the
# loop is the same engine, one picture at a time, and on one core batches need not win.
REQUIRED = {True: 1.2, False: 0.8}


@pytest.fixture
def told(benchmark, classifier, harness_subject):
    """Return a function that runs a benchmark and notes rate and environment beside it."""

    def run(function, pictures_each_round, **extra):
        benchmark.extra_info.update(
            model=classifier.name,
            subject=harness_subject.key,
            file_hash=classifier.file_hash,
            engine=f"{classifier.engine.name} {classifier.engine.version}",
            precision=classifier.engine.precision,
            threads=classifier.engine.threads,
            **extra,
        )
        result = benchmark(function)
        if benchmark.stats is not None:
            rate = pictures_each_round / benchmark.stats.stats.median
            benchmark.extra_info["pictures_per_second"] = round(rate, 2)
        return result

    return run


@pytest.mark.benchmark(group="load", min_rounds=2, max_time=1)
def test_load(told, harness_subject):
    """From files to a model that is ready to compute."""
    told(lambda: load(harness_subject.spec, engine=harness_subject.engine).close(), 0)


@pytest.mark.benchmark(group="classify")
def test_one_picture(told, classifier, pictures):
    """One file at a time, as the tutorial does it."""
    path = pictures[next(iter(pictures))].path
    assert told(lambda: classifier.classify(path), 1).scores.shape == (len(classifier.labels),)


@pytest.mark.benchmark(group="classify")
@pytest.mark.parametrize("size", [1, 8, 32])
def test_batch(told, classifier, pictures, size):
    """The whole picture set again and again, in batches of a size."""
    paths = [pictures[role].path for role in pictures] * 4
    paths = paths[:32]
    said = told(lambda: classifier.classify_batch(paths, batch_size=size), len(paths), batch=size)
    assert len(said) == len(paths)


@pytest.mark.benchmark(group="way to the network")
def test_decode_and_resize(told, classifier, pictures):
    """Decoding and resizing alone, without the network."""
    paths = [pictures[role].path for role in pictures]
    form = classifier.card.input

    def see():
        return [
            images.network_view(images.decode(path), classifier.size, form.fit, form.resize)
            for path in paths
        ]

    assert len(told(see, len(paths))) == len(paths)


def test_batches_beat_the_tutorials_loop(classifier, harness_subject, pictures):
    """Many files at once take less time than one after the other, both measured in turns."""
    files = [pictures[role].path for role in pictures]
    loop, ratio = batched_against_loop(harness_subject.spec, classifier, files)
    required = REQUIRED[loop == LOOP]
    what = f"speed of batches, the {loop} being 1"
    note(Observation(what, ratio, ">", required, ratio - required, unit="times"))
    if not ratio > required:
        pytest.fail(f"{what}: {ratio:.2f} times, should be > {required} times", pytrace=False)
