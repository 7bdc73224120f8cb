"""Records: written, read strictly, compared."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inception_harness import images, records
from inception_harness.cards import find_card
from inception_harness.classifier import load
from inception_harness.errors import RecordError
from inception_harness.pictures import find_picture_set
from inception_harness.record_comparison import pair_rows
from inception_harness.record_text import record_from_text, record_to_text
from inception_harness.records import (
    PictureHashes,
    Record,
    RecordRow,
    compare,
    read_record,
    record_of,
    write_record,
)
from inception_harness.resources import fixtures_folder
from inception_harness.store import Store

ANEW = "Restore the file, or write the record anew with --record-scores."
SHA = "0123456789abcdef" * 4

TEXT = f"""\
# form: 1
# model: little
# model sha256: {SHA}
# engine: litert
# engine version: 2.3.0
# precision: int8
# decoder: simplejpeg 1.9.0
# picture set: photos
# classes: 20
# top: 3
# step: 0.00390625
# picture panda: file 1111111111111111 pixels 2222222222222222 view 3333333333333333
# picture parrot: file 4444444444444444 pixels unknown view unknown
picture,rank,class,wnid,name,score
panda,1,7,n02510455,giant panda,0.882812
panda,2,3,,"crane, the machine",0.023438
panda,3,4,,crane,0.023438
parrot,1,8,n01818515,macaw,0.500000
parrot,2,?,,maillot,0.250000
parrot,3,0,,background,0.000000
"""

LITTLE = Record(
    model="little",
    model_sha256=SHA,
    engine="litert",
    engine_version="2.3.0",
    precision="int8",
    decoder="simplejpeg 1.9.0",
    picture_set="photos",
    classes=20,
    top=3,
    hashes={
        "panda": PictureHashes("1" * 16, "2" * 16, "3" * 16),
        "parrot": PictureHashes("4" * 16),
    },
    tables={
        "panda": (
            RecordRow(1, 7, "n02510455", "giant panda", 0.882812),
            RecordRow(2, 3, "", "crane, the machine", 0.023438),
            RecordRow(3, 4, "", "crane", 0.023438),
        ),
        "parrot": (
            RecordRow(1, 8, "n01818515", "macaw", 0.5),
            RecordRow(2, None, "", "maillot", 0.25),
            RecordRow(3, 0, "", "background", 0.0),
        ),
    },
    step=0.00390625,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records" / "little.csv"


def refusal(file: Path, text: str) -> str:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode())
    with pytest.raises(RecordError) as caught:
        read_record(file)
    return str(caught.value)


def with_scores(record: Record, picture: str, *scores: float, **changes: object) -> Record:
    rows = zip(record.tables[picture], scores, strict=True)
    table = tuple(dataclasses.replace(row, score=score) for row, score in rows)
    return dataclasses.replace(record, tables={**record.tables, picture: table}, **changes)


def test_a_record_is_text_that_reads_back_equal(file: Path):
    write_record(file, LITTLE)
    assert file.read_text(encoding="utf-8") == TEXT
    assert read_record(file) == LITTLE


def test_pictures_are_sorted_whatever_their_order_was(file: Path):
    backwards = dataclasses.replace(
        LITTLE,
        hashes=dict(reversed(LITTLE.hashes.items())),
        tables=dict(reversed(LITTLE.tables.items())),
    )
    write_record(file, backwards)
    assert file.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("prefix", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_marks_of_windows_do_no_harm(file: Path, prefix: str, ending: str):
    file.parent.mkdir()
    file.write_bytes((prefix + TEXT.replace("\n", ending)).encode())
    assert read_record(file) == LITTLE


_TEXTS = st.text(min_size=1, max_size=12).filter(lambda t: t == t.strip())
_PRINTED = _TEXTS.filter(lambda t: len(t.splitlines()) == 1 and "\ufeff" not in t)
_SCORES = st.integers(0, 10**6).map(lambda n: n / 10**6)


@given(
    pictures=st.lists(_PRINTED, min_size=1, max_size=4, unique=True),
    names=st.lists(_PRINTED, min_size=3, max_size=3),
    scores=st.lists(_SCORES, min_size=3, max_size=3),
    note=_PRINTED.filter(lambda t: not t.endswith(",,")) | st.just(""),
)
def test_whatever_can_be_written_reads_back_equal(tmp_path_factory, pictures, names, scores, note):
    ranked = enumerate(zip(names, sorted(scores, reverse=True), strict=True), start=1)
    table = tuple(RecordRow(rank, rank, "", name, score) for rank, (name, score) in ranked)
    record = dataclasses.replace(
        LITTLE,
        note=note,
        hashes={picture: PictureHashes() for picture in pictures},
        tables=dict.fromkeys(pictures, table),
    )
    path = tmp_path_factory.getbasetemp() / "any.csv"
    write_record(path, record)
    assert read_record(path) == record


DAMAGES = {
    "an empty file": (TEXT, "", " is empty."),
    "a merge conflict": (
        "panda,2,",
        "<<<<<<< HEAD\npanda,2,",
        ", line 16: a merge conflict is left in the file ('<<<<<<< HEAD').",
    ),
    "a spreadsheet's commas": (
        "# model: little\n",
        "# model: little,,,,,\n",
        ", line 2: the line ends with commas, as where a spreadsheet program saved the file.",
    ),
    "a cut last line": (
        "background,0.000000\n",
        "backgr",
        ", line 20: the last line has no line end: the file is cut off, or an editor took it away.",
    ),
    "a lost last line end": (
        "0.000000\n",
        "0.000000",
        ", line 20: the last line has no line end: the file is cut off, or an editor took it away.",
    ),
    "a newer form": (
        "# form: 1",
        "# form: 2",
        ", line 1: 'form' should be 1, the only form of a record that this version of the harness "
        "knows; found '2'.",
    ),
    "a lost head line": (
        "# engine: litert\n",
        "",
        ": the head has no line '# engine: …'.",
    ),
    "an unknown key": (
        "# decoder:",
        "# decodre:",
        ", line 7: unknown key 'decodre' in the head. Did you mean 'decoder'?",
    ),
    "a key twice": (
        "# engine: litert\n",
        "# engine: litert\n# engine: litert\n",
        ", line 5: the key 'engine' stands twice in the head.",
    ),
    "a head line without a value": (
        "# engine: litert",
        "# engine:",
        ", line 4: a line of the head reads '# key: value', found '# engine:'.",
    ),
    "a blank line in the head": (
        "# engine: litert\n",
        "# engine: litert\n\n",
        ": the head has no line '# engine version: …'.",
    ),
    "a short sha256": (
        SHA,
        SHA[:12],
        ", line 3: 'model sha256' should be 64 hexadecimal digits in lower case, or unknown; "
        "found '0123456789ab'.",
    ),
    "a top that is no number": (
        "# top: 3",
        "# top: all",
        ", line 10: 'top' should be a whole number from 1; found 'all'.",
    ),
    "a step that is no fraction": (
        "# step: 0.00390625",
        "# step: 1/256",
        ", line 11: 'step' should be a number between 0 and 1, as 0.00390625; found '1/256'.",
    ),
    "a picture's line of another form": (
        " view 3333333333333333",
        "",
        ", line 12: a picture's line reads '# picture ROLE: file HASH pixels HASH view HASH', "
        "found '# picture panda: file 1111111111111111 pixels 2222222222222222'.",
    ),
    "a damaged hash": (
        "view 3333333333333333",
        "view 33333333",
        ", line 12: a hash should be 16 hexadecimal digits in lower case, or unknown; found "
        "'# picture panda: file 1111111111111111 pixels 2222222222222222 view 33333333'.",
    ),
    "a picture twice in the head": (
        "# picture parrot: file 4",
        "# picture panda: file 4",
        ", line 13: 'panda' stands twice in the head; each picture stands there once, sorted.",
    ),
    "pictures unsorted in the head": (
        "# picture parrot: file 4",
        "# picture owl: file 4",
        ", line 13: 'owl' stands after 'panda' in the head; each picture stands there once, "
        "sorted.",
    ),
    "a picture only in the head": (
        "picture,rank",
        "# picture portrait: file unknown pixels unknown view unknown\npicture,rank",
        ": 'portrait' is in the head and not in the rows.",
    ),
    "a picture only in the rows": (
        "# picture parrot: file 4444444444444444 pixels unknown view unknown\n",
        "",
        ": 'parrot' is in the rows and not in the head.",
    ),
    "other columns": (
        "picture,rank,class,wnid,name,score",
        "picture;rank;class;wnid;name;score",
        ", line 14: expected 'picture,rank,class,wnid,name,score', found "
        "'picture;rank;class;wnid;name;score'.",
    ),
    "no rows at all": (
        TEXT[TEXT.index("picture,rank") :],
        "",
        ", line 14: expected 'picture,rank,class,wnid,name,score', found the end of the file.",
    ),
    "a lost value": (
        "parrot,1,8,n01818515,macaw,0.500000",
        "parrot,1,8,macaw,0.500000",
        ", line 18: expected 6 values (picture, rank, class, wnid, name, score), found "
        "'parrot,1,8,macaw,0.500000'.",
    ),
    "an open quote": (
        '"crane, the machine"',
        '"crane, the machine',
        ", line 16: 'panda,2,3,,\"crane, the machine,0.023438' is no row of a CSV file: "
        "unexpected end of data.",
    ),
    "a blank line": (
        "parrot,1",
        "\nparrot,1",
        ", line 18: expected 6 values (picture, rank, class, wnid, name, score), found ''.",
    ),
    "a lost picture": ("parrot,2,", ",2,", ", line 19: the picture is empty."),
    "a lost name": ("maillot", "", ", line 19: the name is empty."),
    "a rank that is no number": (
        "parrot,2",
        "parrot,two",
        ", line 19: the rank 'two' is no whole number from 1.",
    ),
    "a lost row": (
        "parrot,2,?,,maillot,0.250000\n",
        "",
        ", line 19: 'parrot' has rank 3 where rank 2 was expected: a row is missing.",
    ),
    "a row twice": (
        "parrot,2,?,,maillot,0.250000\n",
        "parrot,2,?,,maillot,0.250000\nparrot,2,?,,maillot,0.250000\n",
        ", line 20: 'parrot' has rank 2 where rank 3 was expected: a row stands twice.",
    ),
    "a lost last row": (
        "parrot,3,0,,background,0.000000\n",
        "",
        ", line 19: 'parrot' ends after 2 rows; expected 3.",
    ),
    "a lost last row of an earlier picture": (
        "panda,3,4,,crane,0.023438\n",
        "",
        ", line 16: 'panda' ends after 2 rows; expected 3.",
    ),
    "a class beyond the outputs": (
        "parrot,1,8,",
        "parrot,1,20,",
        ", line 18: the class '20' is none of 0 to 19, nor '?' for one that is not known.",
    ),
    "a lost class": (
        "parrot,1,8,",
        "parrot,1,,",
        ", line 18: the class '' is none of 0 to 19, nor '?' for one that is not known.",
    ),
    "a class twice": (
        "panda,3,4,",
        "panda,3,7,",
        ", line 17: the class 7 stands twice for 'panda'.",
    ),
    "a damaged WNID": (
        "n01818515",
        "n0181851",
        ", line 18: the WNID 'n0181851' is not like n02510455, nor empty.",
    ),
    "a score that is no number": (
        "0.500000",
        "0.5OOOOO",
        ", line 18: the score '0.5OOOOO' is no number from 0.000000 to 1.000000 with six decimals.",
    ),
    "a score in per cent": (
        "0.500000",
        "50.000000",
        ", line 18: the score '50.000000' is no number from 0.000000 to 1.000000 with six "
        "decimals.",
    ),
    "a negative score": (
        "0.000000",
        "-0.000001",
        ", line 20: the score '-0.000001' is no number from 0.000000 to 1.000000 with six "
        "decimals.",
    ),
    "a score with a comma": (
        "parrot,1,8,n01818515,macaw,0.500000",
        'parrot,1,8,n01818515,macaw,"0,500000"',
        ", line 18: the score '0,500000' is no number from 0.000000 to 1.000000 with six decimals.",
    ),
    "a shortened score": (
        "0.500000",
        "0.5",
        ", line 18: the score '0.5' is no number from 0.000000 to 1.000000 with six decimals.",
    ),
    "scores out of order": (
        "0.250000",
        "0.750000",
        ", line 19: 'parrot' has the score 0.750000 below 0.500000; expected the highest first.",
    ),
    "pictures out of order": (
        "parrot,1,8,",
        "owl,1,8,",
        ", line 18: 'owl' stands after 'panda'; expected the pictures sorted.",
    ),
    "a picture in two places": (
        "0.000000\n",
        "0.000000\npanda,4,9,,other,0.000000\n",
        ", line 21: 'panda' stands in two places; expected the pictures sorted.",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_by_hand_is_refused_by_its_line(file: Path, damage: str):
    before, after, message = DAMAGES[damage]
    assert TEXT.count(before) == 1
    assert refusal(file, TEXT.replace(before, after)) == f"{file}{message} {ANEW}"


def test_no_pictures_are_refused(file: Path):
    head = "".join(
        line + "\n"
        for line in TEXT.splitlines()
        if line.startswith(("# ", "picture,")) and not line.startswith("# picture p")
    )
    assert refusal(file, head) == f"{file}: there are no pictures. {ANEW}"


@given(cut=st.integers(0, len(TEXT) - 1))
def test_a_file_cut_off_anywhere_is_refused(tmp_path_factory, cut: int):
    path = tmp_path_factory.getbasetemp() / "cut.csv"
    path.write_bytes(TEXT[:cut].encode())
    with pytest.raises(RecordError):
        read_record(path)


def test_a_missing_record_says_how_to_write_it(file: Path):
    with pytest.raises(RecordError) as caught:
        read_record(file)
    assert str(caught.value) == f"There is no record {file}. Write it with --record-scores."


def test_a_folder_and_another_encoding_are_refused(file: Path):
    file.parent.mkdir()
    with pytest.raises(RecordError) as caught:
        read_record(file.parent)
    assert str(caught.value) == f"Cannot read {file.parent}: Is a directory."
    file.write_bytes(TEXT.replace("little", "caf\xe9").encode("latin-1"))
    with pytest.raises(RecordError) as caught:
        read_record(file)
    assert str(caught.value) == (f"{file}, line 2: byte 0xe9 is not UTF-8. Save the file as UTF-8.")


def test_scores_that_are_no_numbers_are_not_written(file: Path):
    write_record(file, LITTLE)
    with pytest.raises(RecordError) as caught:
        write_record(file, with_scores(LITTLE, "parrot", float("nan"), 0.2, 0.1))
    assert str(caught.value) == (
        f"This record cannot be written: {file}, line 18: the score 'nan' is no number from "
        "0.000000 to 1.000000 with six decimals."
    )
    assert file.read_text(encoding="utf-8") == TEXT
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_equal_records_do_not_differ():
    assert compare(LITTLE, LITTLE) == []


def test_a_moved_score_is_told_with_what_moved_and_what_did_not():
    hashes = {**LITTLE.hashes, "panda": PictureHashes("1" * 16, "5" * 16, "6" * 16)}
    moved = with_scores(LITTLE, "panda", 0.60, 0.27, 0.023438, hashes=hashes, decoder="another 2.0")
    (found,) = compare(LITTLE, moved)
    assert (found.picture, found.kind) == ("panda", "scores")
    assert found.text == (
        "panda: 2 scores moved by more than 20.000 points (other decoded pixels, quantised "
        "network):\n"
        "   88.28 % ->  60.00 %  giant panda  (-28.28 points)\n"
        "    2.34 % ->  27.00 %  crane, the machine  (+24.66 points)\n"
        "  moved with them: the decoded pixels, the decoder (simplejpeg 1.9.0 -> another 2.0), "
        "what the network sees (resize)\n"
        "  as they were: the picture's file, the engine, the weights\n"
        "  not known: the scaling at the input"
    )


def test_where_nothing_known_moved_the_failure_says_so():
    (found,) = compare(LITTLE, with_scores(LITTLE, "parrot", 0.51, 0.25, 0.0))
    assert found.text == (
        "parrot: 1 score moved by more than 0.391 points (the same engine and pixels: one step of "
        "the quantised output):\n"
        "   50.00 % ->  51.00 %  macaw  (+1.00 points)\n"
        "  moved with them: nothing that the record knows of; the processor or its libraries, "
        "perhaps\n"
        "  as they were: the picture's file, the decoder, the engine, the weights\n"
        "  not known: the decoded pixels, what the network sees (resize), the scaling at the input"
    )


def test_another_scaling_at_the_input_is_named():
    """The commonest slip of all, which no hash of the view can show."""
    before = dataclasses.replace(LITTLE, scaling="rgb, mean 127.5, std 127.5")
    now = with_scores(LITTLE, "parrot", 0.51, 0.25, 0.0, scaling="rgb, mean 128, std 128")
    (found,) = compare(before, now)
    assert (
        "  moved with them: the scaling at the input (rgb, mean 127.5, std 127.5 -> "
        "rgb, mean 128, std 128)\n"
    ) in found.text
    again = record_from_text(record_to_text(before, Path("a.csv")), Path("a.csv"))
    assert again.scaling == before.scaling


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "rgb, 0 to 255"),
        ({"mean": (127.5,) * 3, "std": (127.5,) * 3}, "rgb, mean 127.5, std 127.5"),
        (
            {"mean": (103.9, 116.8, 123.7), "channels": "bgr"},
            "bgr, mean 103.9 116.8 123.7, std 1",
        ),
    ],
)
def test_the_scaling_is_told_in_words(changes, told):
    card = find_card("miniature")
    form = dataclasses.replace(card.input, **changes)
    assert records._scaling(dataclasses.replace(card, input=form)) == told


def test_a_score_that_is_no_number_has_moved():
    (found,) = compare(LITTLE, with_scores(LITTLE, "parrot", float("nan"), 0.25, 0.0))
    assert "   50.00 % ->    nan %  macaw  (+nan points)\n" in found.text


@pytest.mark.parametrize("swapped", [False, True])
def test_a_picture_on_one_side_only_is_a_difference(swapped: bool):
    fewer = dataclasses.replace(
        LITTLE,
        hashes={"panda": LITTLE.hashes["panda"]},
        tables={"panda": LITTLE.tables["panda"]},
    )
    (found,) = compare(fewer, LITTLE) if swapped else compare(LITTLE, fewer)
    assert found.picture == "parrot"
    assert (found.kind, found.text) == (
        ("new picture", "parrot: it is not in the record. Write the record anew to add it.")
        if swapped
        else ("vanished picture", "parrot: it is in the record, and was not computed now.")
    )


def test_other_weights_another_model_and_another_file_are_differences_though_scores_agree():
    other = dataclasses.replace(
        LITTLE,
        model="large",
        model_sha256="f" * 64,
        hashes={**LITTLE.hashes, "parrot": PictureHashes("9" * 16)},
    )
    found = compare(LITTLE, other)
    assert [(one.picture, one.kind) for one in found] == [
        ("", "other model"),
        ("", "other weights"),
        ("parrot", "other file"),
    ]
    assert [one.text for one in found] == [
        "model: little in the record, large now. Is it the right record?",
        "the weights are not those of the record: sha256 0123456789ab… in the record, "
        "ffffffffffff… now. If they are meant to be new, write the record anew.",
        "parrot: the picture's file is not that of the record: 4444444444444444 in the record, "
        "9999999999999999 now.",
    ]


def float_record(**changes: object) -> Record:
    return dataclasses.replace(LITTLE, **{"step": 0.0, "precision": "f32", **changes})


@pytest.mark.parametrize(
    ("before", "changes", "allowed"),
    [
        (float_record(), {}, 1e-5),
        (float_record(precision="bf16"), {"precision": "bf16"}, 1 / 256),
        (float_record(), {"engine_version": "3"}, 1e-3),
        (float_record(), {"engine": "openvino", "precision": "bf16"}, 0.05),
        (float_record(), {"decoder": "another"}, 0.04),
        (float_record(), {"decoder": "another", "precision": "bf16"}, 0.05),
        (float_record(rounded_to=0.0001), {}, 0.00006),
        (LITTLE, {}, 1 / 256),
        (LITTLE, {"engine_version": "3"}, 0.15),
        (LITTLE, {"decoder": "another"}, 0.20),
    ],
)
def test_scores_may_move_as_far_as_their_cause_explains_and_no_further(
    before: Record, changes: dict, allowed: float
):
    changes = {"precision": before.precision, **changes}

    def moved(by: float) -> list:
        now = with_scores(before, "parrot", 0.5 - by, 0.25, 0.0, rounded_to=0.0, **changes)
        return [compare(before, now), compare(now, before)]

    assert moved(allowed) == [[], []]
    assert [len(found) for found in moved(allowed * 1.01 + 2e-6)] == [1, 1]


def test_equal_pixels_count_more_than_the_decoder_that_made_them():
    """The panda's pixels are known and equal: what its decoder calls itself excuses nothing."""
    now = with_scores(LITTLE, "panda", 0.8, 0.023438, 0.023438, decoder="another")
    (found,) = compare(LITTLE, now)
    assert found.text.splitlines()[0] == (
        "panda: 1 score moved by more than 0.391 points (the same engine and pixels: one step of "
        "the quantised output):"
    )


def test_a_class_that_left_the_table_has_moved_as_far_as_the_table_tells():
    left = dataclasses.replace(
        LITTLE,
        tables={
            **LITTLE.tables,
            "parrot": (
                RecordRow(1, 8, "n01818515", "macaw", 0.5),
                RecordRow(2, 11, "", "toucan", 0.24),
                RecordRow(3, 12, "", "kite", 0.01),
            ),
        },
    )
    pairs = {pair.name: pair for pair in pair_rows(LITTLE.tables["parrot"], left.tables["parrot"])}
    assert {name: round(pair.gap, 6) for name, pair in pairs.items()} == {
        "macaw": 0.0,
        "maillot": 0.24,
        "background": 0.0,
        "toucan": 0.24,
        "kite": 0.01,
    }
    (found,) = compare(LITTLE, left)
    assert "  25.00 % ->   1.00 %  maillot  (-24.00 points or more; shown on one side only)" in (
        found.text
    )
    assert len(compare(left, LITTLE)) == 1


def test_a_class_of_unknown_number_is_matched_by_its_name():
    numbered = dataclasses.replace(
        LITTLE,
        tables={
            **LITTLE.tables,
            "parrot": (
                RecordRow(1, 8, "", "macaw", 0.5),
                RecordRow(2, 17, "", "maillot", 0.25),
                RecordRow(3, 18, "", "maillot", 0.0),
            ),
        },
    )
    assert compare(LITTLE, numbered) == []
    assert compare(numbered, LITTLE) == []


def test_a_class_of_unknown_number_takes_no_other_rows_class():
    before = (RecordRow(1, None, "", "maillot", 0.25), RecordRow(2, 17, "", "maillot", 0.2))
    now = (RecordRow(1, 17, "", "maillot", 0.24), RecordRow(2, 18, "", "maillot", 0.2))
    pairs = [(pair.before, pair.now, pair.shown) for pair in pair_rows(before, now)]
    assert pairs == [(0.2, 0.24, True), (0.25, 0.2, True)]


# What the tutorial's notebooks print: per cent with two decimals.
@pytest.mark.parametrize(
    ("version", "panda", "sunglasses"),
    [("0.10", 0.8923, 0.3148), ("1.1", 0.8911, 0.3447)],
)
def test_the_tutorials_printed_tables_are_records(version: str, panda: float, sunglasses: float):
    record = read_record(fixtures_folder() / "records" / f"inception-v3-2015.tf-{version}.csv")
    assert (record.classes, record.top, record.rounded_to) == (1008, 10, 0.0001)
    assert record.note.startswith("printed to 2 decimals of percent")
    assert record.tables["panda"][0] == RecordRow(1, 169, "n02510455", "giant panda", panda)
    assert record.tables["portrait-sunglasses"][0].score == sunglasses
    assert [row.number for row in record.tables["portrait-small"] if row.name == "maillot"] == [
        None
    ]
    photos = find_picture_set("photos", Store())
    assert {role: seen.file for role, seen in record.hashes.items()} == {
        role: photos[role].remote.sha256[:16] for role in photos
    }


def test_the_tutorials_two_tables_differ_no_further_than_their_decoders_explain():
    folder = fixtures_folder() / "records"
    old, new = (read_record(folder / f"inception-v3-2015.tf-{v}.csv") for v in ("0.10", "1.1"))
    assert compare(old, new) == []
    as_if = dataclasses.replace(new, decoder=old.decoder)
    moved = {found.picture for found in compare(old, as_if)}
    assert {"panda", "portrait-small", "portrait-sunglasses"} <= moved


@pytest.fixture
def small_net(shared_store: Path):
    with load("mobilenet-v1-0.25-128-quant", store=Store(shared_store)) as classifier:
        yield classifier


def record_now(classifier, sources: dict[str, Path]) -> Record:
    found = classifier.classify_batch(list(sources.values()), names=list(sources))
    return record_of(classifier, sources, dict(zip(sources, found, strict=True)), "photos")


def test_a_record_is_missing_written_compared_changed_and_rewritten(
    small_net, shared_store: Path, tmp_path: Path
):
    """The life of a record, with a real network and real pictures."""
    photos = find_picture_set("photos", Store(shared_store))
    sources = {role: tmp_path / photos[role].path.name for role in ("panda", "parrot")}
    for role, copy in sources.items():
        shutil.copy(photos[role].path, copy)
    file = tmp_path / "records" / "mobilenet.csv"
    with pytest.raises(RecordError, match="There is no record"):
        read_record(file)

    write_record(file, record_now(small_net, sources))
    kept, text = read_record(file), file.read_bytes()
    assert kept.model_sha256 == small_net.file_hash
    assert kept.tables["panda"][0].wnid == "n02510455"
    assert kept.hashes["panda"].file == "1b54de86454f7b8c"
    # TensorFlow 2.21 decodes the panda to pixels of this very hash.
    assert kept.hashes["panda"].pixels == "58c765aac8b88286"
    assert compare(kept, record_now(small_net, sources)) == []

    with Image.open(sources["panda"]) as image:
        image.convert("RGB").rotate(90).save(sources["panda"], "JPEG")
    now = record_now(small_net, sources)
    found = compare(kept, now)
    assert [(one.picture, one.kind) for one in found] == [
        ("panda", "other file"),
        ("panda", "scores"),
    ]
    assert "moved with them: the picture's file, the decoded pixels, what the network sees" in (
        found[1].text
    )

    write_record(file, now)
    assert compare(read_record(file), record_now(small_net, sources)) == []
    assert file.read_bytes() != text


def test_another_resize_is_told_from_other_pixels(small_net, shared_store: Path):
    photos = find_picture_set("photos", Store(shared_store))
    sources = {"parrot-top": photos["parrot-top"].path}
    before = record_now(small_net, sources)
    form = dataclasses.replace(small_net.card.input, resize="nearest")
    small_net.card = dataclasses.replace(small_net.card, input=form)
    (found,) = compare(before, record_now(small_net, sources))
    lines = found.text.splitlines()
    assert "  moved with them: what the network sees (resize)" in lines
    assert (
        "  as they were: the picture's file, the decoded pixels, the decoder, the scaling at the "
        "input, the engine, the weights" in lines
    )


class _SeesByItself:
    """An engine that decodes and resizes pictures itself, around one that does not."""

    def __init__(self, classifier):
        self._engine, self._stages = classifier.engine, classifier.stages

    def __getattr__(self, name: str):
        return getattr(self._engine, name)

    def view(self, picture):
        rgb = self._stages.decode(picture)
        return images.network_view(rgb, (128, 128), "squeeze", "bilinear")


def test_pixels_that_the_model_decodes_itself_are_not_known(small_net, shared_store: Path):
    sources = {"panda": find_picture_set("photos", Store(shared_store))["panda"].path}
    before = record_now(small_net, sources)
    small_net.engine = _SeesByItself(small_net)
    now = record_now(small_net, sources)
    assert before.decoder == images.DECODER
    assert now.decoder == f"the graph's own, litert {small_net.engine.version}"
    assert now.hashes["panda"].pixels == ""
    # The double resizes as the card says, so the network sees the same and says the same.
    assert now.hashes["panda"].view == before.hashes["panda"].view
    assert now.tables == before.tables


def test_a_record_needs_a_prediction_of_each_picture(small_net, shared_store: Path):
    with pytest.raises(RecordError) as caught:
        record_of(small_net, {"panda": shared_store}, {}, "photos")
    assert str(caught.value) == "'panda' has no prediction; a record needs both of each picture."
    with pytest.raises(RecordError) as caught:
        record_of(small_net, {}, {"panda": None}, "photos")
    assert str(caught.value) == "'panda' has no file; a record needs both of each picture."


def test_a_class_of_another_name_is_told_though_scores_agree():
    picture, rows = next(iter(LITTLE.tables.items()))
    first = next(row for row in rows if row.number is not None)
    renamed = tuple(dataclasses.replace(row, name="heron") if row is first else row for row in rows)
    now = dataclasses.replace(LITTLE, tables={**LITTLE.tables, picture: renamed})
    assert [d.kind for d in compare(LITTLE, now)] == ["names"]
    assert [d.kind for d in compare(now, LITTLE)] == ["names"]
    assert compare(LITTLE, now)[0].text == (
        f"{picture}: the labels moved: class {first.number} was {first.name!r} and is 'heron' "
        "now. Is it the right label file?"
    )
