"""The comparison of two records: who answers what, which flips there are, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inception_harness.comparison_table import main_table
from inception_harness.errors import RecordError
from inception_harness.flips import AcceptedFlips, Flip, accept, find_flips
from inception_harness.record_data import Record
from inception_harness.same_class import is_right

__all__ = ["Comparison", "compare_records", "main_table"]


@dataclass(frozen=True)
class Comparison:
    """What two records say of the same pictures.

    Attributes:
        baseline: the record of the model in service.
        candidate: the record of the model that may replace it.
        expected: by picture the right class, where one is stated.
        flips: what the candidate does worse, by picture; those accepted carry their reason.
        gains: the pictures that the baseline gets wrong and the candidate right.
        problems: what else speaks against the candidate, each a sentence: a picture that only
            one of the two has, an accepted flip that does not occur.
    """

    baseline: Record
    candidate: Record
    expected: Mapping[str, str]
    flips: tuple[Flip, ...]
    gains: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def refused(self) -> tuple[Flip, ...]:
        """The flips that are not accepted."""
        return tuple(flip for flip in self.flips if not flip.accepted)

    @property
    def exit_code(self) -> int:
        """0 where the candidate may replace the baseline, else 1."""
        return 1 if self.refused or self.problems else 0


def compare_records(
    baseline: Record,
    candidate: Record,
    expected: Mapping[str, str],
    accepted: AcceptedFlips | None = None,
) -> Comparison:
    """Compare two records.

    Args:
        baseline: of the model in service.
        candidate: of the model that may replace it.
        expected: by picture the right class, by name or WNID; see
            `inception_harness.flips.expected_of`.
        accepted: the flips that are accepted, with their reasons.

    Raises:
        RecordError: the records have no picture in common, the list is of other models, or a
            right class cannot be found in a record.
    """
    common = sorted(baseline.tables.keys() & candidate.tables.keys())
    if not common:
        raise RecordError(
            f"The records of {baseline.model} ({baseline.picture_set}) and {candidate.model} "
            f"({candidate.picture_set}) have no picture in common. Record both on one picture set."
        )
    flips = find_flips(baseline, candidate, expected)
    problems: list[str] = []
    if accepted is not None:
        flips, problems = accept(flips, accepted, baseline, candidate)
    gains = [
        picture
        for picture in common
        if picture in expected
        and is_right(candidate.tables[picture], expected[picture])
        and not is_right(baseline.tables[picture], expected[picture])
    ]
    alone = _alone(baseline, candidate) + _other_files(baseline, candidate, common)
    return Comparison(
        baseline, candidate, expected, tuple(flips), tuple(gains), (*alone, *problems)
    )


def _alone(baseline: Record, candidate: Record) -> list[str]:
    """Return a problem for each picture that only one of the records has."""
    problems = []
    for picture in sorted(baseline.tables.keys() ^ candidate.tables.keys()):
        has, lacks = ("baseline", "candidate")
        if picture in candidate.tables:
            has, lacks = lacks, has
        problems.append(f"{picture}: the {has} has it, the {lacks} has not; record both anew.")
    return problems


def _other_files(baseline: Record, candidate: Record, common: list[str]) -> list[str]:
    """Return a problem for each picture whose file is not the same in both records."""
    pairs = ((p, baseline.hashes[p].file, candidate.hashes[p].file) for p in common)
    return [
        f"{picture}: the two answered to different files ({one} and {other}); record both anew."
        for picture, one, other in pairs
        if one and other and one != other
    ]
