"""The folded graph while it grows: steps, constants, and the GraphDef made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Draft", "NotUnderstoodError", "Step", "attribute", "float_type"]


class NotUnderstoodError(Exception):
    """The graph holds something that folding cannot rewrite with certainty."""


@dataclass
class Step:
    """One op of the folded graph.

    Attributes:
        name: its own name, and that of its only output.
        op: the TensorFlow op.
        inputs: names of steps or of the draft's constants.
        attributes: AttrValue protos.
    """

    name: str
    op: str
    inputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Draft:
    """The folded graph while it grows.

    Attributes:
        constants: values by tensor name (``name:0``), of the original and new ones.
        batched: names of the original ops that depend on the pictures.
        outputs: names of the ops whose outputs are asked for.
        steps: what has been written, in an order of computation.
        aliases: original ops that were dropped, and the step that stands for each.
    """

    constants: dict[str, Any]
    batched: frozenset[str]
    outputs: frozenset[str]
    steps: dict[str, Step] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, op: str, inputs: list[str], **attributes: Any) -> None:
        """Write a step."""
        self.steps[name] = Step(name, op, inputs, attributes)

    def add_placeholder(self, name: str, size: tuple[int, int]) -> None:
        """Write the input: any number of pictures of that width and height."""
        import tensorflow as tf

        width, height = size
        shape = tf.TensorShape([None, height, width, 3]).as_proto()
        self.add(name, "Placeholder", [], dtype=float_type(), shape=attribute(shape=shape))

    def add_constant(self, name: str, value: Any) -> str:
        """Keep a new value and return the name to refer to it by."""
        self.constants[f"{name}:0"] = value
        return f"{name}:0"

    def source(self, tensor: Any) -> str:
        """Return the name of the step or constant that stands for a tensor of the original."""
        if tensor.op.name not in self.batched:
            return str(tensor.name)
        if tensor.value_index:
            raise NotUnderstoodError(f"{tensor.name} is used, which only training needs")
        return self.aliases.get(tensor.op.name, str(tensor.op.name))

    def value(self, op: Any, index: int) -> Any:
        """Return the value of an input that has to be a constant."""
        tensor = op.inputs[index]
        if tensor.name not in self.constants:
            raise NotUnderstoodError(f"input {index} of {op.name} ({op.type}) is not a constant")
        return self.constants[tensor.name]

    def to_graph_def(self, versions: Any) -> Any:
        """Return the GraphDef; each constant stands before the first step that uses it."""
        import tensorflow as tf

        graph = tf.compat.v1.GraphDef(versions=versions)
        written: dict[str, str] = {}
        for step in self.steps.values():
            for name in step.inputs:
                if name in self.constants and name not in written:
                    written[name] = name.removesuffix(":0").replace(":", "/output_")
                    self._write_constant(graph, written[name], self.constants[name])
            node = graph.node.add(name=step.name, op=step.op)
            node.input.extend(written.get(name, name) for name in step.inputs)
            for key, value in step.attributes.items():
                node.attr[key].CopyFrom(value)
        return graph

    @staticmethod
    def _write_constant(graph: Any, name: str, value: Any) -> None:
        import tensorflow as tf

        # Folded numbers are kept in float64 until here; the graphs themselves hold none.
        proto = tf.make_tensor_proto(
            np.asarray(value, np.float32) if np.asarray(value).dtype == np.float64 else value
        )
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = proto.dtype
        node.attr["value"].tensor.CopyFrom(proto)


def attribute(**value: Any) -> Any:
    """Return an AttrValue proto, from one of its fields."""
    import tensorflow as tf

    return tf.compat.v1.AttrValue(**value)


def float_type() -> Any:
    """Return the AttrValue of an op that computes in float32."""
    return attribute(type=1)  # DT_FLOAT
