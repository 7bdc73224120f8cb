"""The data of a run: JSON and back, margins, parts joined."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_harness.errors import RecordError
from inception_harness.results import (
    Answer,
    Environment,
    Observation,
    Run,
    Subject,
    Verdict,
    margin_of,
    merge_runs,
)
from tests.report_run import CANDIDATE, candidate_run, observed

EMPTY = Run(Environment("2026-11-23T21:40:07+00:00", "3.11.7", "Linux", 2))


def test_a_full_run_comes_back_equal():
    # A NaN is not equal to itself, so the curves that hold one are compared as text.
    run = candidate_run()
    back = Run.from_json(run.to_json())
    assert replace(back, curves=()) == replace(run, curves=())
    assert back.to_json() == run.to_json()


def test_every_part_of_a_run_is_in_the_example():
    """Otherwise the round trip above would show nothing of that part."""
    run = candidate_run()
    assert [f.name for f in fields(run) if not getattr(run, f.name)] == []


numbers = st.floats(allow_nan=False)
observations = st.builds(
    Observation,
    what=st.text(),
    got=numbers | st.text(),
    op=st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
    bound=numbers | st.text(),
    margin=numbers,
    picture=st.none() | st.text(),
    unit=st.text(),
)


@given(observations)
def test_any_observation_comes_back_equal(seen):
    assert Observation.from_json(seen.to_json()) == seen


@given(st.dictionaries(st.text(), st.text()))
def test_any_versions_come_back_equal(versions):
    environment = replace(EMPTY.environment, versions=versions)
    assert Environment.from_json(environment.to_json()) == environment


def test_json_is_ascii_and_has_no_numbers_that_json_lacks():
    text = Observation("größe", math.nan, ">", math.inf, -math.inf).to_json()
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)


def test_a_score_that_is_no_number_comes_back_as_one():
    back = Observation.from_json(Observation("a", math.nan, ">", "nan", -math.inf).to_json())
    assert math.isnan(back.got)
    assert back.bound == "nan"
    assert back.margin == -math.inf


def test_subclasses_of_numbers_and_texts_become_plain():
    class Score(float):
        def __repr__(self) -> str:
            return "no number"

    class Label(str):
        __slots__ = ()

    back = Observation.from_json(Observation(Label("a"), Score(0.5), ">", 0.1, 0.4).to_json())
    assert (type(back.what), type(back.got)) == (str, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda run: run.pop("environment"),
            "Run: missing key 'environment'. It comes from another version?",
        ),
        (
            lambda run: run.update(extra=1),
            "Run: unknown key 'extra'. It comes from another version?",
        ),
        (
            lambda run: run["verdicts"][0].update(outcome="fine"),
            "Run.verdicts[0].outcome: expected one of passed, failed, known failure, "
            'failure gone, not applicable, error, found "fine".',
        ),
        (
            lambda run: run["verdicts"][1].update(quirk=1),
            "Run.verdicts[1].quirk: expected bool, found 1.",
        ),
        (
            lambda run: run["verdicts"][0].update(margin="0.1"),
            'Run.verdicts[0].margin: expected float or null, found "0.1".',
        ),
        (
            lambda run: run["verdicts"][0].update(margin=True),
            "Run.verdicts[0].margin: expected float or null, found true.",
        ),
        (
            lambda run: run["answers"][3]["rows"][2].update(rank=1.0),
            "Run.answers[3].rows[2].rank: expected int, found 1.0.",
        ),
        (
            lambda run: run.update(pictures={"a": 1}),
            'Run.pictures: expected list, found {"a": 1}.',
        ),
        (
            lambda run: run["environment"]["versions"].update(numpy=2),
            "Run.environment.versions.numpy: expected str, found 2.",
        ),
        (
            lambda run: run["flips"].append("parrot"),
            'Run.flips[3]: expected Flip, found "parrot".',
        ),
        (
            lambda run: run["verdicts"][0].update(margin={"number": []}),
            'Run.verdicts[0].margin: expected float or null, found {"number": []}.',
        ),
    ],
)
def test_damaged_data_is_refused_by_its_place(change, message):
    data = json.loads(candidate_run().to_json())
    change(data)
    with pytest.raises(RecordError) as caught:
        Run.from_json(json.dumps(data))
    assert str(caught.value) == message


def test_damaged_json_is_refused():
    with pytest.raises(RecordError) as caught:
        Run.from_json(candidate_run().to_json()[:-1])
    assert str(caught.value).startswith("Run: the JSON is damaged: ")
    assert str(caught.value).endswith("Make it anew with a run.")


def test_a_number_too_large_for_a_float_is_refused():
    text = Observation("a", 1.5, ">", 0.1, 0.4).to_json().replace("1.5", "1" + "0" * 400)
    with pytest.raises(RecordError, match="Observation: the JSON is damaged"):
        Observation.from_json(text)


def test_margin_of_a_behaviour_that_holds_ignores_what_did_not_have_to():
    seen = [observed("a", "macaw", 0.1, ">", 0.5), observed("b", "macaw", 0.9, ">", 0.5)]
    assert margin_of(seen, "passed") == (pytest.approx(0.4), "score")
    assert margin_of(seen, "failure gone") == (pytest.approx(0.4), "score")


@pytest.mark.parametrize("outcome", ["failed", "known failure", "error"])
def test_margin_of_a_behaviour_that_fails_is_that_of_the_comparison_that_ended_it(outcome):
    seen = [
        observed("a", "macaw", 0.1, ">", 0.5),
        observed("b", "macaw", 0.4, ">", 0.5),
        observed("c", "macaw", 0.9, ">", 0.5),
    ]
    assert margin_of(seen, outcome) == (pytest.approx(-0.1), "score")


def test_a_score_equal_to_its_bound_has_a_margin_of_nothing():
    seen = [observed("a", "macaw", 0.5, ">", 0.5)]
    assert margin_of(seen, "failed") == (0.0, "score")


def test_margin_knows_its_unit_and_skips_what_is_no_number():
    seen = [
        Observation("speed", math.nan, ">", 1.5, math.nan, unit="×"),
        Observation("speed", 1.75, ">", 1.5, 0.25, unit="×"),
    ]
    assert margin_of(seen, "passed") == (0.25, "×")
    assert margin_of(seen[:1], "failed") == (None, "score")
    assert margin_of([], "passed") == (None, "score")


def _part(*tests: str, picture: str) -> Run:
    return replace(
        EMPTY,
        subjects=(Subject(CANDIDATE, CANDIDATE, "", "litert"),),
        verdicts=tuple(Verdict(t, t, t, "minimum", CANDIDATE, "passed") for t in tests),
        answers=(Answer(CANDIDATE, picture, ()),),
        problems=("the same problem",),
    )


def test_parts_of_workers_are_joined_and_doubles_stand_once():
    one, two = _part("a", "b", picture="panda"), _part("c", "b", picture="parrot")
    joined = merge_runs([one, two])
    assert [verdict.test for verdict in joined.verdicts] == ["a", "b", "c"]
    assert [answer.picture for answer in joined.answers] == ["panda", "parrot"]
    assert joined.subjects == one.subjects
    assert joined.problems == ("the same problem",)
    assert joined.environment == one.environment


def test_joining_one_part_changes_nothing_and_none_is_refused():
    run = candidate_run()
    assert merge_runs([run]).to_json() == run.to_json()
    with pytest.raises(ValueError, match="at least one run was expected, none was given"):
        merge_runs([])


def test_nothing_heavy_is_imported():
    code = (
        "import sys, inception_harness.results;"
        "print([m for m in ('numpy', 'PIL', 'tensorflow', 'jinja2', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
