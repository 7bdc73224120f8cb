"""The comparison of two records, as a verdict and as a table."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from inception_harness.accepted_flips import AcceptedFlip, AcceptedFlips
from inception_harness.compare import Comparison, compare_records, main_table
from inception_harness.errors import RecordError
from inception_harness.record_data import PictureHashes, Record, RecordRow
from inception_harness.resources import fixtures_folder

RECORDS = fixtures_folder() / "records"


def rows(*pairs: tuple[str, float]) -> tuple[RecordRow, ...]:
    return tuple(
        RecordRow(rank, sum(map(ord, name)), "", name, score)
        for rank, (name, score) in enumerate(pairs, start=1)
    )


def record(model: str, tables: dict[str, tuple[RecordRow, ...]], **changes: object) -> Record:
    values: dict[str, object] = {
        "model_sha256": "0123456789abcdef" * 4,
        "engine": "litert",
        "engine_version": "2.3.0",
        "precision": "int8",
        "decoder": "simplejpeg 1.9.0",
        "picture_set": "photos",
        "classes": 1001,
        "top": 2,
        "hashes": {picture: PictureHashes() for picture in tables},
    }
    return Record(model=model, tables=tables, **{**values, **changes})


OLD = record(
    "old",
    {
        "panda": rows(("giant panda", 0.91), ("indri", 0.03)),
        "parrot": rows(("macaw", 0.637), ("jacamar", 0.02)),
        "portrait": rows(("jersey", 0.098), ("suit", 0.05)),
        "tie": rows(("academic gown", 0.55), ("bow tie", 0.2)),
        "tail": rows(("chime", 0.19), ("torch", 0.1)),
    },
)
NEW = record(
    "new",
    {
        "panda": rows(("giant panda", 0.594), ("indri", 0.23)),
        "parrot": rows(("jacamar", 0.648), ("macaw", 0.19)),
        "portrait": rows(("abaya", 0.719), ("suit", 0.05)),
        "tie": rows(("bow tie", 0.83), ("academic gown", 0.1)),
        "tail": rows(("torch", 0.37), ("chime", 0.1)),
    },
)
EXPECTED = {"panda": "giant panda", "parrot": "macaw", "tie": "bow tie"}
ACCEPTED = AcceptedFlips(
    "old",
    "new",
    Path("flips.toml"),
    {
        "panda": AcceptedFlip(
            "panda", "score fell", "giant panda", "Nobody sends such pandas.", "59", 4, 0.5
        ),
        "parrot": AcceptedFlip(
            "parrot", "wrong now", "jacamar", "Nobody sends padded parrots.", "65", 9
        ),
    },
)


def test_the_table_shows_each_picture_the_flips_and_the_verdict():
    comparison = compare_records(OLD, NEW, EXPECTED)
    assert comparison.exit_code == 1
    assert comparison.gains == ("tie",)
    assert (
        main_table(comparison)
        == """\
baseline   old, litert 2.3.0 int8, sha256 0123456789ab…
           simplejpeg 1.9.0
candidate  new, litert 2.3.0 int8, sha256 0123456789ab…
           simplejpeg 1.9.0

picture              baseline                candidate               verdict
--------------------------------------------------------------------------------
panda                giant panda      91.0 % giant panda      59.4 % FELL 31.6
parrot               macaw            63.7 % jacamar          64.8 % WRONG NOW
portrait             jersey            9.8 % abaya            71.9 % rose 66.9
tail                 chime            19.0 % torch            37.0 % other
tie                  academic gown    55.0 % bow tie          83.0 % right now

panda: giant panda fell from 91.0 % to 59.4 %, by 31.6 points; 20 are allowed
  where the baseline is sure.
  old                                     new
   91.00% : giant panda                    59.40% : giant panda
    3.00% : indri                          23.00% : indri

parrot: right before, wrong now: jacamar instead of macaw.
  old                                     new
   63.70% : macaw                          64.80% : jacamar
    2.00% : jacamar                        19.00% : macaw

2 flips, 0 accepted; 1 picture right now that the baseline gets wrong.
The candidate may not ship."""
    )


def test_where_every_flip_is_accepted_the_candidate_may_ship():
    comparison = compare_records(OLD, NEW, EXPECTED, ACCEPTED)
    table = main_table(comparison)
    assert (comparison.exit_code, comparison.refused) == (0, ())
    assert "giant panda      59.4 % fell 31.6\n" in table
    assert "jacamar          64.8 % wrong now\n" in table
    assert "  accepted: Nobody sends padded parrots.\n" in table
    assert table.endswith(
        "2 flips, 2 accepted; 1 picture right now that the baseline gets wrong.\n"
        "The candidate may ship."
    )


def test_an_accepted_flip_that_does_not_occur_keeps_the_candidate_back():
    comparison = compare_records(OLD, OLD, EXPECTED, dataclasses.replace(ACCEPTED, candidate="old"))
    assert comparison.flips == ()
    assert comparison.exit_code == 1
    assert (
        "! flips.toml, line 9: 'parrot' is accepted as 'wrong now' with 'jacamar', which\n"
        "  does not occur. Correct the entry, or remove it.\n"
    ) in main_table(comparison)


def without(record: Record, picture: str) -> Record:
    return dataclasses.replace(
        record,
        tables={role: table for role, table in record.tables.items() if role != picture},
        hashes={role: seen for role, seen in record.hashes.items() if role != picture},
    )


@pytest.mark.parametrize(
    ("comparison", "problem", "row"),
    [
        (
            compare_records(OLD, without(OLD, "tail"), EXPECTED),
            "tail: the baseline has it, the candidate has not; record both anew.",
            "tail                 chime            19.0 % -                       VANISHED",
        ),
        (
            compare_records(without(OLD, "tail"), OLD, EXPECTED),
            "tail: the candidate has it, the baseline has not; record both anew.",
            "tail                 -                       chime            19.0 % NEW",
        ),
    ],
)
def test_a_picture_that_only_one_has_keeps_the_candidate_back(
    comparison: Comparison, problem: str, row: str
):
    assert comparison.problems == (problem,)
    assert comparison.exit_code == 1
    lines = main_table(comparison).splitlines()
    assert row in lines
    assert f"! {problem}" in lines
    assert "0 flips; 0 pictures right now that the baseline gets wrong; 1 problem." in lines


def test_pictures_of_the_same_name_and_other_files_are_not_compared_in_silence():
    hashes = {role: PictureHashes(file="a" * 16) for role in OLD.hashes}
    other = {**hashes, "tie": PictureHashes(file="b" * 16)}
    comparison = compare_records(
        dataclasses.replace(OLD, hashes=hashes), dataclasses.replace(OLD, hashes=other), {}
    )
    assert comparison.problems == (
        "tie: the two answered to different files (aaaaaaaaaaaaaaaa and bbbbbbbbbbbbbbbb); record "
        "both anew.",
    )


def test_records_of_different_pictures_are_refused():
    drawn = record("new", {"dice": rows(("die", 0.9), ("cube", 0.1))}, picture_set="drawings")
    with pytest.raises(RecordError) as caught:
        compare_records(OLD, drawn, {})
    assert str(caught.value) == (
        "The records of old (photos) and new (drawings) have no picture in common. Record both on "
        "one picture set."
    )


def test_classes_that_share_their_name_are_told_apart():
    old = record("old", {"a": (RecordRow(1, 639, "n03710637", "maillot", 0.1),)})
    new = record("new", {"a": (RecordRow(1, 640, "n03710721", "maillot", 0.2),)})
    assert (
        "a                    maillot 639      10.0 % maillot 640      20.0 % other"
        in main_table(compare_records(old, new, {}))
    )


def test_of_many_pictures_those_that_agree_are_counted():
    same = {f"p{n:03}": rows(("macaw", 0.5), ("torch", 0.1)) for n in range(100)}
    changed = {**same, "p050": rows(("torch", 0.5), ("macaw", 0.1))}
    table = main_table(compare_records(record("old", same), record("new", changed), {}))
    assert len(table.splitlines()) == 12
    assert "and 99 more with the same top class" in table


def test_the_tutorials_two_tables_show_no_flip_and_a_note_on_the_decoders():
    """Nothing but TensorFlow's version lies between them, and the panda never flips."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *map(str, sorted(RECORDS.glob("inception-v3-2015.*")))],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["code"] == 0
    lines = found["table"].splitlines()
    assert lines[4] == (
        "note: the two decoded the pictures with different decoders; scores may differ by"
    )
    assert "panda                giant panda      89.2 % giant panda      89.1 % same" in lines
    assert max(map(len, lines)) <= 80
    # Comparing takes a fraction of a second because nothing that computes is imported.
    heavy = {"tensorflow", "ai_edge_litert", "openvino", "onnxruntime", "keras", "numpy", "PIL"}
    assert "inception_harness.compare" in found["modules"]
    assert heavy.isdisjoint(found["modules"])


_SCRIPT = """
import json, sys
from pathlib import Path
from inception_harness.compare import compare_records, main_table
from inception_harness.records import read_record

old, new = (read_record(Path(path)) for path in sys.argv[1:])
done = compare_records(old, new, {"panda": "giant panda", "parrot": "n01818515"})
found = {"code": done.exit_code, "table": main_table(done), "modules": list(sys.modules)}
print(json.dumps(found))
"""
