"""Integers and real numbers at the ends of a quantised ``.tflite`` file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inception_harness.engines import Float32
from inception_harness.errors import EngineError

__all__ = ["Quantisation", "read_quantisation"]


@dataclass(frozen=True)
class Quantisation:
    """How a file's input and output stand for real numbers: ``(integer - zero point) * scale``.

    Attributes:
        input_type: numpy's type of the input.
        input_scale: of the input.
        input_zero: zero point of the input.
        output_type: numpy's type of the output.
        output_scale: of the output.
        output_zero: zero point of the output.
    """

    input_type: Any
    input_scale: float
    input_zero: int
    output_type: Any
    output_scale: float
    output_zero: int

    @property
    def is_quantised(self) -> bool:
        """Whether the file gives integers."""
        return bool(self.output_type != np.float32)

    def to_integers(self, batch: Float32) -> Any:
        """Return ``round(value / scale) + zero point``; a float input's batch as it is."""
        if self.input_type == np.float32:
            return batch
        limits = np.iinfo(self.input_type)
        # In place, since a batch of pictures is large.
        whole = batch / np.float32(self.input_scale)
        np.rint(whole, out=whole)
        whole += self.input_zero
        return np.clip(whole, limits.min, limits.max, out=whole).astype(self.input_type)

    def to_real(self, values: Any) -> Float32:
        """Return an output's real numbers."""
        if not self.is_quantised:
            return np.asarray(values, np.float32)
        shifted = values.astype(np.int32) - self.output_zero
        real: Float32 = (shifted * np.float32(self.output_scale)).astype(np.float32)
        return real


def read_quantisation(path: Path) -> Quantisation:
    """Read the scales of a ``.tflite`` file; LiteRT opens it, and computes nothing.

    Raises:
        EngineError: the file cannot be read.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(path), num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise EngineError(f"{path}: this is not a .tflite file: {error}") from error
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    return Quantisation(
        taken["dtype"], *_scale_and_zero(taken), given["dtype"], *_scale_and_zero(given)
    )


def _scale_and_zero(details: Any) -> tuple[float, int]:
    scale, zero = details["quantization"]
    # A scale of 0 means that the numbers stand for themselves.
    return float(scale) or 1.0, int(zero)
