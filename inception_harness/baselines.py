"""The version in service, which a run's candidates are held against: a live model or a record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inception_harness import results
from inception_harness.compare import Comparison, compare_records
from inception_harness.errors import HarnessError, RecordError
from inception_harness.flips import expected_of, read_accepted_flips
from inception_harness.record_data import Record, RecordRow
from inception_harness.records import read_record
from inception_harness.references import current_record
from inception_harness.session import subjects_of

if TYPE_CHECKING:
    from inception_harness.session import Models, Subject

__all__ = ["Baseline", "flips_shown", "record_answers", "record_subject", "rows_shown"]

_KEY = "baseline: "


class Baseline:
    """What stands after ``--baseline``.

    Args:
        spec: the path of a record (``.csv``), or a spec as after ``--model``.
        accepted: a list of accepted flips, or None.

    Raises:
        RecordError: the record is damaged or missing.
        CardError: the spec names nothing.
    """

    def __init__(self, spec: str, accepted: Path | None) -> None:
        self.spec = spec
        self._accepted = read_accepted_flips(accepted) if accepted else None
        self._record: Record | None = None
        self.subject: Subject | None = None
        self._compared: dict[str, Comparison] = {}
        if spec.endswith(".csv"):
            self._record = read_record(Path(spec))
        else:
            try:
                (subject,) = subjects_of([spec], [])
                # Never the candidate's key: two cards may have one name, and models go by key.
                self.subject = replace(subject, key=f"{_KEY}{subject.key}")
            except HarnessError as error:
                raise type(error)(f"--baseline {spec}: {error}") from None

    def record(self, models: Models, candidate: Subject) -> Record:
        """Return the baseline's scores of the candidate's picture set."""
        if self._record is None:
            assert self.subject is not None  # one of the two was set when the option was read
            self._record = current_record(models, self.subject, models.picture_set(candidate))
        return self._record

    def against(self, models: Models, candidate: Subject) -> Comparison:
        """Return the comparison of a candidate with the baseline, made once.

        Raises:
            RecordError: the two have no picture in common, or the accepted flips are of others.
        """
        if candidate.key not in self._compared:
            current = current_record(models, candidate)
            accepted = self._accepted
            if accepted is not None and accepted.candidate != current.model:
                raise RecordError(
                    f"{accepted.path}: the list is for the candidate {accepted.candidate}, this "
                    f"run's is {current.model}."
                )
            self._compared[candidate.key] = compare_records(
                self.record(models, candidate),
                current,
                expected_of(models.picture_set(candidate)),
                accepted,
            )
        return self._compared[candidate.key]

    def made(self) -> dict[str, Comparison]:
        """Return the comparisons made so far, by the candidate's key."""
        return dict(self._compared)


def rows_shown(rows: Iterable[RecordRow]) -> tuple[results.Row, ...]:
    """Return a record's rows as a report shows them."""
    return tuple(
        results.Row(row.rank, -1 if row.number is None else row.number, row.name, row.score)
        for row in rows
    )


def record_subject(record: Record, *, is_record: bool) -> results.Subject:
    """Return a baseline as a report names it."""
    return results.Subject(
        key=f"{_KEY}{record.model}",
        model=record.model,
        title="the version in service" + (", from its record" if is_record else ""),
        engine=record.engine,
        engine_version=record.engine_version,
        precision=record.precision,
        file_hash=record.model_sha256,
        decoder=record.decoder,
        picture_set=record.picture_set,
        is_baseline=True,
        is_record=is_record,
    )


def record_answers(record: Record) -> list[results.Answer]:
    """Return a baseline's answers as a report shows them; a record has no views."""
    key = f"{_KEY}{record.model}"
    return [
        results.Answer(key, picture, rows_shown(rows)) for picture, rows in record.tables.items()
    ]


def flips_shown(comparison: Comparison, candidate: str) -> list[results.Flip]:
    """Return a comparison's flips as a report shows them.

    Args:
        comparison: of two records.
        candidate: the key of the candidate's subject.
    """
    return [
        results.Flip(
            picture=flip.picture,
            kind=flip.kind,
            baseline=f"{_KEY}{comparison.baseline.model}",
            subject=candidate,
            baseline_label=flip.baseline[0].name,
            candidate_label=flip.candidate[0].name,
            expected=flip.expected,
            accepted=flip.accepted,
            baseline_rows=rows_shown(flip.baseline),
            candidate_rows=rows_shown(flip.candidate),
        )
        for flip in comparison.flips
    ]
