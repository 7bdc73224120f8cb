"""What a model is held against in a run: its own record, and a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inception_harness.records import (
    Difference,
    Record,
    compare,
    read_record,
    record_of,
    write_record,
)
from inception_harness.resources import fixtures_folder

if TYPE_CHECKING:
    from inception_harness.pictures import PictureSet
    from inception_harness.session import Models, Subject

__all__ = ["OwnRecord", "current_record", "file_stem", "own_record"]


def file_stem(subject: Subject) -> str:
    """Return what a model's record and its list of known failures are called.

    The card's name; for a model made by a factory ``package.module.factory``, without the colon,
    which is no good in names of files.
    """
    return subject.card.name if subject.card else subject.spec.replace(":", ".")


def current_record(models: Models, subject: Subject, pictures: PictureSet | None = None) -> Record:
    """Return the scores of a run as a record.

    Args:
        models: the models of the run.
        subject: whose scores.
        pictures: the picture set, or None for the subject's own.
    """
    own = models.picture_set(subject)
    chosen = pictures or own
    paths = {role: chosen[role].path for role in chosen}
    if chosen.name == own.name:
        said = models.predictions(subject)
    else:
        found = models.classifier(subject).classify_batch(paths.values(), names=list(paths))
        said = dict(zip(paths, found, strict=True))
    return record_of(models.classifier(subject), paths, said, chosen.name)


@dataclass(frozen=True)
class OwnRecord:
    """A model's own record, beside the scores of this run.

    Attributes:
        path: where the record is, or would be written.
        kept: the record, or None where there is none.
        current: the scores of this run.
        written: whether this run wrote the record.
    """

    path: Path
    kept: Record | None
    current: Record
    written: bool

    def differences(self) -> list[Difference]:
        """Return what differs; nothing where there is no record."""
        return compare(self.kept, self.current) if self.kept else []


def own_record(models: Models, subject: Subject, folder: Path, *, write: bool) -> OwnRecord:
    """Return a model's record beside the scores of this run.

    Args:
        models: the models of the run.
        subject: the model.
        folder: where records are kept; where it has none of the model, those that ship with the
            harness are looked at.
        write: whether to write the scores of this run to ``folder``.

    Raises:
        RecordError: the record is damaged.
        StoreError: it cannot be written.
    """
    name = f"{file_stem(subject)}.csv"
    current = current_record(models, subject)
    path = folder / name
    if write:
        write_record(path, current)
        return OwnRecord(path, current, current, written=True)
    shipped = fixtures_folder() / "records" / name
    found = next((p for p in (path, shipped) if p.is_file()), None)
    kept = read_record(found) if found else None
    return OwnRecord(found or path, kept, current, written=False)
