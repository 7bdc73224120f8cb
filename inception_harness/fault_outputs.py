"""Faults of labels, outputs and service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from inception_harness.classifier import Classifier, load
from inception_harness.engines import Float32
from inception_harness.errors import HarnessError
from inception_harness.fault_bench import Bench, Fault, NotApplicable
from inception_harness.labels import Labels

__all__ = ["OUTPUT_FAULTS"]

_DARK = 32  # mean level of 0..255 below which the fault of dark pictures strikes


def _off_by_one(bench: Bench) -> Classifier:
    labels = bench.honest.labels
    return bench.twin(
        labels=Labels(
            (*labels.names[1:], labels.names[0]),
            (*labels.wnids[1:], labels.wnids[0]),
        )
    )


def _sorted_by_name(bench: Bench) -> Classifier:
    labels = bench.honest.labels
    pairs = zip(labels.names, labels.wnids, strict=True)
    ordered = sorted(pairs, key=lambda pair: (pair[0] is None, (pair[0] or "").casefold()))
    return bench.twin(labels=Labels(tuple(p[0] for p in ordered), tuple(p[1] for p in ordered)))


def _two_swapped(bench: Bench) -> Classifier:
    first, second = bench.two_classes()
    names, wnids = list(bench.honest.labels.names), list(bench.honest.labels.wnids)
    for column in (names, wnids):
        column[first], column[second] = column[second], column[first]
    return bench.twin(labels=Labels(tuple(names), tuple(wnids)))


def _finished(change: Callable[[Float32], Float32]) -> Callable[[Bench], Classifier]:
    """Return what makes a model whose probabilities are changed."""

    def make(bench: Bench) -> Classifier:
        def finish(outputs: Float32) -> Float32:
            return change(bench.honest.stages.finish(outputs)).astype(np.float32)

        return bench.twin(finish=finish)

    return make


def _logits(scores: Float32) -> Float32:
    # A probability gives its logit back but for a constant. Where quantisation has made it zero,
    # half of the smallest that is left stands for it.
    smallest = float(scores[scores > 0].min()) / 2
    logits: Float32 = np.log(np.maximum(scores, smallest))
    return logits


def _softmax(logits: Float32) -> Float32:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Float32 = shifted / shifted.sum(axis=1, keepdims=True)
    return scores


def _missing(bench: Bench) -> Classifier:
    if bench.honest.card.output.kind == "logits":
        return bench.twin(finish=lambda outputs: outputs)
    return _finished(_logits)(bench)


def _nan_for_dark(bench: Bench) -> Classifier:
    dark = [False]

    def scale(views: Float32) -> Float32:
        dark[:] = [bool(view.mean() < _DARK) for view in views]
        return bench.honest.stages.scale(views)

    def finish(outputs: Float32) -> Float32:
        scores = bench.honest.stages.finish(outputs).copy()
        scores[np.array(dark)] = np.nan
        return scores

    return bench.twin(scale=scale, finish=finish)


def _mixed_up(bench: Bench) -> Classifier:
    return bench.twin(run=lambda batch: np.roll(bench.honest.stages.run(batch), 1, axis=0))


def _stale(bench: Bench) -> Classifier:
    kept: list[Float32] = []

    def run(batch: Float32) -> Float32:
        fresh = bench.honest.stages.run(batch)
        before = kept.pop() if kept else fresh[:1]
        kept.append(fresh[-1:])
        return np.concatenate([before, fresh[:-1]])

    return bench.twin(run=run)


def _half_speed(bench: Bench) -> Classifier:
    def run(batch: Float32) -> Float32:
        bench.honest.stages.run(batch)
        return bench.honest.stages.run(batch)

    return bench.twin(run=run)


_SMALLEST = "mobilenet-v1-0.25-128-quant"


def _smaller(bench: Bench) -> Classifier:
    card = bench.honest.card
    if card.model.format == "graphdef":
        return bench.damaged(_prune, name="smaller")
    if not card.name.startswith("mobilenet-") or card.name == _SMALLEST:
        raise NotApplicable("no smaller version of this model is known here")
    try:
        small = load(_SMALLEST, store=bench.models.store)
    except HarnessError as error:
        raise NotApplicable(f"the smaller version is not at hand: {error}") from error
    bench.opened.callback(small.close)
    small.name = card.name
    small.card = replace(small.card, name=card.name)
    small.labels = bench.honest.labels
    return small


def _prune(weights: object) -> None:
    """Leave each layer but the last the stronger half of what it gives: a narrower network."""
    for kernel in weights.kernels[:-1]:  # type: ignore[attr-defined]  # of the format's own class
        values = kernel.read()
        channels = np.moveaxis(values, kernel.output_axis, 0)
        strength = np.square(channels.reshape(len(channels), -1)).sum(axis=1)
        channels[np.argsort(strength)[: len(channels) // 2]] = 0
        kernel.write(values)


OUTPUT_FAULTS = (
    Fault("labels-off-by-one", "labels off by one", _off_by_one),
    Fault("labels-sorted", "labels sorted by name", _sorted_by_name),
    Fault("two-labels-swapped", "two labels swapped, of classes on the pictures", _two_swapped),
    Fault("softmax-missing", "softmax missing", _missing),
    Fault("softmax-twice", "softmax taken twice", _finished(_softmax)),
    Fault(
        "temperature-2",
        "softmax at temperature 2 where 1 is due",
        _finished(lambda scores: _softmax(_logits(scores) * np.float32(0.5))),
    ),
    Fault(
        "temperature-half",
        "softmax at temperature 1/2 where 1 is due",
        _finished(lambda scores: _softmax(_logits(scores) * 2)),
    ),
    Fault("nan-for-dark", "NaN for very dark pictures", _nan_for_dark),
    Fault("batch-mixed-up", "entries of a batch mixed up", _mixed_up),
    Fault("smaller-version", "a smaller version under the larger one's name", _smaller),
    Fault("stale-scores", "scores of the picture before", _stale),
    Fault("half-the-speed", "each batch computed twice", _half_speed, about_speed=True),
)
