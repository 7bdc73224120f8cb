"""The behaviour that asserts the tutorial's printed tables holds for them, and for no others."""

from __future__ import annotations

import numpy as np
import pytest

from behaviour_tests.test_tutorial_tables import (
    SPREAD,
)
from behaviour_tests.test_tutorial_tables import (
    test_scores_are_those_that_the_tutorial_printed as behaviour,
)
from inception_harness.labels import Labels
from inception_harness.prediction import Prediction
from inception_harness.records import read_record
from inception_harness.resources import fixtures_folder

PRINTINGS = ("tf-0.10", "tf-1.1")


def printed(printing: str, moved: float = 0.0):
    """Return what says of each picture what a printing says, the second class moved."""
    record = read_record(fixtures_folder() / "records" / f"inception-v3-2015.{printing}.csv")

    def classify(role: str) -> Prediction:
        names: list[str | None] = [None] * record.classes
        scores = np.zeros(record.classes, np.float32)
        for row in record.tables[role]:
            if row.number is not None:
                names[row.number] = row.name
                scores[row.number] = row.score + (moved if row.rank == 2 else 0)
        return Prediction(scores, Labels(tuple(names)), role, "printed", "paper")

    return classify


@pytest.mark.parametrize("printing", PRINTINGS)
def test_each_printing_holds_for_itself(printing: str) -> None:
    behaviour(printed(printing), printing)


@pytest.mark.parametrize("printing", PRINTINGS)
@pytest.mark.parametrize("moved", [1.2 * SPREAD, -1.2 * SPREAD])
def test_a_score_that_moved_is_seen(printing: str, moved: float) -> None:
    with pytest.raises(AssertionError):
        behaviour(printed(printing, moved), printing)
