"""Faults of the weights: the model's file is changed, and loaded anew."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from inception_harness.classifier import Classifier
from inception_harness.engines import Float32
from inception_harness.fault_bench import Bench, Fault, NotApplicable
from inception_harness.fault_files import GraphWeights

__all__ = ["WEIGHT_FAULTS"]

_DROPPED = 0.2  # the share of the values before the classes that dropout sets to zero
_MASKS = 3  # more than one, and no divisor of the two calls between a picture and its repetition


def _layer_zeroed(bench: Bench) -> Classifier:
    def change(weights: Any) -> None:
        kernel = weights.kernels[len(weights.kernels) // 2]
        kernel.write(np.zeros_like(kernel.read()))

    return bench.damaged(change)


def _noised(share: float) -> Callable[[Bench], Classifier]:
    """Return what makes a model with normal noise on its weights.

    Args:
        share: the noise's deviation, as a share of that of the weights that make one channel. The
            channels of a quantised kernel differ much in size, and share one step.
    """

    def make(bench: Bench) -> Classifier:
        rng = bench.rng()

        def change(weights: Any) -> None:
            for kernel in weights.kernels:
                values = kernel.read()
                inner = tuple(range(1, values.ndim)) if kernel.output_axis == 0 else None
                axes = inner or tuple(range(values.ndim - 1))
                deviation = values.std(axis=axes, keepdims=True)
                kernel.write(values + rng.normal(0, 1, values.shape) * share * deviation)

        return bench.damaged(change)

    return make


def _four_bits(bench: Bench) -> Classifier:
    def change(weights: Any) -> None:
        for kernel in weights.kernels:
            values = kernel.read()
            low, high = values.min(), values.max()
            step = (high - low) / 15 or 1  # 16 levels
            kernel.write(low + np.rint((values - low) / step) * step)

    return bench.damaged(change)


def _head_exchanged(bench: Bench) -> Classifier:
    first, second = bench.two_classes()

    def change(weights: Any) -> None:
        head = weights.kernels[-1]
        given, classes = head.read().shape[head.output_axis], len(bench.honest.labels)
        if given != classes:
            raise NotApplicable(
                f"the last layer that is found gives {given} values, not the {classes} classes"
            )
        head.exchange(first, second)

    return bench.damaged(change)


def _dropout(bench: Bench) -> Classifier:
    rng = bench.rng()

    def change(weights: Any) -> None:
        head = weights.kernels[-1]
        values = head.read()
        rows = np.moveaxis(values, 0 if head.output_axis == -1 else -1, 0)
        kept = rng.random(len(rows)) >= _DROPPED
        rows[~kept] = 0
        rows[kept] /= 1 - _DROPPED
        head.write(values)

    # To drop a value before the classes is to zero its weights in the head. A quantised head is
    # cut at the ends of its range.
    networks = [bench.damaged(change, name=f"dropout-{n}") for n in range(_MASKS)]
    turn = cycle(network.engine.run for network in networks)

    def run(batch: Float32) -> Float32:
        return next(turn)(batch)

    return bench.twin(run=run)


def _batch_statistics(bench: Bench) -> Classifier:
    weights = bench.weights()
    if not isinstance(weights, GraphWeights):
        raise NotApplicable("the file has no batch normalisation: it was folded into the weights")
    layers = [n for n in weights.graph.node if n.op.startswith("FusedBatchNorm")]
    if not layers:
        raise NotApplicable("the graph has no FusedBatchNorm, which alone has this switch")

    def change(changed: Any) -> None:
        for node in changed.graph.node:
            if node.op.startswith("FusedBatchNorm"):
                node.attr["is_training"].b = True

    return bench.damaged(change)


WEIGHT_FAULTS = (
    Fault("batch-statistics", "batch statistics instead of stored ones", _batch_statistics),
    Fault("dropout-left-on", "dropout of 20 % left on before the classes", _dropout),
    Fault("layer-zeroed", "the middle layer's weights zeroed", _layer_zeroed),
    Fault("noise-1", "weights noised by 1 % of their deviation", _noised(0.01)),
    Fault("noise-5", "weights noised by 5 %", _noised(0.05)),
    Fault("noise-20", "weights noised by 20 %", _noised(0.20)),
    Fault("four-bits", "weights rounded to 4 bits", _four_bits),
    Fault("head-exchanged", "the head's weights of two classes exchanged", _head_exchanged),
)
