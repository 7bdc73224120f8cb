"""The suite is awake: miniatures that are damaged fail the behaviours that speak of the damage."""

from __future__ import annotations

import pytest

from inception_harness.fault_bench import Fault
from inception_harness.fault_search import half_options, profile_option
from inception_harness.faults import FAULTS, on_the_bench
from inception_harness.judging import judge


def _half_of_the_classes_permuted(bench):
    """Exchange the head's weights of the first half of the named classes, one by one."""
    named = bench.honest.labels.named
    moved = list(named[: len(named) // 2])

    def change(weights):
        head = weights.kernels[-1]
        for part in filter(None, (head, head.bias)):
            values = part.read()
            values[..., moved] = values[..., moved[1:] + moved[:1]]
            part.write(values)

    return bench.damaged(change)


pytestmark = pytest.mark.heavy

PERMUTED = Fault("half-permuted", "half of the classes permuted", _half_of_the_classes_permuted)
BY_NAME = {fault.name: fault for fault in (*FAULTS, PERMUTED)}
OPTIONS = (*half_options("quick"), "--hypothesis-profile=faults")
FAILURES = {
    "labels-off-by-one": (
        "test_panda.py::test_panda_is_recognised_with_confidence",
        "test_labels.py::test_outputs_without_a_thing_are_where_they_belong",
        "test_parrot.py::test_parrot_is_mostly_macaw",
    ),
    "red-and-blue-swapped": (
        "test_portrait.py::test_sunglasses_are_found_under_two_names",
        "test_preprocessing.py::test_network_gets_the_range_and_order_that_the_card_states",
        "test_record.py::test_scores_are_those_of_the_record",
    ),
    "layer-zeroed": (
        "test_panda.py::test_panda_is_recognised_with_confidence",
        "test_portrait.py::test_sunglasses_are_found_under_two_names",
        "test_record.py::test_scores_are_those_of_the_record",
    ),
    "softmax-twice": (
        "test_panda.py::test_panda_is_recognised_with_confidence",
        "test_parrot.py::test_macaw_is_recognised_with_confidence[parrot]",
    ),
    "half-permuted": (
        "test_panda.py::test_panda_is_recognised_with_confidence",
        "test_record.py::test_scores_are_those_of_the_record",
    ),
}


@pytest.fixture(scope="module")
def bench():
    with on_the_bench("miniature") as opened:
        profile_option("faults", derandomize=True)
        yield opened


def failures(bench, classifier):
    found = judge(bench.models, bench.subject, classifier, OPTIONS)
    assert found.verdicts, found.output
    return [v.test for v in found.verdicts if v.outcome in ("failed", "error", "failure gone")]


def test_honest_miniature_fails_nothing(bench):
    assert failures(bench, bench.honest) == []


@pytest.mark.parametrize("name", FAILURES)
def test_damaged_miniature_fails_what_speaks_of_the_damage(bench, name):
    failed = failures(bench, BY_NAME[name].make(bench))
    missed = [test for test in FAILURES[name] if test not in failed]
    assert not missed, f"{name}: not noticed by {missed}, only by {failed}"
