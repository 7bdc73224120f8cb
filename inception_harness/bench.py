"""Speed, measured in one run: all ways in turn, round after round.

What slows the machine down for a while then slows all of them, and ratios stay true. Nothing is
remembered between rounds: engines and classifiers are called directly, with all pictures.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from inception_harness.bench_cold import LOOP, cold_start
from inception_harness.bench_data import BenchReport, Limit, Speed
from inception_harness.bench_limits import count_flop, matrix_products
from inception_harness.bench_loop import has_loop, open_loop
from inception_harness.engines import ENGINES_BY_FORMAT, EngineSpec, Float32
from inception_harness.errors import EngineError, PictureError
from inception_harness.store import Store

if TYPE_CHECKING:
    from inception_harness.cards import Card
    from inception_harness.classifier import Classifier

__all__ = ["BATCHES", "Settings", "batched_against_loop", "default_engines", "measure"]

BATCHES = (1, 8, 32)
_ENDINGS = (".jpg", ".jpeg")
_TEN = 10
# Seconds. Threads of one library wait actively for more work before they sleep, OpenBLAS's for up
# to a tenth of a second, and would take the next way's time.
_REST = 0.15
_PRODUCTS = 0.2  # seconds of matrix products in a round, at least


@dataclass(frozen=True)
class Settings:
    """How a benchmark is run.

    Attributes:
        count: pictures in each round of each way.
        rounds: how often each way is measured, after one round to warm up.
        batches: the sizes at which engines are measured.
        cold: how many cold starts of each engine; 0 for none.
    """

    count: int = 32
    rounds: int = 5
    batches: tuple[int, ...] = BATCHES
    cold: int = 2


@dataclass(frozen=True)
class _Way:
    """One way to compute a round; `precision` decides which limit it is compared with."""

    name: str
    kind: str
    engine: str
    precision: str
    batch: int | None
    call: Callable[[], object]


def measure(
    spec: str,
    engines: Sequence[EngineSpec | None],
    *,
    pictures: Path | None = None,
    store: Store | None = None,
    settings: Settings | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> BenchReport:
    """Measure a model.

    Args:
        spec: the model, as after ``--model``.
        engines: what computes; None for the default, the only one a factory's model has.
        pictures: a folder of JPEG files; None for the model's picture set.
        store: where files are.
        settings: how much is measured.
        say: told what is being done.

    Raises:
        HarnessError: the model or an engine cannot be loaded, or the folder has no JPEG files.
    """
    from inception_harness.classifier import load

    how, where = settings or Settings(), store or Store()
    with ExitStack() as stack:
        say("loading")
        loaded = [
            stack.enter_context(load(spec, engine=_with_batch(engine, how), store=where))
            for engine in engines
        ]
        card = loaded[0].card
        names = [str(engine) if engine else loaded[0].engine_title for engine in engines]
        files, told = _jpeg_files(card, pictures, where, stack)
        paths = list(islice(cycle(files), how.count))
        notes: list[str] = []
        ways = [_loop(spec, card, loaded[0], paths, where, notes)]
        if card.model.format in ("keras", "keras-application"):
            ways.append(_keras(card, loaded[0], paths, where))
        for name, classifier in zip(names, loaded, strict=True):
            ways += _engine_ways(name, classifier, paths, how)
        flop = _flop(card, where, notes)
        threads = loaded[0].engine.threads
        precisions = sorted({way.precision for way in ways}, reverse=True)
        # Where the cost of a picture is not known, neither is anything's share of the limit.
        products = {
            each: matrix_products(each, threads)
            for each in precisions
            if flop and "int8" not in each
        }
        rates, limits = _rounds(ways, products, how, say)
        colds = _cold_starts(spec, card, engines, files, where, how, say)
        speeds = _speeds(ways, rates, limits, flop, colds)
        return BenchReport(
            loaded[0].name, told, how.count, how.rounds, threads, flop, speeds,
            tuple(limits.values()), tuple(notes),
        )  # fmt: skip


def default_engines(spec: str) -> list[EngineSpec | None]:
    """Return every engine and precision that is installed and can run a model.

    Raises:
        CardError: the spec names nothing.
    """
    import importlib.util

    from inception_harness.cards import find_card
    from inception_harness.own_models import names_a_factory

    if names_a_factory(spec):
        return [None]
    found: list[EngineSpec | None] = []
    for name in ENGINES_BY_FORMAT[find_card(spec).model.format]:
        if name == "openvino" and importlib.util.find_spec("openvino"):
            import openvino

            found.append(EngineSpec(name, "f32"))
            if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
                found.append(EngineSpec(name, "bf16"))
        elif name != "openvino" and (name != "onnxruntime" or importlib.util.find_spec(name)):
            found.append(EngineSpec(name))
    return found


def batched_against_loop(
    spec: str,
    classifier: Classifier,
    files: Sequence[Path],
    *,
    store: Store | None = None,
    count: int = 16,
    rounds: int = 5,
) -> tuple[str, float]:
    """Measure how many times as fast as the loop a classifier scores many files, in one run.

    Both take turns, round after round, after one to warm up; nothing is remembered.

    Args:
        spec: of the classifier's model, as after ``--model``.
        classifier: the loaded model, which scores in batches.
        files: pictures; what is not JPEG is saved as JPEG first.
        store: where the model's files are.
        count: pictures in each round.
        rounds: how often both are measured.

    Returns:
        What the loop was, "tutorial's loop" or one picture at a time; the median ratio.
    """
    with tempfile.TemporaryDirectory() as folder:
        jpeg = [_jpeg_file(path, Path(folder)) for path in files]
        paths = list(islice(cycle(jpeg), count))
        loop = _loop(spec, classifier.card, classifier, paths, store or Store(), [])
        ratios = []
        for _ in range(rounds + 1):
            alone = _seconds(loop.call)
            ratios.append(alone / _seconds(lambda: classifier.classify_batch(paths)))
    return loop.name, median(ratios[1:])


def _with_batch(engine: EngineSpec | None, how: Settings) -> EngineSpec | None:
    """Let an engine take the largest batch that is measured as one."""
    if engine is None or engine.batch is not None:
        return engine
    return replace(engine, batch=max(how.batches))


def _jpeg_files(
    card: Card, folder: Path | None, store: Store, stack: ExitStack
) -> tuple[list[Path], str]:
    """Return JPEG files, and a word on them; pictures of other formats are saved as JPEG."""
    from inception_harness.pictures import find_picture_set

    if folder is not None:
        if not folder.is_dir():
            raise PictureError(f"--pictures {folder}: expected a folder of JPEG files.")
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
        if not found:
            raise PictureError(
                f"--pictures {folder}: there is no file that ends in {' or '.join(_ENDINGS)}."
            )
        return found, f"{len(found)} of {folder.name}"
    picture_set = find_picture_set(card.pictures, store).fetch(store)
    made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    files = [_jpeg_file(picture.path, made) for picture in picture_set.pictures.values()]
    return files, f"{len(files)} of {picture_set.name}"


def _jpeg_file(path: Path, folder: Path) -> Path:
    """Return the file itself where it is JPEG, else a copy in `folder` that is."""
    if path.suffix.lower() in _ENDINGS:
        return path
    from PIL import Image

    from inception_harness import images

    buffer = io.BytesIO()
    Image.fromarray(images.decode(path)).save(buffer, "JPEG", quality=95)
    target = folder / f"{path.stem}.jpg"
    target.write_bytes(buffer.getvalue())
    return target


def _loop(
    spec: str,
    card: Card,
    default: Classifier,
    paths: Sequence[Path],
    store: Store,
    notes: list[str],
) -> _Way:
    """Return the tutorial's loop, or one picture after the other where no graph decodes JPEG."""
    if has_loop(card):
        score: Callable[[Path], object] = open_loop(spec, store)
        name, engine = LOOP, "tensorflow"
    else:
        score, engine = default.classify, default.engine_title
        name = f"one at a time, {engine}"
        notes.append(
            f"{card.name} decodes no JPEG itself, so the tutorial's loop is not possible; the "
            f"loop here is one picture at a time on {engine}."
        )
    precision = "f32" if has_loop(card) else default.engine.precision
    return _Way(name, "loop", engine, precision, 1, lambda: [score(path) for path in paths])


def _keras(card: Card, classifier: Classifier, paths: Sequence[Path], store: Store) -> _Way:
    from inception_harness.engines.tensorflow_engine import load_keras

    model: Any = load_keras(card, card.local_folder(store) / card.model.file)
    batch = _seen(classifier, paths)
    return _Way(
        "keras predict", "keras", "tensorflow", "f32", None,
        lambda: model.predict(batch, verbose=0),
    )  # fmt: skip


def _seen(classifier: Classifier, paths: Sequence[Path]) -> Float32:
    """Return what the engine is fed for some files, each decoded once."""
    stages = classifier.stages
    views = {path: stages.view(stages.decode(path), None) for path in dict.fromkeys(paths)}
    return stages.scale(np.stack([views[path] for path in paths]))


def _engine_ways(
    name: str, classifier: Classifier, paths: Sequence[Path], how: Settings
) -> list[_Way]:
    batch = _seen(classifier, paths)
    run, precision = classifier.engine.run, classifier.engine.precision
    # Larger ones would be told of and not computed: an engine splits what it cannot take at once.
    most = min(classifier.engine.batch, how.count)
    sizes = [size for size in how.batches if size <= most] or [most]

    def alone(size: int) -> Callable[[], object]:
        return lambda: [run(batch[k : k + size]) for k in range(0, len(batch), size)]

    ways = [
        _Way(f"{name}, batch {size}", "engine", name, precision, size, alone(size))
        for size in sizes
    ]
    # Small against a round: the first batch has to be decoded before the engine can start.
    size = min(16 if how.count >= 64 else 8, max(sizes))
    ways.append(
        _Way(
            f"{name}, from JPEG files", "pipeline", name, precision, None,
            lambda: classifier.classify_batch(paths, batch_size=size),
        )
    )  # fmt: skip
    return ways


def _flop(card: Card, store: Store, notes: list[str]) -> float | None:
    if card.model.format == "own":
        return None
    path = card.local_folder(store) / card.model.file
    try:
        flop = count_flop(card, path, store.folder("converted"))
    except EngineError as error:
        notes.append(f"The share of the limit is not known: {error}")
        return None
    if flop is None:
        notes.append(
            "The share of the limit is not known: counting a picture's operations needs "
            "`pip install inception-harness[openvino]`."
        )
    return flop


def _rounds(
    ways: Sequence[_Way],
    products: dict[str, Any],
    how: Settings,
    say: Callable[[str], None],
) -> tuple[list[list[float]], dict[str, Limit]]:
    """Return pictures per second of each way and round, and the limits by precision."""
    rates: list[list[float]] = [[] for _ in ways]
    found: dict[tuple[str, str], list[float]] = {
        (precision, name): [] for precision, all_of in products.items() for name in all_of
    }
    for number in range(how.rounds + 1):  # the first one warms up
        say(f"round {number} of {how.rounds}" if number else "warming up")
        for way, row in zip(ways, rates, strict=True):
            row.append(how.count / _seconds(way.call))
        for (precision, name), row in found.items():
            row.append(_products_rate(*products[precision][name]))
    limits: dict[str, Limit] = {}
    for (precision, name), row in found.items():
        limit = Limit(precision, name, tuple(row[1:]))
        known = limits.get(precision)
        if known is None or median(limit.rates) > median(known.rates):
            limits[precision] = limit
    return [row[1:] for row in rates], limits


def _seconds(call: Callable[[], object]) -> float:
    time.sleep(_REST)
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _products_rate(multiply: Callable[[], object], cost: float) -> float:
    """Return floating point operations per second, the first call left out."""
    _seconds(multiply)
    calls, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < _PRODUCTS or not calls:
        multiply()
        calls += 1
    return calls * cost / spent


def _cold_starts(
    spec: str,
    card: Card,
    engines: Sequence[EngineSpec | None],
    files: Sequence[Path],
    store: Store,
    how: Settings,
    say: Callable[[str], None],
) -> dict[str, tuple[float, float]]:
    """Return the medians of the seconds to the first prediction and to ten, by engine."""
    ten = list(islice(cycle(files), _TEN))
    names = [str(engine or "") for engine in engines]
    if has_loop(card):
        names.insert(0, LOOP)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(how.cold):
        for name, row in times.items():
            say(f"cold start {number + 1} of {how.cold}: {name or 'the default engine'}")
            row.append(cold_start(spec, name, ten, store.home))
    return {
        name: (median(t[0] for t in row), median(t[1] for t in row))
        for name, row in times.items()
        if row
    }


def _speeds(
    ways: Sequence[_Way],
    rates: Sequence[Sequence[float]],
    limits: dict[str, Limit],
    flop: float | None,
    colds: dict[str, tuple[float, float]],
) -> tuple[Speed, ...]:
    speeds = []
    alone: dict[str, list[Sequence[float]]] = {}
    for way, row in zip(ways, rates, strict=True):
        if way.kind == "engine":
            alone.setdefault(way.engine, []).append(row)
    for way, row in zip(ways, rates, strict=True):
        limit = limits.get(way.precision)
        share = median(row) * flop / median(limit.rates) if limit and flop else None
        cold = {"loop": colds.get(LOOP), "pipeline": colds.get(way.engine)}.get(way.kind)
        first, ten = cold or (None, None)
        of_engine = None
        if way.kind == "pipeline":
            best = max(alone[way.engine], key=median)
            of_engine = _ratio(row, best)
        speeds.append(
            Speed(
                way.name, way.kind, way.engine, way.precision, way.batch, tuple(row),
                _ratio(row, rates[0]), share, first, ten, of_engine,
            )
        )  # fmt: skip
    return tuple(speeds)


def _ratio(row: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return median(rate / base for rate, base in zip(row, other, strict=True))
