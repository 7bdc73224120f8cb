"""The model against the one in service (``--baseline``): what must not get worse."""

import pytest

pytestmark = pytest.mark.baseline


def refused(comparison, kind):
    """Return the flips of a kind that are not accepted, as one text."""
    return "\n\n".join(flip.text for flip in comparison.refused if flip.kind == kind)


def test_nothing_right_becomes_wrong(against_baseline):
    """A picture that the model in service gets right is not lost by the new one."""
    flips = refused(against_baseline, "wrong now")
    if flips:
        pytest.fail(flips, pytrace=False)


def test_sure_answers_keep_their_class(against_baseline):
    """Where the model in service is sure, the new one has the same top class.

    Whether that class is right does not matter: users have come to rely on it.
    """
    flips = refused(against_baseline, "other top class")
    if flips:
        pytest.fail(flips, pytrace=False)


def test_sure_scores_do_not_fall_far(against_baseline):
    """Where the model in service is sure, the new one is not much less so."""
    flips = refused(against_baseline, "score fell")
    if flips:
        pytest.fail(flips, pytrace=False)


def test_comparison_is_complete(against_baseline):
    """Both were shown the same files, and each accepted flip still occurs."""
    if against_baseline.problems:
        pytest.fail("\n".join(against_baseline.problems), pytrace=False)
