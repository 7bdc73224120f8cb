"""What the machine allows: its fastest matrix product, and what a picture costs of it.

Convolutions and matrix products are nearly all that these networks compute, and a convolution
cannot be faster than a matrix product of as many multiplications, short of tricks such as
Winograd's. So rate x cost / limit tells how much of the machine an engine uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["count_flop", "matrix_products"]

# Square matrices: the larger ones no longer fit into the caches of small machines, the smaller
# ones leave large machines idle. The faster size counts.
_SIZES = (1024, 2048)
_CHAIN = {1024: 16, 2048: 4}  # products in a call, so that starting it weighs little


def count_flop(card: Card, path: Path, cache: Path) -> float | None:
    """Return the floating point operations that one picture costs.

    Two for each multiplication and addition of convolutions and matrix products; the rest is
    below 1 % in these networks. Read off the graph that OpenVINO makes of the model; None where
    OpenVINO is not installed or cannot tell.

    Raises:
        EngineError: OpenVINO cannot read the model.
    """
    try:
        import openvino
    except ImportError:
        return None
    from inception_harness.engines.openvino_models import read_model

    model, _, _ = read_model(openvino.Core(), card, path, cache)
    picture = model.inputs[0].partial_shape
    model.reshape([1, *(dimension.get_length() for dimension in list(picture)[1:])])
    operations = [_flop_of(operation) for operation in model.get_ordered_ops()]
    total = sum(operations)
    return float(total) or None


def _flop_of(operation: Any) -> int:
    kind = operation.get_type_name()
    if kind not in ("Convolution", "GroupConvolution", "MatMul"):
        return 0
    out = prod(int(n) for n in operation.output(0).shape)
    weights = [int(n) for n in operation.input_value(1).shape]
    if kind == "Convolution":  # outputs, inputs, height, width
        return 2 * out * prod(weights[1:])
    if kind == "GroupConvolution":  # groups, outputs, inputs, height, width
        return 2 * out * prod(weights[2:])
    transposed = operation.get_attributes()["transpose_a"]
    inner = int(operation.input_value(0).shape[-2 if transposed else -1])
    return 2 * out * inner


def matrix_products(
    precision: str, threads: int
) -> Mapping[str, tuple[Callable[[], object], float]]:
    """Return ways to multiply matrices in a precision, ``f32`` or ``bf16``.

    Returns:
        By name: a function that multiplies, and how many floating point operations a call costs.
        Empty where no installed package computes in that precision.
    """
    ways: dict[str, tuple[Callable[[], object], float]] = {}
    for size in _SIZES:
        cost = 2.0 * size**3 * _CHAIN[size]
        product = _by_openvino(size, precision, threads)
        if product is not None:
            ways[f"openvino {size}"] = (product, cost)
        elif precision == "f32":  # NumPy's library can be half as fast, so it comes second
            ways[f"numpy {size}"] = (_by_numpy(size), cost)
    return ways


def _matrices(size: int) -> list[Any]:
    rng = np.random.default_rng(0)
    # Products of such matrices keep their scale.
    spread = np.float32(size**-0.5)
    return [rng.standard_normal((size, size), np.float32) * spread for _ in range(_CHAIN[size] + 1)]


def _by_numpy(size: int) -> Callable[[], object]:
    first, *others = _matrices(size)

    def multiply() -> object:
        value = first
        for other in others:
            value = value @ other
        return value

    return multiply


def _by_openvino(size: int, precision: str, threads: int) -> Callable[[], object] | None:
    try:
        import openvino
        from openvino import opset13
    except ImportError:
        return None
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return None
    first, *others = _matrices(size)
    entry = opset13.parameter([size, size], np.float32)
    value = entry
    for other in others:
        value = opset13.matmul(value, opset13.constant(other), False, False)
    config = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(openvino.Model([value], [entry]), "CPU", config)
    request = compiled.create_infer_request()
    return lambda: request.infer([first], share_inputs=True, share_outputs=True)
