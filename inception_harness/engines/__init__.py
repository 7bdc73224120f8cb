"""What computes scores from a batch: one small protocol, one module per runtime.

An engine is named on the command line as ``NAME[:OPTION[,OPTION…]]``, for example
``tensorflow``, ``openvino:bf16`` or ``openvino:f32,threads=2,batch=16``.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inception_harness.engines.quiet import without_startup_notes
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = [
    "ENGINES",
    "ENGINES_BY_FORMAT",
    "Engine",
    "EngineSpec",
    "Float32",
    "ReadsPictures",
    "UInt8",
    "default_threads",
    "open_engine",
]

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]


class Engine(Protocol):
    """A loaded model that computes.

    Attributes:
        name: the runtime, as it is named after ``--engine``.
        version: the runtime's own version.
        precision: the arithmetic: ``f32``, ``bf16``, or for quantised models ``int8``, and
            ``int8-bf16`` where what is not quantised in them is computed in bf16.
        threads: how many threads it computes with.
        batch: how many pictures it computes at once with good use of the machine.
        notes: what a person should know of how the model was loaded, for the header.
    """

    name: str
    version: str
    precision: str
    threads: int
    batch: int
    notes: tuple[str, ...]

    def run(self, batch: Float32) -> Float32:
        """Compute the model's outputs.

        Args:
            batch: scaled pictures, shape (n, height, width, 3), in the channel order and the
                range that the card's ``[input]`` states.

        Returns:
            Shape (n, classes): logits or probabilities as the card's ``[output]`` states;
            quantised outputs are scaled back to real numbers.
        """
        ...

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values of the layer before the classes, shape (n, length).

        Raises:
            EngineError: the model offers no such layer.
        """
        ...

    def close(self) -> None:
        """Release the model; more than one call does no harm."""
        ...


@runtime_checkable
class ReadsPictures(Protocol):
    """An engine whose model decodes and resizes pictures itself, as the 2015 graph does."""

    def view(self, picture: bytes | UInt8) -> Float32:
        """Return what the network sees of one picture.

        Args:
            picture: the bytes of a JPEG file, or RGB of shape (height, width, 3), uint8.

        Returns:
            RGB, shape (input height, input width, 3), 0..255.
        """
        ...


ENGINES = ("tensorflow", "litert", "openvino", "onnxruntime")

# The first of each row is the format's default.
ENGINES_BY_FORMAT: dict[str, tuple[str, ...]] = {
    "graphdef": ("tensorflow", "openvino"),
    "savedmodel": ("tensorflow", "openvino"),
    "keras": ("tensorflow", "openvino"),
    "keras-application": ("tensorflow", "openvino"),
    "tflite": ("litert", "openvino"),
    "onnx": ("onnxruntime", "openvino"),
}

PRECISIONS = ("f32", "bf16")


def default_threads() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class EngineSpec:
    """What stands after ``--engine``, read.

    Attributes:
        name: one of `ENGINES`.
        precision: ``f32``, ``bf16``, or None for the model's own.
        threads: threads to compute with, or None for all cores.
        batch: pictures computed at once, or None for the engine's own choice.
        original: run the graph exactly as it is stored, without folding it.
    """

    name: str
    precision: str | None = None
    threads: int | None = None
    batch: int | None = None
    original: bool = False

    @classmethod
    def parse(cls, text: str) -> EngineSpec:
        """Read ``NAME[:OPTION[,OPTION…]]``.

        Options are ``f32`` or ``bf16``, ``threads=N``, ``batch=N`` and ``original``.

        Raises:
            EngineError: an unknown engine or option, or a number below 1.
        """
        name, _, rest = text.partition(":")
        if name not in ENGINES:
            near = get_close_matches(name, ENGINES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise EngineError(
                f"There is no engine {name!r}; the engines are {', '.join(ENGINES)}.{hint}"
            )
        spec = {"precision": None, "threads": None, "batch": None, "original": False}
        values: dict[str, object] = dict(spec)
        for option in filter(None, rest.split(",")):
            key, equals, value = option.partition("=")
            if option in PRECISIONS:
                values["precision"] = option
            elif option == "original":
                values["original"] = True
            elif equals and key in ("threads", "batch") and value.isdecimal() and int(value) > 0:
                values[key] = int(value)
            else:
                raise EngineError(
                    f"Engine {text!r}: {option!r} is no option of an engine. "
                    "Use f32 or bf16, threads=N, batch=N (N from 1), or original."
                )
        return cls(name, **values)  # type: ignore[arg-type]  # keys and types set just above

    @property
    def arithmetic(self) -> str:
        """What decides on the scores: ``openvino`` or ``openvino:bf16``.

        Without what they do not depend on, threads, batch and folding, and without ``f32``, which
        is every engine's own.
        """
        return self.name if self.precision in (None, "f32") else f"{self.name}:{self.precision}"

    def __str__(self) -> str:
        """Return the text that `parse` reads back to an equal spec."""
        options = [
            self.precision or "",
            f"threads={self.threads}" if self.threads else "",
            f"batch={self.batch}" if self.batch else "",
            "original" if self.original else "",
        ]
        return ":".join(filter(None, (self.name, ",".join(filter(None, options)))))


def open_engine(card: Card, folder: Path, spec: EngineSpec | None, cache: Path) -> Engine:
    """Load the model of a card.

    Args:
        card: what must be known of the model.
        folder: where the model's files are.
        spec: the engine asked for, or None for the default of the card's format.
        cache: folder for converted models, made when first needed; it may be read-only.

    Raises:
        EngineError: the engine cannot run this format, is not installed, or refuses the file.
    """
    able = ENGINES_BY_FORMAT[card.model.format]
    chosen = spec or EngineSpec(able[0])
    if chosen.name not in able:
        raise EngineError(
            f"Engine {chosen.name!r} cannot run {card.name}, whose format is "
            f"{card.model.format}. Use --engine {' or --engine '.join(able)}."
        )
    if chosen.original and card.model.format != "graphdef":
        raise EngineError(
            f"Engine {chosen.name!r} has no option 'original' for {card.name}, whose format is "
            f"{card.model.format}: only frozen graphs (graphdef) are folded. "
            f"Use --engine {chosen.name}."
        )
    with without_startup_notes():
        module = importlib.import_module(f"inception_harness.engines.{chosen.name}_engine")
        engine: Engine = module.open_model(card, folder, chosen, cache)
    return engine
