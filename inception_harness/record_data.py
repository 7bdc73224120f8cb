"""The data of a record: the scores of one version of a model over its picture set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TOP", "PictureHashes", "Record", "RecordRow"]

# As many as the tutorial's tables show; below that the scores of a sure picture are noise.
TOP = 10


@dataclass(frozen=True)
class RecordRow:
    """One class of one picture.

    Attributes:
        rank: from 1.
        number: the class number, or None where the source of the record does not tell which of
            several classes of that name is meant.
        wnid: the WordNet id, or "" where the model's labels have none.
        name: the class's first name.
        score: 0..1.
    """

    rank: int
    number: int | None
    wnid: str
    name: str
    score: float


@dataclass(frozen=True)
class PictureHashes:
    """What tells whether a picture is still the same, at each stage of its way.

    Each is the first 16 digits of a sha256, or "" where it is not known.

    Attributes:
        file: of the bytes of the picture's file.
        pixels: of the decoded pixels, RGB, uint8, row by row.
        view: of what the network sees (`inception_harness.classifier.view_hash`).
    """

    file: str = ""
    pixels: str = ""
    view: str = ""


@dataclass(frozen=True)
class Record:
    """The scores of one version of a model over its picture set.

    Attributes:
        model: the model's name.
        model_sha256: of the weights' file, 64 digits, or "" where it is not known.
        engine: the runtime that computed the scores.
        engine_version: the runtime's own version.
        precision: its arithmetic, ``f32``, ``bf16``, ``int8`` or ``int8-bf16``
            (`inception_harness.engines.Engine`).
        decoder: what decoded the pictures.
        picture_set: the name of the picture set.
        classes: how many outputs the model has.
        top: how many classes of each picture are kept; all, where the model has fewer.
        hashes: by picture.
        tables: by picture the best classes, best first; the same pictures as `hashes`.
        step: for quantised outputs the size of one step; 0 for float.
        rounded_to: the last digit that the source of the scores printed, as 0.0001; 0 where the
            scores come from a run.
        note: a sentence on where the record comes from, or "".
        scaling: what was done to the view's pixels before the network, or "" where that is not
            known, as of a model that scales by itself.
    """

    model: str
    model_sha256: str
    engine: str
    engine_version: str
    precision: str
    decoder: str
    picture_set: str
    classes: int
    top: int
    hashes: Mapping[str, PictureHashes]
    tables: Mapping[str, tuple[RecordRow, ...]]
    step: float = 0.0
    rounded_to: float = 0.0
    note: str = ""
    scaling: str = ""

    @property
    def engine_title(self) -> str:
        """Engine, version and arithmetic in a few words, for people."""
        return f"{self.engine} {self.engine_version} {self.precision}"
