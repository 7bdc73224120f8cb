"""ONNX Runtime: ``.onnx`` files, with the channels of the input last or first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inception_harness.engines import EngineSpec, Float32, default_threads
from inception_harness.engines.layout import has_channels_first, in_order
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["ONNXRuntimeEngine", "open_model"]


def open_model(card: Card, folder: Path, spec: EngineSpec, cache: Path) -> ONNXRuntimeEngine:
    """Load the model of a card; see `inception_harness.engines.open_engine`."""
    if spec.precision == "bf16":
        raise EngineError(
            "Engine 'onnxruntime' computes in the file's own arithmetic, not in bf16. "
            "Use --engine onnxruntime, or --engine openvino:bf16."
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            "Engine 'onnxruntime' needs the package onnxruntime, which is not installed. "
            "Install it with `pip install inception-harness[onnx]`."
        ) from error
    return ONNXRuntimeEngine(card, folder / card.model.file, spec, onnxruntime)


class ONNXRuntimeEngine:
    """A model in ONNX Runtime, on the processor.

    One whose batch dimension is fixed at one computes one picture at a time.
    """

    name = "onnxruntime"

    def __init__(self, card: Card, path: Path, spec: EngineSpec, runtime: Any) -> None:
        self.version = str(runtime.__version__)
        self.threads = spec.threads or default_threads()
        self.precision = "f32"
        self.notes: tuple[str, ...] = ()
        self._path = path
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they are raised as well
        try:
            self._session: Any = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no class but Exception
            raise EngineError(
                f"{path}: ONNX Runtime {self.version} cannot load this model: {error}"
            ) from error
        entry = self._only_input()
        shape = [length if isinstance(length, int) else None for length in entry.shape]
        size = card.input.height, card.input.width
        self._channels_first = has_channels_first(shape, *size, path, entry.name)
        if entry.type != "tensor(float)":
            raise EngineError(
                f"{path}: the input {entry.name!r} takes {entry.type}; expected float32, "
                "tensor(float)."
            )
        self._input = entry.name
        self._step = shape[0]
        self.batch = shape[0] or spec.batch or 8
        self._scores = self._output(card)
        self._transfer = card.tensors.get("transfer")

    def _only_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            shown = ", ".join(entry.name for entry in inputs)
            raise EngineError(
                f"{self._path}: expected a model with one input, the pictures; found "
                f"{len(inputs)}: {shown}."
            )
        return inputs[0]

    def _output(self, card: Card) -> str:
        names = [output.name for output in self._session.get_outputs()]
        wanted = card.tensors.get("scores")
        others = [name for name in names if name != card.tensors.get("transfer")]
        if wanted in names:
            return str(wanted)
        if wanted is None and len(others) == 1:
            return str(others[0])
        raise EngineError(
            f"{self._path}: which output holds the scores is not clear: the model has "
            f"{', '.join(names)}. The card's [tensors] scores should name one of them, "
            f"found {wanted!r}."
        )

    def run(self, batch: Float32) -> Float32:
        """Compute the outputs, shape (n, classes)."""
        return self._compute(self._scores, batch)

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, shape (n, length)."""
        names = [output.name for output in self._session.get_outputs()]
        if self._transfer is None or self._transfer not in names:
            raise EngineError(
                f"{self._path}: the model gives no transfer values; the card's [tensors] transfer "
                f"should name one of its outputs ({', '.join(names)}), found {self._transfer!r}."
            )
        return self._compute(self._transfer, batch)

    def _compute(self, output: str, batch: Float32) -> Float32:
        if self._session is None:
            raise EngineError("This model has been closed.")
        fed = in_order(batch, channels_first=self._channels_first)
        step = self._step or max(len(fed), 1)
        parts = [
            self._run(output, fed[start : start + step], step) for start in range(0, len(fed), step)
        ]
        return np.concatenate(parts).astype(np.float32, copy=False).reshape(len(batch), -1)

    def _run(self, output: str, rows: Float32, step: int) -> Float32:
        # A fixed batch is filled up with zeros; their outputs are cut off again.
        missing = step - len(rows)
        fed = np.pad(rows, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else rows
        try:
            (out,) = self._session.run([output], {self._input: fed})
        except Exception as error:  # ONNX Runtime's errors share no class but Exception
            raise EngineError(
                f"{self._path}: the model refused a batch of shape {fed.shape}: {error}"
            ) from error
        return np.asarray(out)[: len(rows)]

    def close(self) -> None:
        """Release the model."""
        self._session = None
