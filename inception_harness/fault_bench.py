"""An honest model on the bench, and the ways to put a damaged one in its place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inception_harness.classifier import Classifier
from inception_harness.engines import Engine, open_engine
from inception_harness.fault_files import READERS, GraphWeights, NotApplicable, TfliteWeights
from inception_harness.labels import Labels
from inception_harness.session import Models, Subject
from inception_harness.store import sha256_of

__all__ = ["Bench", "Fault", "NotApplicable"]


@dataclass
class Bench:
    """An honest model, and what is needed to damage it.

    Attributes:
        models: of the run; its store and picture sets.
        subject: what the model is tested as.
        honest: the model as it should be, loaded once for all faults.
        folder: for damaged files.
        opened: closes what a fault has loaded.
    """

    models: Models
    subject: Subject
    honest: Classifier
    folder: Path
    opened: ExitStack

    def twin(
        self, *, labels: Labels | None = None, engine: Engine | None = None, **stages: Any
    ) -> Classifier:
        """Return the honest model with other stages, labels or another engine."""
        made = copy.copy(self.honest)
        made.stages = replace(self.honest.stages, **stages)
        if labels is not None:
            made.labels = labels
        if engine is not None:
            made.engine = engine
            made.stages = replace(made.stages, run=engine.run)
        return made

    def damaged(self, change: Callable[[Any], None], *, name: str = "damaged") -> Classifier:
        """Return the model, loaded anew from a copy of its file with other weights.

        Args:
            change: is given the file's weights, `GraphWeights` or `TfliteWeights`.
            name: of the folder of the copy.
        """
        card = self.honest.card
        weights = self.weights()
        change(weights)
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        path = folder / Path(card.model.file).name
        weights.save(path)
        local = replace(card, model=replace(card.model, file=path.name))
        # One's own cache of converted graphs: the damaged ones are of no use to anybody else.
        engine = open_engine(local, folder, self.subject.engine_spec(), folder / "converted")
        self.opened.callback(engine.close)
        made = self.twin(engine=engine)
        made.file_hash = sha256_of(path)
        return made

    def weights(self) -> GraphWeights | TfliteWeights:
        """Return the weights of the model's file.

        Raises:
            NotApplicable: files of this format, or weights of this type, are not opened here.
        """
        card = self.honest.card
        if card.model.format not in READERS:
            raise NotApplicable(f"weights of the format {card.model.format} are not opened here")
        path = card.local_folder(self.models.store) / card.model.file
        weights = READERS[card.model.format](path)
        if not weights.kernels:
            raise NotApplicable(f"no layer with weights of its own is found in {path.name}")
        return weights

    def two_classes(self) -> tuple[int, int]:
        """Return the numbers of two classes that the picture set shows, the first two of it."""
        pictures = self.models.picture_set(self.subject).pictures.values()
        known = [p.expected for p in pictures if p.expected and p.expected in self.honest.labels]
        numbers = [self.honest.labels.number(name) for name in dict.fromkeys(known)]
        if len(numbers) < 2:
            raise NotApplicable("the picture set shows fewer than two of the model's classes")
        return numbers[0], numbers[1]

    def rng(self) -> np.random.Generator:
        """Return random numbers that are the same in each run."""
        return np.random.default_rng(20151205)


@dataclass(frozen=True)
class Fault:
    """One way in which a model gets damaged on its way to production.

    Attributes:
        name: as after ``--only``.
        story: what is wrong, in a few words.
        make: returns the damaged model.
        about_speed: whether it changes nothing but how long the model takes; such a fault alone
            is timed.
    """

    name: str
    story: str
    make: Callable[[Bench], Classifier]
    about_speed: bool = False
