"""Models of your own: objects that a factory named by ``package.module:factory`` returns."""

from __future__ import annotations

import importlib
import operator
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from inception_harness.cards import Card, InputForm, LabelFiles, ModelFile, OutputForm
from inception_harness.engines import Float32, default_threads
from inception_harness.errors import CardError, EngineError, HarnessError
from inception_harness.images import FITS, RESIZE_METHODS
from inception_harness.labels import Labels

__all__ = ["OwnEngine", "OwnModel", "check_own", "describe_own", "make_own", "names_a_factory"]


@runtime_checkable
class OwnModel(Protocol):
    """What a factory named by ``package.module:factory`` returns: a model of your own.

    Attributes:
        labels: one name for each output, in their order.
        input_size: (width, height) in pixels of what `scores` takes.

    Optional attributes: ``name`` (else the spec is the name), ``version``, ``fit``
    ("squeeze", "crop" or "pad"), ``resize`` (one of `inception_harness.images.RESIZE_METHODS`),
    ``wnids`` (as ``labels``), and ``close()``.
    """

    labels: Sequence[str]
    input_size: tuple[int, int]

    def scores(self, batch: Float32) -> Float32:
        """Compute probabilities.

        Args:
            batch: RGB pictures, shape (n, height, width, 3), float32, 0..255.

        Returns:
            Shape (n, len(labels)), each 0..1.
        """
        ...


def names_a_factory(spec: str) -> bool:
    """Tell whether a spec has the form ``package.module:factory``."""
    module, colon, name = spec.partition(":")
    return bool(colon) and name.isidentifier() and all(p.isidentifier() for p in module.split("."))


def make_own(spec: str) -> Any:
    """Call the factory that a spec names, and return what it returned.

    Raises:
        CardError: the factory cannot be found, or fails.
    """
    module_name, _, factory_name = spec.partition(":")
    # As `python -m` has it, so that a module in the current folder is found by every command.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise CardError(
            f"--model {spec}: cannot import {module_name!r}: {error}. Is it installed, in the "
            "current folder, or its folder on PYTHONPATH?"
        ) from error
    except Exception as error:  # anything can happen in a module of somebody else's
        raise CardError(
            f"--model {spec}: importing {module_name!r} failed: {type(error).__name__}: {error}."
        ) from error
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        names = [name for name in dir(module) if callable(getattr(module, name))]
        near = get_close_matches(factory_name, names, n=1)
        raise CardError(
            f"--model {spec}: {module_name!r} has no class or function {factory_name!r}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    try:
        return factory()
    except HarnessError:
        raise
    except Exception as error:  # as above
        raise CardError(
            f"--model {spec}: the factory failed: {type(error).__name__}: {error}."
        ) from error


def check_own(made: Any, spec: str) -> OwnModel:
    """Return what a factory returned, which should be an `OwnModel`.

    Raises:
        CardError: a member is missing.
    """
    if not isinstance(made, OwnModel):
        missing = [n for n in ("labels", "input_size", "scores") if not hasattr(made, n)]
        raise CardError(
            f"--model {spec}: the factory returned a {type(made).__name__} without "
            f"{', '.join(missing)}. It should return an object with labels, input_size and "
            "scores(batch), or a Classifier."
        )
    return made


def describe_own(made: OwnModel, spec: str) -> tuple[Card, Labels]:
    """Return the card and the labels of a model of your own.

    Raises:
        CardError: a member has a value that cannot be used.
        LabelError: there are not as many WNIDs as labels.
    """
    try:
        width, height = (operator.index(n) for n in made.input_size)
    except (TypeError, ValueError):
        raise CardError(
            f"--model {spec}: input_size should be (width, height) in pixels, found "
            f"{made.input_size!r}."
        ) from None
    names = tuple(made.labels)
    if not names or not all(isinstance(name, str) for name in names):
        raise CardError(f"--model {spec}: labels should be texts, one for each output.")
    for key, choices in (("fit", FITS), ("resize", RESIZE_METHODS)):
        if getattr(made, key, choices[0]) not in choices:
            raise CardError(
                f"--model {spec}: {key} should be one of {', '.join(choices)}, found "
                f"{getattr(made, key)!r}."
            )
    labels = Labels(names, tuple(getattr(made, "wnids", ()) or ()))
    card = Card(
        name=str(getattr(made, "name", spec)),
        title=f"a model of your own, {spec}",
        source_file=Path(spec),
        model=ModelFile("own", spec),
        input=InputForm(
            width,
            height,
            fit=getattr(made, "fit", "squeeze"),
            resize=getattr(made, "resize", "bilinear"),
        ),
        output=OutputForm("probabilities", len(names)),
        labels=LabelFiles("none"),
        pictures=str(getattr(made, "pictures", "photos")),
    )
    return card, labels


class OwnEngine:
    """The engine of a model that computes by itself."""

    name = "own"
    precision = "f32"
    batch = 8
    notes: tuple[str, ...] = ()

    def __init__(self, made: Any) -> None:
        self.version = str(getattr(made, "version", "?"))
        self.threads = default_threads()
        self._made = made

    def run(self, batch: Float32) -> Float32:
        """Compute the scores, shape (n, labels).

        Raises:
            EngineError: the model raised something, or returned what is no array of numbers.
        """
        try:
            return np.asarray(self._made.scores(batch), dtype=np.float32)
        except HarnessError:
            raise
        except Exception as error:  # anything can happen in a model of somebody else's
            *_, last = traceback.extract_tb(error.__traceback__)
            raise EngineError(
                f"scores(batch) failed on a batch of shape {batch.shape}: "
                f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})."
            ) from error

    def transfer_values(self, batch: Float32) -> Float32:
        """Compute the values before the classes, where the model offers them."""
        if not hasattr(self._made, "transfer_values"):
            raise EngineError("This model has no method transfer_values(batch).")
        return np.asarray(self._made.transfer_values(batch), dtype=np.float32)

    def close(self) -> None:
        """Let the model release what it holds."""
        if hasattr(self._made, "close"):
            self._made.close()
