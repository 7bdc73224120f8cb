"""Records: what one version of a model said of each picture, kept as reviewable text.

A record lies in ``records/<model>.csv``. `record_of` makes one from a run, `write_record` and
`read_record` keep it, `compare` tells what has moved since, and what moved with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inception_harness.errors import RecordError
from inception_harness.files import sha256_of, write_atomically
from inception_harness.record_comparison import Difference, compare
from inception_harness.record_data import TOP, PictureHashes, Record, RecordRow
from inception_harness.record_text import record_from_text, record_to_text

if TYPE_CHECKING:
    from inception_harness.cards import Card
    from inception_harness.classifier import Classifier
    from inception_harness.prediction import Prediction

__all__ = [
    "TOP",
    "Difference",
    "PictureHashes",
    "Record",
    "RecordRow",
    "compare",
    "read_record",
    "record_of",
    "write_record",
]

_DIGITS = 16


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: there is no such file, or it is damaged; the message names the line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RecordError(f"There is no record {path}. Write it with --record-scores.") from None
    except OSError as error:
        raise RecordError(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecordError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8. "
            "Save the file as UTF-8."
        ) from error
    return record_from_text(text, path)


def write_record(path: Path, record: Record) -> None:
    """Write a record; its folder is made if need be.

    Raises:
        RecordError: the record has what cannot be kept, such as a score that is not a number; a
            file that was there before is unchanged.
        StoreError: the file cannot be written.
    """
    write_atomically(path, record_to_text(record, path).encode())


def record_of(
    classifier: Classifier,
    sources: Mapping[str, Path],
    predictions: Mapping[str, Prediction],
    picture_set: str,
    *,
    top: int = TOP,
) -> Record:
    """Return the record of a run.

    Args:
        classifier: what computed the predictions.
        sources: by picture its file.
        predictions: by picture; the same pictures.
        picture_set: the name of the picture set.
        top: how many classes of each picture to keep.

    Raises:
        RecordError: there are pictures without a prediction, or predictions without a picture.
    """
    for picture in sorted(sources.keys() ^ predictions.keys()):
        what = "prediction" if picture in sources else "file"
        raise RecordError(f"{picture!r} has no {what}; a record needs both of each picture.")
    engine, card = classifier.engine, classifier.card
    return Record(
        model=classifier.name,
        model_sha256=classifier.file_hash,
        engine=engine.name,
        engine_version=engine.version,
        precision=engine.precision,
        decoder=_decoder(classifier),
        picture_set=picture_set,
        classes=len(classifier.labels),
        top=top,
        hashes={picture: _hashes(classifier, source) for picture, source in sources.items()},
        tables={picture: _rows(found, top) for picture, found in predictions.items()},
        step=card.output.step,
        scaling=_scaling(card),
    )


def _scaling(card: Card) -> str:
    """Return in words what the card does to a view before the network; "" for own models."""
    form = card.input
    if card.model.format == "own":
        return ""
    if not any(form.mean) and set(form.std) == {1.0}:
        return f"{form.channels}, 0 to 255"
    # One number where the three channels have the same.
    mean, std = (
        " ".join(f"{n:g}" for n in (each[:1] if len(set(each)) == 1 else each))
        for each in (form.mean, form.std)
    )
    return f"{form.channels}, mean {mean}, std {std}"


def _rows(prediction: Prediction, top: int) -> tuple[RecordRow, ...]:
    wnids = prediction.labels.wnids
    return tuple(
        RecordRow(rank, number, wnids[number] or "", prediction.labels.name(number), float(score))
        for rank, number in enumerate(prediction.order[:top], start=1)
        for score in (prediction.scores[number],)
    )


def _decoder(classifier: Classifier) -> str:
    from inception_harness import images
    from inception_harness.engines import ReadsPictures

    if isinstance(classifier.engine, ReadsPictures):
        return f"the graph's own, {classifier.engine.name} {classifier.engine.version}"
    return images.DECODER


def _hashes(classifier: Classifier, source: Path) -> PictureHashes:
    """Return the hashes of a picture at each stage of its way to the network."""
    from inception_harness.classifier import view_hash
    from inception_harness.engines import ReadsPictures

    pixels = ""
    # A graph that decodes by itself does not show its pixels.
    if not isinstance(classifier.engine, ReadsPictures):
        rgb = classifier.stages.decode(source)
        pixels = hashlib.sha256(rgb.tobytes()).hexdigest()[:_DIGITS]
    view = view_hash(classifier.network_view(source) * 255)
    return PictureHashes(sha256_of(source)[:_DIGITS], pixels, view)
