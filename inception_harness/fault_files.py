"""Files of weights, opened to be damaged: frozen graphs and ``.tflite`` files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["READERS", "GraphWeights", "Kernel", "NotApplicable", "TfliteWeights"]

Float64 = NDArray[np.float64]

# Of the schema of TensorFlow Lite (BuiltinOperator, TensorType): operations that have a kernel as
# their second input and a bias as their third, and the types of kernels.
_WITH_KERNEL = (3, 4, 9)  # CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED
_DTYPES = {0: "<f4", 2: "<i4", 3: "u1", 4: "<i8", 9: "i1"}


class NotApplicable(Exception):  # noqa: N818 - it is an answer, not an error
    """A fault cannot happen to this model; the message says why."""


@dataclass(frozen=True)
class Kernel:
    """The weights of one layer.

    Attributes:
        name: of the tensor.
        read: returns the weights, real or in steps of their quantisation; zero means no weight.
        write: stores weights; integers are rounded, and cut at the ends of their range.
        output_axis: the axis of what the layer gives; -1 or 0.
        bias: the same for the bias, or None where it is not known.
        steps: the scales and zero points of a quantisation by channels, each of shape (channels,)
            and a view of the file; nothing where all channels share one step.
    """

    name: str
    read: Callable[[], Float64]
    write: Callable[[Float64], None]
    output_axis: int
    bias: Kernel | None = None
    steps: tuple[NDArray[Any], ...] = ()

    def exchange(self, first: int, second: int) -> None:
        """Let two channels of the output change places, with their steps and their biases."""
        values = self.read()
        rows = np.moveaxis(values, self.output_axis, 0)
        for column in (rows, *self.steps):
            column[[first, second]] = column[[second, first]]
        self.write(values)
        if self.bias is not None:
            self.bias.exchange(first, second)


class TfliteWeights:
    """The weights inside a ``.tflite`` file, changed where they stand in the file's bytes.

    Attributes:
        kernels: in the order of computation; the last gives the classes.

    Raises:
        NotApplicable: the weights of a layer are of a type that is not opened here, or are
            computed from others.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._data = bytearray(path.read_bytes())
        self._model = schema.Model.GetRootAs(self._data, 0)
        self._graph = self._model.Subgraphs(0)
        self.kernels = [
            self._kernel(operation)
            for operation in map(self._graph.Operators, range(self._graph.OperatorsLength()))
            if self._code(operation) in _WITH_KERNEL
        ]

    def save(self, path: Path) -> None:
        """Write the file with its changes."""
        path.write_bytes(self._data)

    def _code(self, operation: Any) -> int:
        code = self._model.OperatorCodes(operation.OpcodeIndex())
        # Files of before 2020 have only the first of the two.
        return int(max(code.DeprecatedBuiltinCode(), code.BuiltinCode()))

    def _kernel(self, operation: Any) -> Kernel:
        has_bias = operation.InputsLength() > 2 and operation.Inputs(2) >= 0
        bias = self._tensor(operation.Inputs(2), None) if has_bias else None
        axis = -1 if self._code(operation) == 4 else 0
        return self._tensor(operation.Inputs(1), bias, axis)

    def _tensor(self, number: int, bias: Kernel | None, axis: int = 0) -> Kernel:
        tensor = self._graph.Tensors(number)
        name = tensor.Name().decode()
        buffer = self._model.Buffers(tensor.Buffer())
        if buffer.DataLength() == 0:
            # Weights stored as float16 stand in another tensor, which a DEQUANTIZE unpacks.
            raise NotApplicable(
                f"the weights {name!r} are not stored as they are used, but computed from others "
                "(float16, or compressed)"
            )
        if tensor.Type() not in _DTYPES:
            raise NotApplicable(
                f"the weights {name!r} are of the type {_name_of_type(tensor.Type())}; float32 "
                "and integers of whole bytes are opened here"
            )
        stored = buffer.DataAsNumpy()
        values = stored.view(_DTYPES[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
        quantised = tensor.Quantization()
        points = quantised.ZeroPointAsNumpy() if quantised and quantised.ZeroPointLength() else 0
        zero = int(np.max(points))  # one for all, or zero for each channel
        channels = values.shape[axis]
        both: tuple[Any, ...] = (quantised.ScaleAsNumpy(), points) if quantised else ()
        steps = tuple(s for s in both if np.ndim(s) == 1 and len(s) == channels > 1)

        def write(changed: Float64) -> None:
            if values.dtype.kind == "f":
                values[:] = changed
                return
            limits = np.iinfo(values.dtype)
            values[:] = np.clip(np.rint(changed) + zero, limits.min, limits.max)

        return Kernel(name, lambda: values.astype(np.float64) - zero, write, axis, bias, steps)


def _name_of_type(number: int) -> str:
    from ai_edge_litert import schema_py_generated as schema

    names: dict[int, str] = {v: k for k, v in vars(schema.TensorType).items() if k.isupper()}
    return names.get(number, f"number {number}")


class GraphWeights:
    """The constants of a frozen TensorFlow graph.

    Attributes:
        kernels: in the order of the file, which is that of computation; the last gives the classes.

    Raises:
        NotApplicable: the weights of a layer are not float32.
    """

    def __init__(self, path: Path) -> None:
        from inception_harness.engines.tensorflow_engine import read_graph

        self.graph = read_graph(path)
        self._nodes = {node.name: node for node in self.graph.node}
        self.kernels = [
            self._kernel(node)
            for node in self.graph.node
            if node.op in ("Conv2D", "DepthwiseConv2dNative", "MatMul")
            and self._constant(node.input[1]) is not None
        ]

    def save(self, path: Path) -> None:
        """Write the graph with its changes."""
        path.write_bytes(self.graph.SerializeToString())

    def _constant(self, name: str) -> Any:
        node = self._nodes.get(name.removesuffix(":0"))
        while node is not None and node.op == "Identity":
            node = self._nodes.get(node.input[0].removesuffix(":0"))
        return node if node is not None and node.op == "Const" else None

    def _kernel(self, node: Any) -> Kernel:
        adds = [n for n in self.graph.node if n.op in ("BiasAdd", "Add") and node.name in n.input]
        bias = self._constant(adds[0].input[1]) if adds else None
        return self._of(self._constant(node.input[1]), self._of(bias, None) if bias else None)

    def _of(self, constant: Any, bias: Kernel | None) -> Kernel:
        from tensorflow import as_dtype, make_ndarray, make_tensor_proto

        kind = as_dtype(constant.attr["dtype"].type).name
        if kind != "float32":
            raise NotApplicable(
                f"the weights {constant.name!r} are of the type {kind}; float32 is opened here"
            )

        def read() -> Float64:
            values: Float64 = make_ndarray(constant.attr["value"].tensor).astype(np.float64)
            return values

        def write(changed: Float64) -> None:
            made = make_tensor_proto(changed.astype(np.float32))
            constant.attr["value"].tensor.CopyFrom(made)

        return Kernel(constant.name, read, write, -1, bias)


READERS: dict[str, Callable[[Path], GraphWeights | TfliteWeights]] = {
    "graphdef": GraphWeights,
    "tflite": TfliteWeights,
}
