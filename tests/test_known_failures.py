"""Lists of known failures, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from inception_harness.errors import RecordError
from inception_harness.known_failures import (
    KnownFailure,
    KnownFailures,
    find_known_failures,
    match,
    read_known_failures,
)

TEXT = """\
model = "little"

# The panda of 100 × 100.
[[known_failure]]
test = "test_panda.py::test_panda_is_recognised"
reason = "This version recognises the panda, but is far less sure of it."
seen = "giant panda 54.7 %, asked for 80 %"
since = "v1-0.75"

[[known_failure]]
test = "test_parrot.py::test_crop[parrot-tail, padded]"
reason = "The tail alone is taken for a torch by this version."
seen = "torch 33.2 %"
since = 2018-02-22
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "little.toml"


def test_a_list_is_read(file: Path):
    file.write_text(TEXT, encoding="utf-8")
    panda = KnownFailure(
        test="test_panda.py::test_panda_is_recognised",
        reason="This version recognises the panda, but is far less sure of it.",
        seen="giant panda 54.7 %, asked for 80 %",
        since="v1-0.75",
        line=4,
    )
    tail = KnownFailure(
        test="test_parrot.py::test_crop[parrot-tail, padded]",
        reason="The tail alone is taken for a torch by this version.",
        seen="torch 33.2 %",
        since="2018-02-22",
        line=10,
    )
    expected = KnownFailures("little", file, {panda.test: panda, tail.test: tail})
    assert read_known_failures(file) == expected
    assert find_known_failures("little", file.parent) == expected


def test_an_entry_may_be_of_some_engines_only(file: Path):
    file.write_text(TEXT + 'engines = ["openvino:bf16", "litert"]\n', encoding="utf-8")
    panda, tail = read_known_failures(file).entries.values()
    assert (panda.engines, tail.engines) == ((), ("openvino:bf16", "litert"))
    assert [tail.is_of(one) for one in ("openvino", "openvino:bf16", "litert", None)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert all(panda.is_of(one) for one in ("openvino", "openvino:bf16", None))


def test_a_model_without_a_file_has_none(file: Path):
    assert find_known_failures("little", file.parent) == KnownFailures("little", file)


def test_a_list_may_be_empty(file: Path):
    file.write_text('model = "little"\n')
    assert read_known_failures(file).entries == {}


SENTENCE = (
    "'reason' should be a sentence that says why, of 4 words and 20 letters at least and without a "
    "placeholder"
)
ENGINES = (
    "'engines' should be a list of engines without threads and batch, each once, as "
    '["openvino", "openvino:bf16"] (f32 goes without saying)'
)
REASON = '"This version recognises the panda, but is far less sure of it."'

DAMAGES = {
    "an unknown key": (
        "reason = " + REASON,
        "raeson = " + REASON,
        ", line 6: unknown key 'raeson' in [[known_failure]]. Did you mean 'reason'?",
    ),
    "a foreign key": (
        'since = "v1-0.75"',
        'since = "v1-0.75"\nauthor = "me"',
        ", line 9: unknown key 'author' in [[known_failure]]. Known: test, reason, seen, since, "
        "engines.",
    ),
    "a misspelt array": (
        '[[known_failure]]\ntest = "test_panda',
        '[[known_failures]]\ntest = "test_panda',
        ", line 4: unknown key 'known_failures' in the head. Did you mean 'known_failure'?",
    ),
    "a foreign section": (
        'model = "little"',
        'model = "little"\n[quux]',
        ", line 2: unknown key 'quux' in the head. Known: model, [[known_failure]].",
    ),
    "a missing key": (
        'seen = "torch 33.2 %"\n',
        "",
        ", line 10: [[known_failure]] misses the key 'seen'.",
    ),
    "a missing model": (
        'model = "little"\n',
        "",
        ": the head misses the key 'model'.",
    ),
    "another model": (
        '"little"',
        '"large"',
        ": the list is of 'large', the file's name says 'little'. A list's file is named after its "
        "model.",
    ),
    "an empty model": (
        '"little"',
        '""',
        ", line 1: 'model' should be a text that is not empty, without blanks around it; found ''.",
    ),
    "a key twice": (
        'since = "v1-0.75"',
        'since = "v1-0.75"\nsince = "v2"',
        ', line 9, column 13: this key stands twice; keep one of the two. Found: since = "v2"',
    ),
    "a test twice": (
        "test_parrot.py::test_crop[parrot-tail, padded]",
        "test_panda.py::test_panda_is_recognised",
        ", line 10: 'test_panda.py::test_panda_is_recognised' is listed already, on line 4. Keep "
        "one of the two.",
    ),
    "one table for all": (
        TEXT[TEXT.index("# The panda") :],
        "[known_failure]\n",
        ", line 3: write [[known_failure]] above each entry.",
    ),
    "a test without its file": (
        "test_panda.py::test_panda_is_recognised",
        "test_panda_is_recognised",
        ", line 5: 'test' should be a test's id, as test_panda.py::test_x or "
        "test_panda.py::test_x[param]; found 'test_panda_is_recognised'.",
    ),
    "an open bracket": (
        "[parrot-tail, padded]",
        "[parrot-tail, padded",
        ", line 11: 'test' should be a test's id, as test_panda.py::test_x or "
        "test_panda.py::test_x[param]; found 'test_parrot.py::test_crop[parrot-tail, padded'.",
    ),
    "figures without a figure": (
        "torch 33.2 %",
        "it says torch",
        ", line 13: 'seen' should be the figures that were seen, a text with at least one digit; "
        "found 'it says torch'.",
    ),
    "a since of another kind": (
        "2018-02-22",
        "0.75",
        ", line 14: 'since' should be a version, as a text, or a date; found 0.75.",
    ),
    "an engine that is no list": (
        "since = 2018-02-22",
        'since = 2018-02-22\nengines = "openvino"',
        f", line 15: {ENGINES}; found 'openvino'.",
    ),
    "a list of no engine": (
        "since = 2018-02-22",
        "since = 2018-02-22\nengines = []",
        f", line 15: {ENGINES}; found [].",
    ),
    "an engine that is none": (
        "since = 2018-02-22",
        'since = 2018-02-22\nengines = ["openvino", "opnvino"]',
        f", line 15: {ENGINES}; found ['openvino', 'opnvino'].",
    ),
    "an engine that is no text": (
        "since = 2018-02-22",
        "since = 2018-02-22\nengines = [7]",
        f", line 15: {ENGINES}; found [7].",
    ),
    "an engine with threads": (
        "since = 2018-02-22",
        'since = 2018-02-22\nengines = ["openvino:bf16,threads=2"]',
        f", line 15: {ENGINES}; found ['openvino:bf16,threads=2'].",
    ),
    "an engine with its own precision": (
        "since = 2018-02-22",
        'since = 2018-02-22\nengines = ["openvino:f32"]',
        f", line 15: {ENGINES}; found ['openvino:f32'].",
    ),
    "an engine twice": (
        "since = 2018-02-22",
        'since = 2018-02-22\nengines = ["openvino", "openvino"]',
        f", line 15: {ENGINES}; found ['openvino', 'openvino'].",
    ),
    "no end of a text": (
        'seen = "torch 33.2 %"',
        'seen = "torch 33.2 %',
        ", line 13, column 21: Illegal character '\\n'. Found: seen = \"torch 33.2 %",
    ),
    "a merge conflict": (
        'since = "v1-0.75"',
        '<<<<<<< HEAD\nsince = "v1-0.75"',
        ", line 8: a merge conflict is left in the file ('<<<<<<< HEAD'). Resolve it.",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_by_hand_is_refused_by_its_line(file: Path, damage: str):
    before, after, message = DAMAGES[damage]
    assert TEXT.count(before) == 1
    file.write_text(TEXT.replace(before, after), encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read_known_failures(file)
    assert str(caught.value) == f"{file}{message}"


@pytest.mark.parametrize(
    "reason",
    [
        "FIXME",
        "FIXME: look into this one some day",
        "todo - nobody knows why it fails",
        "The reason is still TBD by the team.",
        "xxx this one fails on that model",
        "<say why this behaviour is not there>",
        "No idea?? It just fails somehow here.",
        "reason",
        "too short",
        "a b c d",
        "itfailsbecausethemodelisnotgoodenough",
        "... ... ... ... ... ... ...",
        "",
        7,
    ],
)
def test_a_reason_that_says_nothing_is_refused(file: Path, reason: object):
    shown = f'"{reason}"' if isinstance(reason, str) else str(reason)
    assert TEXT.count(REASON) == 1
    file.write_text(TEXT.replace(REASON, shown), encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read_known_failures(file)
    assert str(caught.value) == f"{file}, line 6: {SENTENCE}; found {reason!r}."


COLLECTED = [
    "test_panda.py::test_panda_is_recognised",
    "test_panda.py::test_panda_is_quick",
    "test_parrot.py::test_crop[parrot-tail]",
    "test_parrot.py::test_crop[parrot-top]",
    "test_other.py::test_nothing_like_it",
]


def test_entries_that_match_a_test_are_no_problem(file: Path):
    file.write_text(TEXT.replace("-tail, padded]", "-tail]"), encoding="utf-8")
    assert match(read_known_failures(file), COLLECTED) == []


def test_an_entry_that_matches_no_test_is_told_with_near_ones(file: Path):
    file.write_text(TEXT, encoding="utf-8")
    assert match(read_known_failures(file), COLLECTED) == [
        f"{file}, line 10: 'test_parrot.py::test_crop[parrot-tail, padded]' matches no test. Near "
        "ones: test_parrot.py::test_crop[parrot-tail], test_parrot.py::test_crop[parrot-top]. "
        "Correct the entry, or remove it."
    ]


def test_an_entry_that_is_like_no_test_is_told_without_near_ones(file: Path):
    file.write_text(TEXT, encoding="utf-8")
    problems = match(read_known_failures(file), ["test_q.py::test_z", COLLECTED[0]])
    assert problems == [
        f"{file}, line 10: 'test_parrot.py::test_crop[parrot-tail, padded]' matches no test. "
        "Correct the entry, or remove it."
    ]


def test_entries_of_files_that_were_not_collected_are_not_judged(file: Path):
    file.write_text(TEXT, encoding="utf-8")
    known = read_known_failures(file)
    assert match(known, [], files=["test_other.py"]) == []
    assert len(match(known, [], files=["test_panda.py"])) == 1
    assert len(match(known, [])) == 2
