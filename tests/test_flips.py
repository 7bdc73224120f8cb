"""Flips between two records, and the list of those that are accepted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_harness.errors import RecordError
from inception_harness.flips import (
    MAX_FALL,
    SURE,
    AcceptedFlip,
    AcceptedFlips,
    accept,
    expected_of,
    find_flips,
    read_accepted_flips,
)
from inception_harness.pictures import find_picture_set
from inception_harness.record_data import PictureHashes, Record, RecordRow
from inception_harness.same_class import is_right, same_class
from inception_harness.store import Store

NUMBERS = {"macaw": 1, "jacamar": 2, "panda": 3, "indri": 4, "torch": 5}


def table(**scores: float) -> tuple[RecordRow, ...]:
    ranked = enumerate(scores.items(), start=1)
    return tuple(RecordRow(n, NUMBERS[name], "", name, score) for n, (name, score) in ranked)


def record(model: str, **tables: tuple[RecordRow, ...]) -> Record:
    return Record(
        model=model,
        model_sha256="",
        engine="litert",
        engine_version="2.3.0",
        precision="f32",
        decoder="simplejpeg",
        picture_set="photos",
        classes=10,
        top=2,
        hashes={picture: PictureHashes() for picture in tables},
        tables=tables,
    )


def kinds(before: tuple, now: tuple, expected: str = "") -> list[str]:
    wanted = {"parrot": expected} if expected else {}
    flips = find_flips(record("old", parrot=before), record("new", parrot=now), wanted)
    return [flip.kind for flip in flips]


@pytest.mark.parametrize(
    ("before", "now", "expected", "kind"),
    [
        (table(macaw=0.3, torch=0.1), table(torch=0.2, macaw=0.1), "macaw", ["wrong now"]),
        (table(macaw=0.9, torch=0.1), table(torch=0.2, macaw=0.1), "macaw", ["wrong now"]),
        (table(macaw=0.3, torch=0.1), table(macaw=0.2, torch=0.1), "macaw", []),
        (table(torch=0.3, macaw=0.1), table(macaw=0.3, torch=0.1), "macaw", []),
        (table(torch=0.9, macaw=0.1), table(macaw=0.9, torch=0.1), "macaw", ["other top class"]),
        (table(torch=0.9, macaw=0.1), table(macaw=0.9, torch=0.1), "", ["other top class"]),
        (table(torch=SURE, macaw=0.1), table(macaw=0.9, torch=0.1), "", ["other top class"]),
        (table(torch=SURE - 1e-6, macaw=0.1), table(macaw=0.9, torch=0.1), "", []),
        (table(macaw=0.9, torch=0.1), table(macaw=0.9 - MAX_FALL, torch=0.1), "macaw", []),
        (table(macaw=0.9, torch=0.1), table(macaw=0.69, torch=0.1), "macaw", ["score fell"]),
        (table(macaw=0.9, torch=0.1), table(macaw=0.69, torch=0.1), "", ["score fell"]),
        (table(macaw=0.79, torch=0.1), table(macaw=0.2, torch=0.1), "", []),
        (table(macaw=0.9, torch=0.1), table(macaw=float("nan"), torch=0.1), "", ["score fell"]),
    ],
)
def test_the_gravest_rule_that_is_broken_is_told(before, now, expected, kind):
    assert kinds(before, now, expected) == kind


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2), st.sampled_from(["", "macaw", "torch"]))
def test_a_version_has_no_flips_against_itself(scores: list[float], expected: str):
    high, low = sorted(scores, reverse=True)
    same = table(macaw=high, torch=low)
    assert kinds(same, same, expected) == []


def test_of_classes_that_share_the_top_score_each_is_right():
    """A quantised output often gives two classes the same score; their order says nothing."""
    tied = table(torch=0.25, macaw=0.25)
    assert kinds(table(macaw=0.25, torch=0.2), tied, "macaw") == []
    assert kinds(tied, table(torch=0.3, macaw=0.2), "macaw") == ["wrong now"]


def test_a_failure_shows_both_top_fives_side_by_side():
    before = table(macaw=0.6367, jacamar=0.0469, panda=0.01, indri=0.005, torch=0.001)
    now = table(jacamar=0.6484, macaw=0.1875)
    wanted = {"parrot": "macaw"}
    (flip,) = find_flips(record("old", parrot=before), record("new", parrot=now), wanted)
    assert flip.text == (
        "parrot: right before, wrong now: jacamar instead of macaw.\n"
        "  old                                     new\n"
        "   63.67% : macaw                          64.84% : jacamar\n"
        "    4.69% : jacamar                        18.75% : macaw\n"
        "    1.00% : panda\n"
        "    0.50% : indri\n"
        "    0.10% : torch"
    )


def test_the_other_kinds_name_the_scores():
    old = record("old", parrot=table(macaw=0.921, torch=0.01))
    (other,) = find_flips(old, record("new", parrot=table(torch=0.5, macaw=0.4)), {})
    (fell,) = find_flips(old, record("new", parrot=table(macaw=0.5, torch=0.4)), {})
    assert other.headline == (
        "parrot: the baseline is sure of macaw (92.1 %), the candidate says torch (50.0 %)."
    )
    assert fell.headline == (
        "parrot: macaw fell from 92.1 % to 50.0 %, by 42.1 points; 20 are allowed where the "
        "baseline is sure."
    )


def test_long_names_stay_within_80_columns():
    rows = (RecordRow(1, 1, "", "a very long name of a class " * 3, 0.9),)
    other = (RecordRow(1, 2, "", "another name " * 9, 0.9),)
    name = "model-with-a-name-that-is-longer-than-a-column"
    (flip,) = find_flips(record(name, parrot=rows), record(name + "-2", parrot=other), {})
    text = dataclasses.replace(flip, accepted="for a reason that takes many words " * 5).text
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("…") == 4


def test_the_same_model_twice_is_told_apart_by_its_engines():
    old = record("net", parrot=table(macaw=0.9))
    new = dataclasses.replace(record("net", parrot=table(torch=0.9)), engine="openvino")
    (flip,) = find_flips(old, new, {})
    assert (flip.baseline_name, flip.candidate_name) == (
        "net (litert 2.3.0)",
        "net (openvino 2.3.0)",
    )


def test_classes_are_the_same_by_wnid_else_by_name():
    crane = RecordRow(1, 134, "n02012849", "crane", 0.9)
    machine = RecordRow(1, 517, "n03126707", "crane", 0.9)
    assert not same_class(crane, machine)
    assert same_class(crane, dataclasses.replace(crane, number=135, name="Crane"))
    assert same_class(
        RecordRow(1, 1, "", "giant_panda", 0.9), RecordRow(1, 2, "", "giant panda", 1)
    )
    assert is_right((crane,), "n02012849")
    assert not is_right((machine,), "n02012849")
    assert is_right((RecordRow(1, 388, "", "giant panda", 0.9),), "giant panda, panda, coon bear")


def test_a_wnid_needs_a_record_that_has_them():
    rows = {"parrot": table(macaw=0.9)}
    with pytest.raises(RecordError) as caught:
        find_flips(record("a", **rows), record("b", **rows), {"parrot": "n01818515"})
    assert str(caught.value) == (
        "The right class is given as n01818515, and the record has no WNIDs. Give it by its name."
    )


def test_the_photos_state_the_right_class_of_six():
    assert expected_of(find_picture_set("photos", Store())) == {
        "panda": "giant panda",
        "parrot": "macaw",
        "parrot-top": "macaw",
        "parrot-middle": "macaw",
        "parrot-padded": "macaw",
        "portrait-bow-tie": "bow tie",
    }


TEXT = """\
baseline = "old"
candidate = "new"

[[accepted_flip]]
picture = "panda"
kind = "score fell"
now = "panda"
down_to = 0.5
reason = "No picture of ours is as small as the panda."
seen = "91.0 % -> 59.4 %"

[[accepted_flip]]
picture = "parrot"
kind = "wrong now"
now = "jacamar"
reason = "The padded parrot is not what our users send."
seen = "macaw 63.7 % -> jacamar 64.8 %"
"""

OLD = record(
    "old",
    panda=table(panda=0.91, indri=0.03),
    parrot=table(macaw=0.64, jacamar=0.02),
    tail=table(torch=0.95, macaw=0.01),
)
NEW = record(
    "new",
    panda=table(panda=0.594, indri=0.23),
    parrot=table(jacamar=0.65, macaw=0.19),
    tail=table(macaw=0.95, torch=0.01),
)
FLIPS = find_flips(OLD, NEW, {"parrot": "macaw"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flips.toml"


def accepted(file: Path, text: str = TEXT) -> AcceptedFlips:
    file.write_text(text, encoding="utf-8")
    return read_accepted_flips(file)


def test_a_list_is_read(file: Path):
    assert accepted(file) == AcceptedFlips(
        "old",
        "new",
        file,
        {
            "panda": AcceptedFlip(
                picture="panda",
                kind="score fell",
                now="panda",
                reason="No picture of ours is as small as the panda.",
                seen="91.0 % -> 59.4 %",
                line=4,
                down_to=0.5,
            ),
            "parrot": AcceptedFlip(
                picture="parrot",
                kind="wrong now",
                now="jacamar",
                reason="The padded parrot is not what our users send.",
                seen="macaw 63.7 % -> jacamar 64.8 %",
                line=12,
            ),
        },
    )


def test_listed_flips_are_accepted_and_the_others_are_not(file: Path):
    marked, problems = accept(FLIPS, accepted(file), OLD, NEW)
    assert problems == []
    assert {flip.picture: flip.accepted for flip in marked} == {
        "panda": "No picture of ours is as small as the panda.",
        "parrot": "The padded parrot is not what our users send.",
        "tail": "",
    }
    panda = marked[0].text.splitlines()
    assert panda[2] == "  accepted: No picture of ours is as small as the panda."


@pytest.mark.parametrize(
    ("before", "after", "picture", "told"),
    [
        ("down_to = 0.5", "down_to = 0.6", "panda", "'score fell' down to 60.0 % with 'panda'"),
        ('now = "panda"', 'now = "indri"', "panda", "'score fell' down to 50.0 % with 'indri'"),
        ('now = "jacamar"', 'now = "torch"', "parrot", "'wrong now' with 'torch'"),
        ("wrong now", "other top class", "parrot", "'other top class' with 'jacamar'"),
        ('"parrot"', '"owl"', "owl", "'wrong now' with 'jacamar'"),
    ],
)
def test_an_entry_covers_what_it_says_and_no_more(
    file: Path, before: str, after: str, picture: str, told: str
):
    assert TEXT.count(before) == 1
    marked, problems = accept(FLIPS, accepted(file, TEXT.replace(before, after)), OLD, NEW)
    line = 4 if picture == "panda" else 12
    assert problems == [
        f"{file}, line {line}: {picture!r} is accepted as {told}, which does not occur. Correct "
        "the entry, or remove it."
    ]
    assert len([flip for flip in marked if flip.accepted]) == 1


def test_an_accepted_flip_that_is_gone_is_told(file: Path):
    marked, problems = accept([], accepted(file), OLD, NEW)
    assert marked == []
    assert len(problems) == 2


def test_a_list_of_other_models_is_refused(file: Path):
    with pytest.raises(RecordError) as caught:
        accept(FLIPS, accepted(file), NEW, OLD)
    assert str(caught.value) == (
        f"{file}: the list accepts flips from old to new; compared are new and old."
    )


DAMAGES = {
    "an unknown kind": (
        '"wrong now"',
        '"wrong"',
        ", line 14: 'kind' should be one of 'wrong now', 'other top class', 'score fell'; found "
        "'wrong'.",
    ),
    "no bound for a fall": (
        "down_to = 0.5\n",
        "",
        ", line 4: an entry of the kind 'score fell' misses the key 'down_to', the lowest score "
        "that is accepted.",
    ),
    "a bound without a fall": (
        'now = "jacamar"',
        'now = "jacamar"\ndown_to = 0.5',
        ", line 12: an entry of the kind 'wrong now' has the key 'down_to', which is for 'score "
        "fell' alone.",
    ),
    "a bound in per cent": (
        "down_to = 0.5",
        "down_to = 50",
        ", line 8: 'down_to' should be a score from 0 to 1; found 50.",
    ),
    "a placeholder": (
        "The padded parrot is not what our users send.",
        "FIXME say why this one is accepted",
        ", line 16: 'reason' should be a sentence that says why, of 4 words and 20 letters at "
        "least and without a placeholder; found 'FIXME say why this one is accepted'.",
    ),
    "no figures": (
        "macaw 63.7 % -> jacamar 64.8 %",
        "macaw -> jacamar",
        ", line 17: 'seen' should be the figures that were seen, a text with at least one digit; "
        "found 'macaw -> jacamar'.",
    ),
    "no candidate": ('candidate = "new"\n', "", ": the head misses the key 'candidate'."),
    "an unknown key": (
        'now = "jacamar"',
        'noww = "jacamar"',
        ", line 15: unknown key 'noww' in [[accepted_flip]]. Did you mean 'now'?",
    ),
    "a picture twice": (
        '"parrot"',
        '"panda"',
        ", line 12: 'panda' is listed already, on line 4. Keep one of the two.",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_by_hand_is_refused_by_its_line(file: Path, damage: str):
    before, after, message = DAMAGES[damage]
    assert TEXT.count(before) == 1
    with pytest.raises(RecordError) as caught:
        accepted(file, TEXT.replace(before, after))
    assert str(caught.value) == f"{file}{message}"
