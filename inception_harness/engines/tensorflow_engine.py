"""TensorFlow: frozen graphs, SavedModel folders, and Keras models.

TensorFlow takes seconds to import, so this module is imported only when a model is loaded.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before TensorFlow starts: its C++ part logs each CPU feature and each missing CUDA library.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from inception_harness.engines import EngineSpec, Float32, UInt8, default_threads
from inception_harness.engines.conversion import folded_graph
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = [
    "DecodingGraphEngine",
    "FunctionEngine",
    "GraphEngine",
    "frozen_keras",
    "frozen_saved_model",
    "load_keras",
    "open_model",
    "read_graph",
]

_log = logging.getLogger(__name__)
# The first GraphDef version that no longer has the batch normalisation of 2015
# (tensorflow/core/public/version.h, version 9).
_LEGACY_BATCH_NORM_ENDS = 9


def open_model(card: Card, folder: Path, spec: EngineSpec, cache: Path) -> Any:
    """Load the model of a card; see `inception_harness.engines.open_engine`."""
    if spec.precision not in (None, "f32"):
        raise EngineError(
            f"Engine 'tensorflow' computes in f32 here, not in {spec.precision}. "
            f"Use --engine tensorflow, or --engine openvino:{spec.precision}."
        )
    path = folder / card.model.file
    if card.model.format == "graphdef":
        return _open_graph(card, path, spec, cache)
    _limit_threads(spec.threads)
    if card.model.format == "savedmodel":
        return _open_saved_model(card, path, spec)
    return _open_keras(card, path, spec)


def read_graph(path: Path) -> Any:
    """Read a frozen GraphDef.

    Raises:
        EngineError: the file is no GraphDef.
    """
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's DecodeError has moved between its versions
        raise EngineError(
            f"{path}: this is not a frozen TensorFlow graph (GraphDef): {error}."
        ) from error
    if not graph.node:
        raise EngineError(f"{path}: the graph has no nodes; is the file empty?")
    return graph


class GraphEngine:
    """A frozen graph in a session, fed one batch at a time at the network's view.

    A graph whose batch dimension is fixed at one is run once for each picture.
    """

    name = "tensorflow"
    version: str = tf.__version__
    precision = "f32"

    def __init__(
        self,
        graph: Any,
        tensors: dict[str, str],
        spec: EngineSpec,
        path: Path,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.threads = spec.threads or default_threads()
        self.notes = notes
        self._path = path
        self._graph = tf.Graph()
        with self._graph.as_default():
            try:
                # Import changes the proto that it is given: it adds default attributes.
                copy = tf.compat.v1.GraphDef()
                copy.CopyFrom(graph)
                tf.graph_util.import_graph_def(copy, name="")
            except (ValueError, tf.errors.OpError) as error:
                raise EngineError(_why_not_imported(path, graph, error)) from error
        self._tensors = {key: self._find(key, name) for key, name in tensors.items()}
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=self.threads, inter_op_parallelism_threads=1
        )
        self.session = tf.compat.v1.Session(graph=self._graph, config=config)
        fixed = self._tensors["view"].shape.rank is not None and self._tensors["view"].shape[0] == 1
        self.batch = 1 if fixed else spec.batch or 8
        self._one_by_one = fixed

    def _find(self, key: str, name: str) -> Any:
        try:
            return self._graph.get_tensor_by_name(name)
        except (KeyError, ValueError) as error:
            raise EngineError(
                f"{self._path}: the card's [tensors] {key} = {name!r} is not in the graph "
                f"({len(self._graph.get_operations())} operations, the last is "
                f"{self._graph.get_operations()[-1].name!r})."
            ) from error

    def compute(self, key: str, feed: dict[str, Any]) -> Any:
        """Run the graph: fetch one tensor, feeding others, all by their key in the card."""
        try:
            return self.session.run(
                self._tensors[key], {self._tensors[k]: value for k, value in feed.items()}
            )
        except tf.errors.OpError as error:
            raise EngineError(f"{self._path}: TensorFlow refused: {error.message}") from error
        except (ValueError, TypeError) as error:  # a shape or type that the tensor cannot take
            raise EngineError(f"{self._path}: TensorFlow refused: {error}") from error

    def _by_batch(self, key: str, batch: Float32) -> Float32:
        if self._one_by_one:
            parts = [self.compute(key, {"view": row[None]}) for row in batch]
        else:
            parts = [self.compute(key, {"view": batch})]
        joined: Float32 = np.concatenate(parts).astype(np.float32, copy=False)
        return joined.reshape(len(batch), -1)

    def run(self, batch: Float32) -> Float32:
        """Compute the outputs, shape (n, classes)."""
        return self._by_batch("scores", batch)

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, shape (n, length)."""
        if "transfer" not in self._tensors:
            raise EngineError(
                f"{self._path}: the card names no tensor for transfer values; add "
                '[tensors] transfer = "…:0".'
            )
        return self._by_batch("transfer", batch)

    def close(self) -> None:
        """Close the session."""
        self.session.close()


class DecodingGraphEngine(GraphEngine):
    """A frozen graph that decodes and resizes pictures itself, run exactly as it is stored."""

    def view(self, picture: bytes | UInt8) -> Float32:
        """Return what the network sees, RGB of shape (height, width, 3), 0..255."""
        key = "jpeg" if isinstance(picture, bytes) else "array"
        seen: Float32 = self.compute("view", {key: picture})[0]
        return seen


def _why_not_imported(path: Path, graph: Any, error: Exception) -> str:
    producer = graph.versions.producer
    legacy = any(node.op == "BatchNormWithGlobalNormalization" for node in graph.node)
    if legacy and producer >= _LEGACY_BATCH_NORM_ENDS:
        return (
            f"{path}: the graph uses BatchNormWithGlobalNormalization, which runs only where the "
            f"graph's producer version is below 9, and this file says {producer}: it was saved "
            "again by a newer TensorFlow. Use the file as it was published."
        )
    return f"{path}: TensorFlow {tf.__version__} cannot import this graph: {error}"


def _open_graph(card: Card, path: Path, spec: EngineSpec, cache: Path) -> GraphEngine:
    if spec.original:
        return _open_original(card, path, spec, ("graph run as it is stored",))
    made = folded_graph(card, path, cache)
    if not made.files:
        return _open_original(card, path, spec, made.notes)
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(made.files["folded.pb"])
    kept = {key: card.tensors[key] for key in ("view", "scores", "transfer") if key in card.tensors}
    return GraphEngine(graph, kept, spec, path, made.notes)


def _open_original(card: Card, path: Path, spec: EngineSpec, notes: tuple[str, ...]) -> GraphEngine:
    tensors = dict(card.tensors)
    kind = DecodingGraphEngine if {"jpeg", "array"} <= set(tensors) else GraphEngine
    return kind(read_graph(path), tensors, spec, path, notes)


def _eager_threads() -> int:
    """Return how many threads eager TensorFlow computes with; 0 in its settings means all."""
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or default_threads()


def _limit_threads(threads: int | None) -> None:
    """Set the threads of eager TensorFlow, which knows one setting for the whole process."""
    if threads is None or threads == _eager_threads():
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise EngineError(
            f"Engine 'tensorflow:threads={threads}': TensorFlow has already started with another "
            "number of threads, and cannot change it. Run this engine alone."
        ) from error


class FunctionEngine:
    """A Keras model or a SavedModel's signature, as a compiled function of a batch."""

    name = "tensorflow"
    version: str = tf.__version__
    precision = "f32"

    def __init__(
        self,
        scores: Callable[[Any], Any],
        transfer: Callable[[Any], Any] | None,
        spec: EngineSpec,
        path: Path,
    ) -> None:
        self.threads = _eager_threads()
        self.batch = spec.batch or 8
        self.notes: tuple[str, ...] = ()
        self._scores, self._transfer, self._path = scores, transfer, path

    def run(self, batch: Float32) -> Float32:
        """Compute the outputs, shape (n, classes)."""
        return self._call(self._scores, batch)

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, shape (n, length)."""
        if self._transfer is None:
            raise EngineError(
                f"{self._path}: this model gives no transfer values. For a SavedModel, name an "
                "output of its signature in the card's [tensors] transfer."
            )
        return self._call(self._transfer, batch)

    def _call(self, function: Callable[[Any], Any], batch: Float32) -> Float32:
        try:
            out = np.asarray(function(tf.constant(batch, tf.float32)), dtype=np.float32)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise EngineError(
                f"{self._path}: the model refused a batch of shape {batch.shape}: {error}"
            ) from error
        return out.reshape(len(batch), -1)

    def close(self) -> None:
        """Release the model."""
        self._scores = self._transfer = _closed


def _closed(_: Any) -> Any:
    raise EngineError("This model has been closed.")


def _open_saved_model(card: Card, path: Path, spec: EngineSpec) -> FunctionEngine:
    signature, key, outputs = _signature(card, path)

    def fetch(name: str) -> Callable[[Any], Any]:
        return lambda batch: signature(**{key: batch})[name]

    transfer = fetch(outputs["transfer"]) if "transfer" in outputs else None
    return FunctionEngine(fetch(outputs["scores"]), transfer, spec, path)


def _signature(card: Card, path: Path) -> tuple[Any, str, dict[str, str]]:
    """Return a SavedModel's signature, its input's name, and its outputs' by their use."""
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: this is not a SavedModel folder: {error}") from error
    signatures = loaded.signatures
    if "serving_default" not in signatures:
        raise EngineError(
            f"{path}: the SavedModel has no signature 'serving_default' "
            f"(found: {', '.join(signatures) or 'none'}). Save it with one."
        )
    signature = signatures["serving_default"]
    # The signature belongs to the loaded object, which must outlive it.
    signature._inception_harness_owner = loaded
    inputs = signature.structured_input_signature[1]
    (key,) = _only(list(inputs), "input", card, path)
    _refuse_other_size(inputs[key].shape, card, path)
    names = list(signature.structured_outputs)
    transfer = card.tensors.get("transfer")
    (scores,) = _only([name for name in names if name != transfer], "scores", card, path)
    outputs = {"scores": scores}
    if transfer is not None and transfer in names:
        outputs["transfer"] = transfer
    return signature, key, outputs


def _only(names: list[str], key: str, card: Card, path: Path) -> Iterable[str]:
    """Return the card's name for an input or output, or the only one there is."""
    wanted = card.tensors.get(key)
    if wanted in names:
        return [wanted]
    if wanted is None and len(names) == 1:
        return names
    raise EngineError(
        f"{path}: the signature's {key} is not clear. It has {', '.join(names)}; "
        f"the card's [tensors] {key} should name one of them, found {wanted!r}."
    )


def _refuse_other_size(shape: Iterable[int | None], card: Card, path: Path) -> None:
    """Refuse a card of another input size, on which a network may well compute nonsense."""
    takes = tuple(shape)[1:]
    gives = (card.input.height, card.input.width, 3)
    if len(takes) != 3 or any(n not in (None, m) for n, m in zip(takes, gives, strict=True)):
        raise EngineError(
            f"{path}: the model takes pictures of shape {takes} (height, width, channels), the "
            f"card's [input] gives {gives}."
        )


def _open_keras(card: Card, path: Path, spec: EngineSpec) -> FunctionEngine:
    model = load_keras(card, path)
    return FunctionEngine(_compiled(model), _before_last(model), spec, path)


def load_keras(card: Card, path: Path) -> Any:
    """Return the Keras model of a card.

    Raises:
        EngineError: Keras cannot load it, or it takes pictures of another size.
    """
    try:
        if card.model.format == "keras-application":
            build = getattr(keras.applications, card.model.application, None)
            if build is None:
                raise EngineError(
                    f"{card.source_file}: keras.applications of Keras {keras.__version__} has no "
                    f"{card.model.application!r}."
                )
            model = build(weights=None, classes=card.output.classes)
            model.load_weights(path)
        else:
            model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EngineError(f"{path}: Keras {keras.__version__} cannot load this: {error}") from error
    _refuse_other_size(model.input_shape, card, path)
    return model


def frozen_keras(card: Card, path: Path) -> bytes:
    """Return a Keras model as a frozen GraphDef with the nodes ``scores`` and ``transfer``.

    ``transfer`` is missing where the model's layers are no graph.

    Raises:
        EngineError: Keras cannot load the model.
    """
    model = load_keras(card, path)
    parts = {"scores": model, "transfer": _features(model)}
    pictures = tf.TensorSpec((None, card.input.height, card.input.width, 3), tf.float32)
    return _frozen(
        lambda batch: {
            key: tf.identity(part(batch, training=False), name=key)
            for key, part in parts.items()
            if part is not None
        },
        pictures,
    )


def frozen_saved_model(card: Card, path: Path) -> bytes:
    """Return a SavedModel's signature as a frozen GraphDef; nodes as in `frozen_keras`.

    ``transfer`` is there where the card's [tensors] name an output of the signature.

    Raises:
        EngineError: the folder holds no SavedModel, or its signature is not clear.
    """
    signature, key, outputs = _signature(card, path)
    spec = signature.structured_input_signature[1][key]
    pictures = tf.TensorSpec((None, card.input.height, card.input.width, 3), spec.dtype)

    def compute(batch: Any) -> dict[str, Any]:
        out = signature(**{key: batch})
        return {name: tf.identity(out[place], name=name) for name, place in outputs.items()}

    return _frozen(compute, pictures)


def _frozen(compute: Callable[[Any], dict[str, Any]], pictures: Any) -> bytes:
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    function = tf.function(compute, input_signature=[pictures])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    graph: bytes = frozen.graph.as_graph_def().SerializeToString()
    return graph


def _compiled(model: Any) -> Callable[[Any], Any]:
    # Compiled for any number of pictures: the last batch is often smaller than the others.
    return tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)  # type: ignore[no-any-return]  # TensorFlow has no types


def _before_last(model: Any) -> Callable[[Any], Any] | None:
    """Return what computes the last layer's input, or None where the layers are no graph."""
    features = _features(model)
    return None if features is None else _compiled(features)


def _features(model: Any) -> Any:
    try:
        (pixels,) = model.inputs  # a list of one would be asked for as a list in each call
        return keras.Model(pixels, model.layers[-1].input)
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # a subclass of Model, whose call is plain Python
        return None
