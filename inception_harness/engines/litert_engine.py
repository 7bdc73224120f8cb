"""LiteRT: ``.tflite`` files, float and quantised."""

from __future__ import annotations

import importlib.metadata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from inception_harness.engines import EngineSpec, Float32, default_threads
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["LiteRTEngine", "open_model"]


def open_model(card: Card, folder: Path, spec: EngineSpec, cache: Path) -> LiteRTEngine:
    """Load the model of a card; see `inception_harness.engines.open_engine`."""
    if spec.precision == "bf16":
        raise EngineError(
            "Engine 'litert' computes in the file's own arithmetic, not in bf16. "
            "Use --engine litert, or --engine openvino:bf16."
        )
    return LiteRTEngine(folder / card.model.file, spec, card.tensors.get("transfer"))


class LiteRTEngine:
    """One interpreter for each thread: LiteRT takes one picture at a time.

    Quantised models are fed integers, ``round(value / scale) + zero point``, and what they give
    is scaled back: ``(integer - zero point) * scale``.
    """

    name = "litert"
    version: str = importlib.metadata.version("ai-edge-litert")

    def __init__(self, path: Path, spec: EngineSpec, transfer: str | None = None) -> None:
        self.threads = spec.threads or default_threads()
        self.batch = spec.batch or 8 * self.threads
        self.notes: tuple[str, ...] = ()
        self._path, self._transfer = path, transfer
        self._watching: Any = None
        self._interpreters = [self._open() for _ in range(self.threads)]
        self._input = self._only("inputs", self._interpreters[0].get_input_details())
        self._output = self._only("outputs", self._interpreters[0].get_output_details())
        self.precision = "f32" if self._output["dtype"] == np.float32 else "int8"
        if spec.precision == "f32" and self.precision != "f32":
            raise EngineError(
                f"Engine 'litert:f32': {path} is quantised, and LiteRT computes in the file's own "
                "arithmetic. Use --engine litert."
            )
        # The size of one step of a quantised output, 0 for a float one.
        self.output_step = (
            0.0 if self.precision == "f32" else float(self._output["quantization"][0])
        )
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="litert")

    def _only(self, what: str, details: Any) -> Any:
        """Return the model's only input or output, which takes one picture at a time."""
        shapes = [tuple(int(n) for n in each["shape"]) for each in details]
        if len(details) != 1 or shapes[0][0] != 1:
            raise EngineError(
                f"{self._path}: expected a model that takes one picture at a time and gives one "
                f"row of outputs, found {what} of the shapes {shapes}. Convert it with batch size "
                "1 (or None), and with its classes as the only output."
            )
        return details[0]

    def _open(self, *, keep_all: bool = False) -> Any:
        try:
            interpreter = Interpreter(
                str(self._path),
                num_threads=1,
                experimental_preserve_all_tensors=keep_all,
                # Delegates compute several layers at once, and keep nothing of those between.
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                if keep_all
                else OpResolverType.AUTO,
            )
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise EngineError(f"{self._path}: LiteRT cannot load this model: {error}") from error
        return interpreter

    def run(self, batch: Float32) -> Float32:
        """Compute the outputs, shape (n, classes)."""
        quantised = self._quantise(batch)
        index = int(self._output["index"])
        out = np.empty((len(batch), *self._output["shape"][1:]), self._output["dtype"])
        share = [range(k, len(batch), self.threads) for k in range(self.threads)]

        def work(interpreter: Any, rows: range) -> None:
            for row in rows:
                out[row] = self._compute(interpreter, quantised[row], index)

        # A list, so that what a worker raises is raised here.
        list(self._pool.map(work, self._interpreters, share))
        return _real(out, self._output).reshape(len(batch), -1)

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, shape (n, length)."""
        if self._transfer is None:
            raise EngineError(
                f"{self._path}: the card names no tensor for transfer values; add "
                '[tensors] transfer = "…".'
            )
        if self._watching is None:
            self._watching = self._open(keep_all=True)
        details = [d for d in self._watching.get_tensor_details() if d["name"] == self._transfer]
        if not details:
            raise EngineError(
                f"{self._path}: the card's [tensors] transfer = {self._transfer!r} is not a "
                "tensor of this model."
            )
        index = int(details[0]["index"])
        rows = [self._compute(self._watching, row, index)[0] for row in self._quantise(batch)]
        return _real(np.stack(rows), details[0]).reshape(len(batch), -1)

    def _compute(self, interpreter: Any, picture: Any, index: int) -> Any:
        interpreter.set_tensor(self._input["index"], picture[None])
        interpreter.invoke()
        return interpreter.get_tensor(index)

    def _quantise(self, batch: Float32) -> Any:
        expected = tuple(int(n) for n in self._input["shape"][1:])
        if batch.shape[1:] != expected:
            raise EngineError(
                f"{self._path}: the model takes pictures of shape {expected} (height, width, "
                f"channels), the card's [input] gives {batch.shape[1:]}."
            )
        dtype = self._input["dtype"]
        if dtype == np.float32:
            return batch
        scale, zero = self._input["quantization"]
        limits = np.iinfo(dtype)
        # A scale of 0 means that the integers stand for themselves.
        steps = np.rint(batch / (scale or 1))
        return np.clip(steps + zero, limits.min, limits.max).astype(dtype)

    def close(self) -> None:
        """Release the interpreters."""
        self._pool.shutdown()
        self._interpreters, self._watching = [], None


def _real(values: Any, details: Any) -> Float32:
    scale, zero = details["quantization"]
    if values.dtype == np.float32 or scale == 0:
        return np.asarray(values, dtype=np.float32)
    scaled: Float32 = ((values.astype(np.int32) - zero) * np.float32(scale)).astype(np.float32)
    return scaled
