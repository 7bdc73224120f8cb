"""Classifiers: pictures in, predictions out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence, Sized
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice, tee
from pathlib import Path
from types import TracebackType

import numpy as np

from inception_harness import images
from inception_harness.cards import Card, find_card
from inception_harness.engines import (
    Engine,
    EngineSpec,
    Float32,
    ReadsPictures,
    UInt8,
    default_threads,
    open_engine,
)
from inception_harness.errors import CardError, EngineError
from inception_harness.images import PictureSource
from inception_harness.labels import Labels, read_2015_pair, read_keras_index, read_lines
from inception_harness.own_models import (
    OwnEngine,
    OwnModel,
    check_own,
    describe_own,
    make_own,
    names_a_factory,
)
from inception_harness.pipeline import ahead_of, in_batches
from inception_harness.prediction import Prediction
from inception_harness.store import Store, sha256_of

__all__ = [
    "Classifier",
    "OwnModel",
    "Stages",
    "load",
    "names_a_factory",
    "read_labels",
    "view_hash",
]


@dataclass(frozen=True)
class Stages:
    """The way of a picture through a classifier; each stage can be replaced.

    Attributes:
        decode: anything that is a picture -> RGB, (height, width, 3), uint8.
        view: RGB, and a fit or None for the card's -> what the network sees, 0..255.
        scale: views, (n, height, width, 3), 0..255 -> the range that the network takes.
        run: scaled views -> outputs, (n, classes).
        finish: outputs -> probabilities, 0..1.
    """

    decode: Callable[[PictureSource], UInt8]
    view: Callable[[UInt8, str | None], Float32]
    scale: Callable[[Float32], Float32]
    run: Callable[[Float32], Float32]
    finish: Callable[[Float32], Float32]


class Classifier:
    """A loaded model: card, engine and labels.

    A context manager; `close` releases the engine.

    Attributes:
        name: the model's name.
        card: what is known of the model.
        labels: the names of its outputs.
        engine: what computes.
        file_hash: sha256 of the weights' file, or "" where the model is not one file.
        stages: how a picture becomes scores.
    """

    def __init__(self, card: Card, engine: Engine, labels: Labels, file_hash: str = "") -> None:
        self.name = card.name
        self.card = card
        self.engine = engine
        self.labels = labels
        self.file_hash = file_hash
        self.stages = Stages(
            decode=images.decode,
            view=self._view,
            scale=self._scale,
            run=engine.run,
            finish=_softmax if card.output.kind == "logits" else _as_they_are,
        )

    @property
    def size(self) -> tuple[int, int]:
        """The network's input, (width, height) in pixels."""
        return self.card.input.width, self.card.input.height

    @property
    def engine_title(self) -> str:
        """The engine as it is shown to people, for example ``openvino bf16``."""
        own = self.engine.precision in ("f32", "int8")
        return self.engine.name if own else f"{self.engine.name} {self.engine.precision}"

    def classify(
        self, picture: PictureSource, *, fit: str | None = None, name: str | None = None
    ) -> Prediction:
        """Compute a model's scores of one picture.

        Args:
            picture: a path, the bytes of an image file, a PIL image, or an array of shape
                (height, width, 3), uint8 or float, 0..255.
            fit: ``squeeze``, ``crop`` or ``pad``; None for the card's.
            name: what the prediction calls the picture; else its file's name.

        Raises:
            PictureError: this is no picture, or one that cannot be handled.
        """
        return self._predict([self._see(picture, fit)], [name or _name_of(picture)])[0]

    def classify_batch(
        self,
        pictures: Iterable[PictureSource],
        *,
        fit: str | None = None,
        names: Sequence[str] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> list[Prediction]:
        """Compute a model's scores of many pictures, in their order.

        Threads decode and resize the next pictures while the engine computes, never more than
        two batches ahead; an iterator is asked for no more than that.

        Args:
            pictures: each as `classify` takes it.
            fit: as in `classify`.
            names: what the predictions call the pictures; else their files' names.
            batch_size: how many are computed at once; None for the engine's own choice.
            progress: whether to show a bar, which is shown on terminals only.

        Raises:
            PictureError: the first picture that is none, or cannot be handled, by its name.
        """
        if names is None:
            pictures, unnamed = _twice(pictures)
            called: Iterable[str] = map(_name_of, unnamed)
        else:
            if isinstance(pictures, Sized) and len(pictures) != len(names):
                raise ValueError(
                    f"{len(pictures)} pictures, but {len(names)} names: give one each."
                )
            called = names
        errors, called = tee(called)
        size = batch_size or self.engine.batch
        views = ahead_of(
            pictures,
            lambda source: self._see(source, fit),
            names=errors,
            threads=default_threads(),
            ahead=2 * size,
            progress=progress,
        )
        predictions: list[Prediction] = []
        with closing(views):
            for batch in in_batches(views, size):
                predictions += self._predict(batch, list(islice(called, len(batch))))
        return predictions

    def network_view(self, picture: PictureSource, *, fit: str | None = None) -> Float32:
        """Return what the network sees: RGB, shape (height, width, 3), 0..1."""
        seen: Float32 = (self._see(picture, fit) / np.float32(255)).astype(np.float32)
        return seen

    def transfer_values(self, picture: PictureSource, *, fit: str | None = None) -> Float32:
        """Return the values of the layer before the classes, shape (length,).

        Raises:
            EngineError: the model offers no such layer.
        """
        batch = self.stages.scale(self._see(picture, fit)[None])
        values: Float32 = self.engine.transfer_values(batch)[0]
        return values

    def _see(self, picture: PictureSource, fit: str | None) -> Float32:
        if isinstance(self.engine, ReadsPictures) and (fit or self.card.input.fit) == "squeeze":
            data = images.read_bytes(picture)
            if data is not None and images.is_plain_jpeg(data):
                try:
                    return self.engine.view(data)
                except EngineError:
                    self.stages.decode(picture)  # says what is wrong with the picture, by name
                    raise
        return self.stages.view(self.stages.decode(picture), fit)

    def _view(self, rgb: UInt8, fit: str | None) -> Float32:
        form = self.card.input
        if isinstance(self.engine, ReadsPictures):
            return self.engine.view(images.fit(rgb, fit or form.fit))
        return images.network_view(rgb, self.size, fit or form.fit, form.resize)

    def _scale(self, views: Float32) -> Float32:
        form = self.card.input
        ordered = views[..., ::-1] if form.channels == "bgr" else views
        if not any(form.mean) and set(form.std) == {1.0}:
            return np.ascontiguousarray(ordered)
        scaled = (ordered - np.array(form.mean, np.float32)) / np.array(form.std, np.float32)
        return np.ascontiguousarray(scaled, dtype=np.float32)

    def _predict(self, views: Sequence[Float32], names: Sequence[str]) -> list[Prediction]:
        outputs = self.stages.run(self.stages.scale(np.stack(views)))
        scores = self.stages.finish(outputs) if outputs.ndim == 2 else outputs
        if scores.shape != (len(views), len(self.labels)):
            raise EngineError(
                f"{self.name}: the model gives outputs of shape {scores.shape} for {len(views)} "
                f"pictures; the card says {len(self.labels)} classes, so "
                f"({len(views)}, {len(self.labels)}) was expected. Is [output] classes right?"
                if self.card.model.format != "own"
                else f"{self.name}: scores(batch) gave the shape {scores.shape} for {len(views)} "
                f"pictures; with {len(self.labels)} labels, ({len(views)}, {len(self.labels)}) "
                "was expected."
            )
        return [
            Prediction(row, self.labels, name, self.name, self.engine_title)
            for row, name in zip(scores, names, strict=True)
        ]

    def close(self) -> None:
        """Release the engine."""
        self.engine.close()

    def __enter__(self) -> Classifier:
        """Return the classifier itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the engine."""
        self.close()


def _twice(pictures: Iterable[PictureSource]) -> tuple[Iterable[PictureSource], ...]:
    """Return pictures that can be gone through twice, side by side; what has a length keeps it."""
    return (pictures, pictures) if isinstance(pictures, Sized) else tee(pictures)


def _name_of(picture: PictureSource) -> str:
    if isinstance(picture, str | os.PathLike):
        return Path(picture).name
    filename = getattr(picture, "filename", "")
    return Path(filename).name if isinstance(filename, str) and filename else "picture"


def _softmax(logits: Float32) -> Float32:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Float32 = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


def _as_they_are(outputs: Float32) -> Float32:
    return outputs


def load(
    spec: str, *, engine: str | EngineSpec | None = None, store: Store | None = None
) -> Classifier:
    """Load a model; files of its card that are not in the store yet are fetched first.

    Args:
        spec: a built-in card's name, a card's path, or ``package.module:factory``.
        engine: ``NAME[:OPTION,…]``, or None for the default of the card's format.
        store: where files are; None for the one of ``INCEPTION_HARNESS_HOME``.

    Raises:
        CardError: the spec names nothing, or the card is not right.
        StoreError: a file of the model is missing or has been changed.
        EngineError: the engine cannot run the model.
        LabelError: the label files are damaged or do not fit the model.
    """
    if names_a_factory(spec):
        if engine is not None:
            raise EngineError(
                f"--engine {engine} cannot be used with --model {spec}: a model made by a factory "
                "computes by itself."
            )
        made = make_own(spec)
        if isinstance(made, Classifier):
            return made
        card, labels = describe_own(check_own(made, spec), spec)
        return Classifier(card, OwnEngine(made), labels)
    chosen = EngineSpec.parse(engine) if isinstance(engine, str) else engine
    where = store or Store()
    card = find_card(spec)
    folder = card.local_folder(where)
    where.fetch(folder, card.files, card.archive)
    weights = folder / card.model.file
    if not weights.exists():
        raise CardError(
            f"{card.source_file}: the model's file {weights} is not there. The card's [model] "
            "file is relative to the card's own folder."
        )
    labels = read_labels(card, folder)
    runtime = open_engine(card, folder, chosen, where.folder("converted"))
    card = _with_step(card, runtime)
    return Classifier(card, runtime, labels, sha256_of(weights) if weights.is_file() else "")


def _with_step(card: Card, engine: Engine) -> Card:
    """Return the card with the step of quantised probabilities, which the file itself knows."""
    step = float(getattr(engine, "output_step", 0.0))
    if card.output.step or not step or card.output.kind != "probabilities":
        return card
    return replace(card, output=replace(card.output, step=step))


def read_labels(card: Card, folder: Path) -> Labels:
    """Read the label files of a card.

    Raises:
        LabelError: a file is missing, damaged, or does not fit the model's outputs.
    """
    form, classes = card.labels, card.output.classes
    paths = [folder / file for file in form.files]
    if form.format == "lines":
        return read_lines(paths[0], classes, background=form.background, wnids=form.wnids)
    if form.format == "inception-2015":
        return read_2015_pair(paths[0], paths[1], classes)
    if form.format == "keras-index":
        return read_keras_index(paths[0], classes)
    return Labels((None,) * classes)


def view_hash(view: Float32) -> str:
    """Return the first 16 hexadecimal digits of the sha256 of a network's view.

    The view is rounded to a 1/8 of a level first, so that the last bits of float arithmetic,
    which differ between processors, do not count as a change.
    """
    rounded = np.rint(view * 8).astype("<u2")
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]
