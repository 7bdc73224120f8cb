"""OpenVINO: all formats, in f32 or bf16, without TensorFlow from the second start on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inception_harness.engines import EngineSpec, Float32, default_threads
from inception_harness.engines.layout import has_channels_first, in_order
from inception_harness.engines.openvino_models import read_model
from inception_harness.engines.quantisation import Quantisation, read_quantisation
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["OpenVINOEngine", "open_model"]

_BATCH = 16


def open_model(card: Card, folder: Path, spec: EngineSpec, cache: Path) -> OpenVINOEngine:
    """Load the model of a card; see `inception_harness.engines.open_engine`."""
    if spec.original:
        raise EngineError(
            "Engine 'openvino' has no option 'original': it converts every graph. "
            "Use --engine tensorflow:original."
        )
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            "Engine 'openvino' needs the package openvino, which is not installed. "
            "Install it with `pip install inception-harness[openvino]`."
        ) from error
    core = openvino.Core()
    precision = spec.precision or "f32"
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise EngineError(
            "Engine 'openvino:bf16': this processor has no arithmetic in bf16. "
            "Use --engine openvino:f32."
        )
    path = folder / card.model.file
    model, names, notes = read_model(core, card, path, cache)
    quantised = read_quantisation(path) if card.model.format == "tflite" else None
    return OpenVINOEngine(core, model, card, path, spec, names, quantised, notes)


class OpenVINOEngine:
    """A model compiled for the processor, for any number of pictures at once.

    A model whose batch dimension cannot be opened computes one picture at a time. Where a .tflite
    file is quantised, integers go in and out as in the LiteRT engine.
    """

    name = "openvino"

    def __init__(
        self,
        core: Any,
        model: Any,
        card: Card,
        path: Path,
        spec: EngineSpec,
        names: Mapping[str, str],
        quantised: Quantisation | None,
        notes: tuple[str, ...],
    ) -> None:
        import openvino

        self.version = str(openvino.__version__).split("-")[0]
        self.threads = spec.threads or default_threads()
        self.notes = notes
        self._path, self._quantised = path, quantised
        # The size of one step of a quantised output, 0 for a float one.
        self.output_step = quantised.output_scale if quantised and quantised.is_quantised else 0.0
        self._outputs = _outputs(model, names, path)
        self._transfer = names.get("transfer")
        self._channels_first = _arrange_input(model, card, path)
        opened = _open_batch(model, card, channels_first=self._channels_first)
        self.batch = (spec.batch or _BATCH) if opened else 1
        self._step = self.batch if opened else 1
        arithmetic = spec.precision or "f32"
        config = {
            "INFERENCE_PRECISION_HINT": arithmetic,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
        }
        self.precision = arithmetic
        if quantised and quantised.is_quantised:
            # In a quantised file, the hint decides on the layers between that are float.
            self.precision = "int8" if arithmetic == "f32" else f"int8-{arithmetic}"
        try:
            self._compiled = core.compile_model(model, "CPU", config)
        except RuntimeError as error:  # OpenVINO's exceptions have no class of their own
            raise EngineError(f"{path}: OpenVINO cannot compile this model: {error}") from error
        self._request = self._compiled.create_infer_request()

    def run(self, batch: Float32) -> Float32:
        """Compute the outputs, shape (n, classes)."""
        return self._compute("scores", batch)

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, shape (n, length)."""
        if "transfer" not in self._outputs:
            raise EngineError(
                f"{self._path}: OpenVINO finds no transfer values; the card's [tensors] transfer "
                f"should name a tensor that it knows, found {self._transfer!r}."
            )
        return self._compute("transfer", batch)

    def _compute(self, key: str, batch: Float32) -> Float32:
        if self._request is None:
            raise EngineError("This model has been closed.")
        fed: Any = in_order(batch, channels_first=self._channels_first)
        if self._quantised:
            fed = self._quantised.to_integers(fed)
        parts = []
        for start in range(0, len(fed), self._step):
            rows = fed[start : start + self._step]
            try:
                self._request.infer([rows], share_inputs=True)
            except RuntimeError as error:  # OpenVINO's exceptions have no class of their own
                raise EngineError(
                    f"{self._path}: the model refused a batch of shape {rows.shape}: {error}"
                ) from error
            # Copied, since the next inference writes to the same memory.
            parts.append(self._request.get_output_tensor(self._outputs[key]).data.copy())
        out = np.concatenate(parts)
        if self._quantised and key == "scores":
            out = self._quantised.to_real(out)
        return np.asarray(out, dtype=np.float32).reshape(len(batch), -1)

    def close(self) -> None:
        """Release the model."""
        self._request = self._compiled = None


def _outputs(model: Any, names: Mapping[str, str], path: Path) -> dict[str, int]:
    """Return the places of the outputs ``scores`` and, where the model has it, ``transfer``."""
    given = [output.get_names() for output in model.outputs]
    places: dict[str, int] = {}
    transfer, scores = names.get("transfer"), names.get("scores")
    if scores is None:
        others = [k for k in range(len(given)) if not transfer or transfer not in given[k]]
    else:
        others = [k for k in range(len(given)) if scores in given[k]]
    if len(others) != 1:
        shown = ", ".join("/".join(sorted(each)) for each in given)
        raise EngineError(
            f"{path}: which output holds the scores is not clear: the model has {shown}. "
            f"The card's [tensors] scores should name one of them, found {scores!r}."
        )
    places["scores"] = others[0]
    if transfer is not None:
        place = _place(model, transfer)
        if place is not None:
            places["transfer"] = place
    return places


def _place(model: Any, name: str) -> int | None:
    """Return the place of an output by its name; an inner tensor becomes an output.

    None where there is no such tensor: OpenVINO drops some names when it reads a file.
    """
    for place, output in enumerate(model.outputs):
        if name in output.get_names():
            return place
    try:
        model.add_outputs(name)
    except RuntimeError:  # OpenVINO's exceptions have no class of their own
        return None
    return len(model.outputs) - 1


def _arrange_input(model: Any, card: Card, path: Path) -> bool:
    """Check the only input, and tell whether its channels come first."""
    if len(model.inputs) != 1:
        shown = ", ".join(entry.get_any_name() for entry in model.inputs)
        raise EngineError(
            f"{path}: expected a model with one input, the pictures; found "
            f"{len(model.inputs)}: {shown}."
        )
    entry = model.inputs[0]
    name = entry.get_any_name() if entry.get_names() else "input"
    partial = entry.partial_shape
    if partial.rank.is_dynamic:
        return False
    shape = [None if d.is_dynamic else d.get_length() for d in partial]
    return has_channels_first(shape, card.input.height, card.input.width, path, name)


def _open_batch(model: Any, card: Card, *, channels_first: bool) -> bool:
    """Open the batch dimension; False where the model does not allow that."""
    picture = [card.input.height, card.input.width, 3]
    order = [2, 0, 1] if channels_first else [0, 1, 2]
    fixed = model.inputs[0].partial_shape
    try:
        model.reshape([-1, *(picture[k] for k in order)])
        # A constant inside, such as a reshape's to (1, classes), may keep one picture a run.
        if all(output.partial_shape[0].is_dynamic for output in model.outputs):
            return True
    except RuntimeError:
        pass
    model.reshape(fixed)
    return False
