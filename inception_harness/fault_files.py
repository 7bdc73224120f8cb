"""Files of weights, opened to be damaged: frozen graphs and ``.tflite`` files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["READERS", "GraphWeights", "Kernel", "TfliteWeights"]

Float64 = NDArray[np.float64]

# Of the schema of TensorFlow Lite (BuiltinOperator, TensorType): operations that have a kernel as
# their second input and a bias as their third, and the types of kernels.
_WITH_KERNEL = (3, 4, 9)  # CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED
_DTYPES = {0: "<f4", 2: "<i4", 3: "u1", 9: "i1"}


@dataclass(frozen=True)
class Kernel:
    """The weights of one layer.

    Attributes:
        name: of the tensor.
        read: returns the weights, real or in steps of their quantisation; zero means no weight.
        write: stores weights; integers are rounded, and cut at the ends of their range.
        output_axis: the axis of what the layer gives; -1 or 0.
        bias: the same for the bias, or None where it is not known.
    """

    name: str
    read: Callable[[], Float64]
    write: Callable[[Float64], None]
    output_axis: int
    bias: Kernel | None = None


class TfliteWeights:
    """The weights inside a ``.tflite`` file, changed where they stand in the file's bytes.

    Attributes:
        kernels: in the order of computation; the last gives the classes.
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
        stored = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        values = stored.view(_DTYPES[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
        quantised = tensor.Quantization()
        points = quantised.ZeroPointAsNumpy() if quantised and quantised.ZeroPointLength() else 0
        zero = int(np.max(points))  # one for all, or zero for each channel

        def write(changed: Float64) -> None:
            if values.dtype.kind == "f":
                values[:] = changed
                return
            limits = np.iinfo(values.dtype)
            values[:] = np.clip(np.rint(changed) + zero, limits.min, limits.max)

        return Kernel(
            tensor.Name().decode(), lambda: values.astype(np.float64) - zero, write, axis, bias
        )


class GraphWeights:
    """The constants of a frozen TensorFlow graph.

    Attributes:
        kernels: in the order of the file, which is that of computation; the last gives the classes.
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
        from tensorflow import make_ndarray, make_tensor_proto

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
