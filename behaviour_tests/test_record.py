"""The model's scores, held against what was written down of them."""

import pytest


@pytest.mark.record
def test_scores_are_those_of_the_record(own_record):
    """Every score of every picture is what the model's own record says.

    How far they may lie apart depends on what else has changed: nothing, the engine, or the
    decoded pixels. A failure says what moved together with the scores.
    """
    if own_record.written:
        pytest.fail(
            f"the record {own_record.path} was written by this run, so nothing was compared. "
            "Review its changes, and run again without --record-scores.",
            pytrace=False,
        )
    if own_record.kept is None:
        pytest.skip(
            f"not applicable: there is no record {own_record.path.name}; --record-scores writes one"
        )
    differences = own_record.differences()
    if differences:
        told = [f"{own_record.path.name}: {len(differences)} differences"]
        pytest.fail("\n".join([*told, *(d.text for d in differences)]), pytrace=False)
