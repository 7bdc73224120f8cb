"""Folding: a frozen graph rewritten so that it computes the same scores in half the time.

Batch normalisation goes into the weights of the convolution before it, numeric checks and
control edges are dropped, decoding and resizing are cut off, and the batch dimension opens.
A graph with anything in it that is not understood is left alone, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inception_harness.engines.fold_affine import merge_into_convolutions
from inception_harness.engines.fold_draft import Draft, NotUnderstoodError
from inception_harness.engines.fold_rules import RULES

__all__ = ["Folded", "NotFolded", "fold"]

# Ops, besides those with a rule, that may compute a constant from constants.
_CONSTANT_OPS = frozenset({"Const", "Fill", "Range"})


@dataclass(frozen=True)
class Folded:
    """A graph that was folded.

    Attributes:
        graph: a new GraphDef. Its only input is a float32 placeholder with the name of the
            view and the shape (any number, height, width, 3); the outputs keep their names.
        notes: what was done, for the header.
    """

    graph: Any
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NotFolded:
    """A graph that was left alone.

    Attributes:
        graph: the GraphDef that was given, unchanged.
        reason: what in it is not understood, for the header.
    """

    graph: Any
    reason: str


def fold(
    graph: Any, *, view: str, outputs: Sequence[str], size: tuple[int, int]
) -> Folded | NotFolded:
    """Fold a frozen graph; the graph given is not changed.

    Args:
        graph: a frozen GraphDef, channels last.
        view: name of the tensor that the network sees, ``ResizeBilinear:0`` for the 2015
            graph, the placeholder's for a graph without preprocessing.
        outputs: names of the tensors to keep, such as scores and transfer values.
        size: width and height of the view, in pixels.
    """
    try:
        return _fold(graph, view, outputs, size)
    except NotUnderstoodError as reason:
        return NotFolded(graph, str(reason))


def _fold(graph: Any, view: str, outputs: Sequence[str], size: tuple[int, int]) -> Folded:
    original = _import(graph)
    seen = _tensor(original, view)
    kept = [_tensor(original, name) for name in outputs]
    _check_view(seen, size)
    order = _needed(original, kept, seen.op)
    batched = _dependent(order, seen.op)
    for tensor in kept:
        if tensor.op not in batched:
            raise NotUnderstoodError(f"{tensor.name} does not depend on {seen.name}")
    draft = Draft(
        constants=_constants(original, order, batched),
        batched=frozenset(op.name for op in batched),
        outputs=frozenset(tensor.op.name for tensor in kept),
    )
    draft.add_placeholder(seen.op.name, size)
    for op in order:
        if op in batched and op is not seen.op:
            _apply_rule(draft, op)
    merged = merge_into_convolutions(draft)
    folded = draft.to_graph_def(graph.versions)
    _check_outputs(folded, kept)
    note = (
        f"graph folded: {len(graph.node)} nodes to {len(folded.node)}, "
        f"{merged} convolutions took in what follows them, batch open"
    )
    return Folded(folded, (note,))


def _import(graph: Any) -> Any:
    """Return a tf.Graph of a GraphDef; it knows the shapes that the GraphDef does not state."""
    import tensorflow as tf

    # Importing writes default attributes into the proto, so a copy is imported.
    copy = type(graph)()
    copy.CopyFrom(graph)
    imported = tf.Graph()
    with imported.as_default():
        try:
            tf.import_graph_def(copy, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise NotUnderstoodError(f"TensorFlow refuses the graph: {error}") from error
    return imported


def _tensor(graph: Any, name: str) -> Any:
    try:
        tensor = graph.get_tensor_by_name(name)
    except (KeyError, ValueError) as error:
        raise NotUnderstoodError(f"it has no tensor {name!r}") from error
    if tensor.value_index:
        raise NotUnderstoodError(f"{name} is not the first output of its op")
    return tensor


def _check_view(view: Any, size: tuple[int, int]) -> None:
    width, height = size
    shape = view.shape.as_list() if view.shape.rank is not None else None
    if shape is None or shape[1:] != [height, width, 3] or view.dtype.name != "float32":
        raise NotUnderstoodError(
            f"{view.name} is {view.dtype.name} of shape {view.shape}, not float32 of shape "
            f"(batch, {height}, {width}, 3)"
        )


def _needed(graph: Any, outputs: list[Any], view: Any) -> list[Any]:
    """Return the ops that the outputs are computed from, in an order of computation.

    Control edges do not count: in a frozen graph they order checks and nothing else.
    """
    needed: set[Any] = set()
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            if op is not view:
                waiting.extend(tensor.op for tensor in op.inputs)
    return [op for op in graph.get_operations() if op in needed]


def _dependent(order: list[Any], view: Any) -> set[Any]:
    """Return the ops whose outputs depend on the view."""
    dependent = {view}
    for op in order:
        if op is not view and any(tensor.op in dependent for tensor in op.inputs):
            dependent.add(op)
    return dependent


def _constants(graph: Any, order: list[Any], batched: set[Any]) -> dict[str, Any]:
    """Return the values that meet the pictures, by tensor name."""
    import tensorflow as tf

    for op in order:
        if op not in batched and op.type not in RULES and op.type not in _CONSTANT_OPS:
            raise NotUnderstoodError(f"{op.name} ({op.type}) is an input besides the pictures")
    met = {t.name: t for op in order if op in batched for t in op.inputs if t.op not in batched}
    values = {
        name: tf.make_ndarray(tensor.op.get_attr("value"))
        for name, tensor in met.items()
        if tensor.op.type == "Const"
    }
    computed = {name: tensor for name, tensor in met.items() if name not in values}
    if computed:
        try:
            with tf.compat.v1.Session(graph=graph) as session:
                values |= session.run(computed)
        except tf.errors.OpError as error:
            raise NotUnderstoodError(f"its constants do not compute: {error}") from error
    return values


def _apply_rule(draft: Draft, op: Any) -> None:
    rule = RULES.get(op.type)
    if rule is None:
        raise NotUnderstoodError(f"{op.name} is a {op.type}, an op that folding does not know")
    if op.outputs[0].dtype.name not in ("float32", "int32", "int64"):
        raise NotUnderstoodError(f"{op.name} ({op.type}) computes in {op.outputs[0].dtype.name}")
    rule(draft, op)


def _check_outputs(folded: Any, kept: list[Any]) -> None:
    """Let TensorFlow infer the folded graph's shapes: as before, with the batch open."""
    graph = _import(folded)
    for before in kept:
        after = _tensor(graph, before.name).shape
        if after.rank is None or after.rank != before.shape.rank:
            raise NotUnderstoodError(
                f"{before.name} would change its shape {before.shape} to {after}"
            )
        if after[0] is not None or not after[1:].is_compatible_with(before.shape[1:]):
            raise NotUnderstoodError(
                f"{before.name} of shape {before.shape} would be {after}: the batch is not free"
            )
