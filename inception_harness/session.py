"""The models of one test run: each loaded once, each picture computed once."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inception_harness import images
from inception_harness.cards import Card, find_card
from inception_harness.classifier import Classifier, load, names_a_factory
from inception_harness.engines import ENGINES_BY_FORMAT, EngineSpec, default_threads
from inception_harness.errors import CardError, EngineError
from inception_harness.images import PictureSource
from inception_harness.pictures import PictureSet, find_picture_set
from inception_harness.prediction import Prediction
from inception_harness.store import Store, sha256_of

__all__ = ["Classify", "Models", "Subject", "subjects_of"]

_DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "litert": ("ai-edge-litert",),
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime",),
}


@dataclass(frozen=True)
class Subject:
    """A model that a run tests, with the engine that computes it.

    Attributes:
        spec: as it was typed after ``--model``.
        engine: as it was typed after ``--engine``, or None for the format's default.
        key: the short name in test ids and reports.
        card: the model's card, or None where a factory makes the model.
    """

    spec: str
    engine: EngineSpec | None
    key: str
    card: Card | None

    def engine_spec(self) -> EngineSpec | None:
        """Return the engine that computes, or None where the model computes by itself."""
        if self.engine is not None or self.card is None:
            return self.engine
        return EngineSpec(ENGINES_BY_FORMAT[self.card.model.format][0])


def subjects_of(specs: Sequence[str], engines: Sequence[str]) -> list[Subject]:
    """Return every model with every engine, checked without loading anything.

    Raises:
        CardError: a spec names nothing, or a card is not right.
        EngineError: an engine is unknown, or cannot run a model's format.
    """
    parsed: list[EngineSpec | None] = [EngineSpec.parse(text) for text in engines] or [None]
    subjects: list[Subject] = []
    for spec in specs:
        card = None if names_a_factory(spec) else find_card(spec)
        name = card.name if card else spec
        for engine in parsed:
            if card and engine and engine.name not in ENGINES_BY_FORMAT[card.model.format]:
                able = " or ".join(ENGINES_BY_FORMAT[card.model.format])
                raise EngineError(
                    f"--engine {engine}: {card.name} is of the format {card.model.format}, "
                    f"which runs on {able}."
                )
            key = name if engine is None else f"{name}@{engine}"
            other = next((each for each in subjects if each.key == key), None)
            if other is not None:
                raise CardError(
                    f"--model {other.spec} and --model {spec} are both called {name!r}, and could "
                    "not be told apart. Give each card a name of its own."
                )
            subjects.append(Subject(spec, engine, key, card))
    return subjects


class Classify:
    """The fixture `classify`: a picture's role or path in, its prediction out.

    The first role asked for makes the harness compute the whole picture set in batches; a
    picture is computed once in a session.
    """

    def __init__(self, models: Models, subject: Subject) -> None:
        self._models, self._subject = models, subject

    def __call__(self, picture: str | os.PathLike[str], *, fit: str | None = None) -> Prediction:
        """Return the prediction of a role of the picture set, or of a file."""
        return self._models.classify(self._subject, picture, fit)

    def all(self) -> dict[str, Prediction]:
        """Return the predictions of the whole picture set by role."""
        return self._models.predictions(self._subject)


@dataclass
class Models:
    """The models of a run, loaded when first used.

    Attributes:
        store: where files are.
        pictures_spec: the picture set asked for, or None for each card's own.
    """

    store: Store
    pictures_spec: str | None = None
    _loaded: dict[str, Classifier] = field(default_factory=dict)
    _sets: dict[str, PictureSet] = field(default_factory=dict)
    _predictions: dict[tuple[str, str | None], dict[str, Prediction]] = field(default_factory=dict)
    _probed: dict[str, Prediction] = field(default_factory=dict)
    _put: set[str] = field(default_factory=set)

    def prepare(self, subject: Subject, *, progress: bool) -> None:
        """Fetch what a subject needs and has not.

        Raises:
            StoreError: a file cannot be had, or is not the file that it should be.
        """
        card = subject.card
        if card is not None:
            folder = card.local_folder(self.store)
            self.store.fetch(folder, card.files, card.archive, progress=progress)
        self.picture_set(subject).fetch(self.store, progress=progress)

    def classifier(self, subject: Subject) -> Classifier:
        """Return a subject's classifier, loaded at the first call."""
        if subject.key not in self._loaded:
            self._loaded[subject.key] = load(subject.spec, engine=subject.engine, store=self.store)
        return self._loaded[subject.key]

    def put(self, subject: Subject, classifier: Classifier) -> None:
        """Use a classifier for a subject, and forget what was computed for it before."""
        self._loaded[subject.key] = classifier
        self._put.add(subject.key)
        for key in [key for key in self._predictions if key[0] == subject.key]:
            del self._predictions[key]

    def is_loaded(self, subject: Subject) -> bool:
        """Tell whether a subject's classifier has been loaded."""
        return subject.key in self._loaded

    def picture_set(self, subject: Subject) -> PictureSet:
        """Return the picture set that a subject is tested on."""
        card = subject.card or self.classifier(subject).card
        spec = self.pictures_spec or card.pictures
        if spec not in self._sets:
            self._sets[spec] = find_picture_set(spec, self.store)
        return self._sets[spec]

    def predictions(self, subject: Subject, fit: str | None = None) -> dict[str, Prediction]:
        """Return the predictions of the whole picture set by role, computed once."""
        key = (subject.key, fit)
        if key not in self._predictions:
            pictures = self.picture_set(subject).ready(self.store)
            found = self.classifier(subject).classify_batch(
                [pictures[role].path for role in pictures],
                fit=fit,
                names=list(pictures),
                progress=True,
            )
            self._predictions[key] = dict(zip(pictures, found, strict=True))
        return self._predictions[key]

    def classify(
        self, subject: Subject, picture: PictureSource, fit: str | None = None
    ) -> Prediction:
        """Return the prediction of a role, or of a file, computed once."""
        if isinstance(picture, str) and picture in self.picture_set(subject):
            return self.predictions(subject, fit)[picture]
        if isinstance(picture, str) and not Path(picture).suffix:
            # A word without an ending is a role, so that a wrong one gets the near ones.
            self.picture_set(subject)[picture]
        return self.classifier(subject).classify(picture, fit=fit)

    def describe(self, subject: Subject) -> list[str]:
        """Return the lines that name model, file, engine and pictures, without loading a model."""
        card = subject.card
        if card is None:
            return [f"model: {subject.key} (made by a factory)"]
        weights = card.local_folder(self.store) / card.model.file
        digest = [f"  sha256: {sha256_of(weights)[:12]}…"] if weights.is_file() else []
        engine = subject.engine_spec()
        assert engine is not None  # only a factory's model has none
        threads = engine.threads or default_threads()
        pictures = self.picture_set(subject)
        return [
            f"model: {card.name}: {card.title}",
            *digest,
            f"  engine: {engine} {_version(engine.name)}, "
            f"{threads} thread{'s' if threads > 1 else ''}",
            f"  decoder: {images.DECODER}",
            f"  pictures: {pictures.name}: {pictures.title}",
        ]

    def probe(self, subject: Subject) -> None:
        """Load a subject and let it score one picture, so that what cannot work is told once.

        A classifier that was `put` there is left alone: it is judged, whatever it does.

        Raises:
            HarnessError: it cannot be loaded, or cannot score a picture of its set.
        """
        if subject.key in self._put or subject.key in self._probed:
            return
        pictures = self.picture_set(subject).ready(self.store)
        first = next(iter(pictures))
        self._probed[subject.key] = self.classifier(subject).classify(
            pictures[first].path, name=first
        )

    def _out_of_range(self, subject: Subject) -> list[str]:
        """Return a line where the probe's scores are no probabilities."""
        probed = self._probed.get(subject.key)
        if probed is None or ((probed.scores >= -1e-6) & (probed.scores <= 1 + 1e-6)).all():
            return []
        cure = (
            "scores(batch) should return probabilities"
            if subject.card is None
            else 'if these are logits, the card\'s [output] should say kind = "logits"'
        )
        return [
            f"  scores: {probed.scores.min():.4g} to {probed.scores.max():.4g} for "
            f"{probed.picture}, and not within 0 to 1; {cure}"
        ]

    def warm_up(self, subject: Subject, *, predict: bool) -> list[str]:
        """Load a subject; return lines on how it was loaded, and on scores that are none.

        What goes wrong here is not told: it comes again with the test that needs the model.

        Args:
            subject: the model and its engine.
            predict: whether to compute the whole picture set as well.
        """
        try:
            notes = self.classifier(subject).engine.notes
            if predict:
                self.predictions(subject)
        except Exception:
            return []
        loaded = [f"  loaded: {'; '.join(notes)}"] if notes else []
        return loaded + self._out_of_range(subject)

    def close(self) -> None:
        """Release all models."""
        for classifier in self._loaded.values():
            classifier.close()
        self._loaded.clear()


def _version(engine: str) -> str:
    for distribution in _DISTRIBUTIONS[engine]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "(not installed)"
