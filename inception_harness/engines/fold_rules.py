"""What folding does with each op that depends on the pictures.

A rule writes the op's counterpart into the draft, or raises `NotUnderstoodError`. Every rule keeps
pictures apart: the first dimension is the batch before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from inception_harness.engines.fold_draft import Draft, NotUnderstoodError, attribute, float_type

__all__ = ["RULES"]


def _rank(tensor: Any) -> int:
    if tensor.shape.rank is None:
        raise NotUnderstoodError(f"the shape of {tensor.name} is not known")
    return int(tensor.shape.rank)


def _keep(draft: Draft, op: Any) -> None:
    """The op as it is."""
    attributes = {key: value for key, value in op.node_def.attr.items() if key[0] != "_"}
    if attributes.get("data_format", attribute(s=b"NHWC")).s != b"NHWC":
        raise NotUnderstoodError(f"{op.name} ({op.type}) has its channels first")
    draft.add(op.name, op.type, [draft.source(tensor) for tensor in op.inputs], **attributes)


def _drop(draft: Draft, op: Any) -> None:
    """Nothing: what uses the op uses its input."""
    source = draft.source(op.inputs[0])
    if op.name in draft.outputs:
        draft.add(op.name, "Identity", [source], T=float_type())
    else:
        draft.aliases[op.name] = source


def _elementwise(draft: Draft, op: Any) -> None:
    """Arithmetic between pictures' values, or with a constant that is the same for each."""
    rank = _rank(op.outputs[0])
    for tensor in op.inputs:
        is_constant = tensor.name in draft.constants
        leads = _rank(tensor) == rank and (not is_constant or tensor.shape[:1] in ([], [1]))
        if not leads and not (is_constant and _rank(tensor) < rank):
            raise NotUnderstoodError(f"{op.name} ({op.type}) would mix pictures by {tensor.name}")
    _keep(draft, op)


def _constant_weights(draft: Draft, op: Any) -> None:
    """An op whose second input has to be a constant."""
    draft.value(op, 1)
    if op.type == "MatMul" and op.get_attr("transpose_a"):
        raise NotUnderstoodError(f"{op.name} (MatMul) transposes its first input")
    _keep(draft, op)


def _batch_norm(draft: Draft, op: Any) -> None:
    """Normalisation by constants, as one product and one sum per channel."""
    if op.type == "BatchNormWithGlobalNormalization":
        mean, variance, beta, gamma = (draft.value(op, index) for index in range(1, 5))
        epsilon = op.get_attr("variance_epsilon")
        if not op.get_attr("scale_after_normalization"):
            gamma = np.ones_like(gamma)
    else:
        if op.get_attr("is_training"):
            raise NotUnderstoodError(f"{op.name} ({op.type}) normalises by the batch itself")
        if op.get_attr("data_format") != b"NHWC":
            raise NotUnderstoodError(f"{op.name} ({op.type}) has its channels first")
        gamma, beta, mean, variance = (draft.value(op, index) for index in range(1, 5))
        epsilon = op.get_attr("epsilon")
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    scale_name = draft.add_constant(f"{op.name}/folded_scale", scale)
    shift_name = draft.add_constant(f"{op.name}/folded_shift", beta - mean * scale)
    scaled = f"{op.name}/folded_product"
    draft.add(scaled, "Mul", [draft.source(op.inputs[0]), scale_name], T=float_type())
    draft.add(op.name, "AddV2", [scaled, shift_name], T=float_type())


def _check_axes(op: Any, axes: Any, rank: int) -> None:
    if any(int(axis) % rank == 0 for axis in np.ravel(axes)):
        raise NotUnderstoodError(f"{op.name} ({op.type}) works along the batch")


def _concat(draft: Draft, op: Any) -> None:
    """Joining by channels; the legacy op, whose axis comes first, becomes its successor."""
    legacy = op.type == "Concat"
    tensors = list(op.inputs[1:]) if legacy else list(op.inputs[:-1])
    axis = draft.value(op, 0 if legacy else len(op.inputs) - 1)
    _check_axes(op, axis, _rank(tensors[0]))
    if any(tensor.op.name not in draft.batched for tensor in tensors):
        raise NotUnderstoodError(f"{op.name} ({op.type}) joins pictures and a constant")
    attributes = {key: op.node_def.attr[key] for key in ("N", "T")}
    attributes["Tidx"] = attribute(type=3)  # DT_INT32
    axis_name = draft.add_constant(f"{op.name}/folded_axis", np.int32(axis))
    sources = [draft.source(tensor) for tensor in tensors]
    draft.add(op.name, "ConcatV2", [*sources, axis_name], **attributes)


def _reshape(draft: Draft, op: Any) -> None:
    """The same numbers of each picture in another shape, for any number of pictures."""
    if op.inputs[1].op.name in draft.batched:
        # Computed from the shape of its input; whether its batch is open shows in the result.
        _keep(draft, op)
        return
    before, after = op.inputs[0].shape, op.outputs[0].shape
    known = before.rank and after.rank and before[1:].is_fully_defined()
    if not (known and after[1:].is_fully_defined() and before[0] == after[0]) or (
        prod(before[1:]) != prod(after[1:])
    ):
        raise NotUnderstoodError(f"{op.name} (Reshape) turns {before} into {after}")
    shape = draft.add_constant(f"{op.name}/folded_shape", np.array([-1, *after[1:]], np.int32))
    attributes = {"T": op.node_def.attr["T"], "Tshape": attribute(type=3)}  # DT_INT32
    draft.add(op.name, "Reshape", [draft.source(op.inputs[0]), shape], **attributes)


def _along_axes(draft: Draft, op: Any) -> None:
    """A reduction, or one more or one less dimension, anywhere but along the batch."""
    if op.type == "Squeeze":
        axes: Any = op.get_attr("squeeze_dims")
    else:
        axes = draft.value(op, 1)
    rank = _rank(op.outputs[0] if op.type == "ExpandDims" else op.inputs[0])
    if np.size(axes) == 0:
        raise NotUnderstoodError(f"{op.name} ({op.type}) names no dimensions")
    _check_axes(op, axes, rank)
    _keep(draft, op)


def _pad(draft: Draft, op: Any) -> None:
    """A border around each picture."""
    if np.any(draft.value(op, 1)[0]):
        raise NotUnderstoodError(f"{op.name} ({op.type}) pads the batch")
    _keep(draft, op)


def _of_shapes(draft: Draft, op: Any) -> None:
    """Arithmetic with shapes, which are integers; values of pictures are not."""
    if not op.outputs[0].dtype.is_integer:
        raise NotUnderstoodError(f"{op.name} ({op.type}) takes apart or joins pictures")
    _keep(draft, op)


def _rules() -> dict[str, Callable[[Draft, Any], None]]:
    names = {
        _keep: "Relu Relu6 Elu Selu LeakyRelu Sigmoid Tanh Softplus Softsign Exp Log Log1p Erf "
        "Neg Abs Square Sqrt Rsqrt Reciprocal Inv LRN Softmax LogSoftmax Cast Shape "
        "AvgPool MaxPool",
        _drop: "Identity CheckNumerics StopGradient PreventGradient Snapshot",
        _elementwise: "Add AddV2 AddN Sub Mul RealDiv Div Maximum Minimum Pow SquaredDifference",
        _constant_weights: "Conv2D DepthwiseConv2dNative MatMul BiasAdd",
        _batch_norm: "BatchNormWithGlobalNormalization FusedBatchNorm FusedBatchNormV2 "
        "FusedBatchNormV3",
        _concat: "Concat ConcatV2",
        _reshape: "Reshape",
        _along_axes: "Mean Max Min Sum Squeeze ExpandDims",
        _pad: "Pad PadV2 MirrorPad",
        _of_shapes: "StridedSlice Pack",
    }
    return {name: rule for rule, ops in names.items() for name in ops.split()}


RULES = _rules()
