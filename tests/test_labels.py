"""Class numbers and names, both ways, and label files that came damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inception_harness.errors import LabelError
from inception_harness.labels import Labels, read_2015_pair, read_keras_index, read_lines

# Some entries in the form of 2015: number, WNID, names. Not in the order of their numbers.
ENTRIES = [
    (3, "n02510455", "giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca"),
    (1, "n02509815", "lesser panda, red panda, panda, bear cat, cat bear, Ailurus fulgens"),
    (4, "n01818515", "macaw"),
    (2, "n02012849", "crane"),
    (6, "n03126707", "crane"),
    (7, "n03710637", "maillot"),
    (5, "n03710721", "maillot, tank suit"),
    (8, "n02963159", "cardigan"),
    (9, "n02113186", "Cardigan, Cardigan Welsh corgi"),
]
CLASSES = 12
MAP_HEAD = "# -*- protobuffer -*-\n# LabelMap from ImageNet 2012 full data set UID to class.\n"


def map_text(entries=ENTRIES) -> str:
    return MAP_HEAD + "".join(
        f'entry {{\n  target_class: {number}\n  target_class_string: "{wnid}"\n}}\n'
        for number, wnid, _ in entries
    )


def name_text(entries=ENTRIES) -> str:
    rows = {wnid: names for _, wnid, names in entries} | {"n00004475": "organism, being"}
    return "".join(f"{wnid}\t{rows[wnid]}\n" for wnid in sorted(rows))


@pytest.fixture
def pair(tmp_path: Path):
    """Write the two files; either text or bytes can be given in place of the right one."""

    def write(label_map: str | bytes | None = None, names: str | bytes | None = None):
        paths = tmp_path / "label_map.pbtxt", tmp_path / "names.txt"
        for path, given, right in zip(
            paths, (label_map, names), (map_text(), name_text()), strict=True
        ):
            data = right if given is None else given
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        return paths

    return write


@pytest.fixture
def labels(pair) -> Labels:
    return read_2015_pair(*pair(), CLASSES)


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(LabelError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


# --- names to numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("giant panda", 3),
        ("giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca", 3),
        ("n02510455", 3),
        (3, 3),
        (np.int64(3), 3),
        ("macaw", 4),
        ("n02012849", 2),
        ("n03126707", 6),
        ("n03710637", 7),
        ("maillot, tank suit", 5),
        ("cardigan", 8),
        ("Cardigan", 9),
        (0, 0),
        (11, 11),
    ],
)
def test_first_names_full_names_wnids_and_numbers_resolve(labels, query, number):
    assert labels.number(query) == number
    assert query in labels or not isinstance(query, str)


def test_a_name_of_two_classes_asks_which(labels):
    assert refusal(labels.number, "crane") == (
        "'crane' is the name of 2 classes: 2 (crane, n02012849) and 6 (crane, n03126707). "
        "Say which by its number or WNID."
    )
    assert refusal(labels.number, "maillot") == (
        "'maillot' is the name of 2 classes: 5 (maillot, tank suit, n03710721) and "
        "7 (maillot, n03710637). Say which by its number or WNID."
    )
    assert labels.numbers("crane") == (2, 6)


def test_without_wnids_it_asks_for_the_number():
    assert refusal(Labels(("crane", "macaw", "crane")).number, "crane") == (
        "'crane' is the name of 2 classes: 0 (crane) and 2 (crane). Say which by its number."
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "giant pandas",
            "There is no class 'giant pandas' among the model's 9 names. Near ones: 'giant panda'.",
        ),
        (
            "Macaw",
            "There is no class 'Macaw' among the model's 9 names. Near ones: 'macaw'.",
        ),
        ("zebra finch", "There is no class 'zebra finch' among the model's 9 names."),
        ("n02510456", "There is no class 'n02510456' among the model's 9 names."),
        ("n00004475", "There is no class 'n00004475' among the model's 9 names."),
        (
            "coon bear",
            "There is no class 'coon bear', but it is another name of 'giant panda'. Use that.",
        ),
        (
            "panda",
            "There is no class 'panda', but it is another name of 'lesser panda' and "
            "'giant panda'. Use one of them.",
        ),
        (12, "There is no class 12: the model has 0 to 11."),
        (-1, "There is no class -1: the model has 0 to 11."),
        (np.int32(12), "There is no class 12: the model has 0 to 11."),
    ],
)
def test_what_is_unknown_is_refused_with_near_names(labels, query, message):
    assert refusal(labels.number, query) == message


def test_a_wnid_for_labels_without_any_is_told_so():
    assert refusal(Labels(("macaw", "crane")).number, "n01818515") == (
        "There is no class 'n01818515': this model's labels carry no WNIDs. Use a name."
    )


# --- numbers to names ---------------------------------------------------------------------------


def test_numbers_become_first_or_full_names(labels):
    assert labels.name(1) == "lesser panda"
    assert labels.name(1, only_first=False).endswith("cat bear, Ailurus fulgens")
    assert labels.name(0) == "unnamed 0"
    assert labels.name(10, only_first=False) == "unnamed 10"
    assert labels.named == tuple(range(1, 10))
    assert len(labels) == CLASSES
    assert list(labels)[4] == "macaw"
    assert labels.wnids[4] == "n01818515"
    assert labels.wnids[0] is None
    assert "organism" not in labels


def test_names_and_wnids_must_be_as_many():
    assert refusal(Labels, ("a", "b"), ("n00000001",)) == (
        "There are 2 names and 1 WNIDs; each class number needs one of each, or None."
    )


# --- the pair of 2015 ---------------------------------------------------------------------------

CRLF = (
    "should have LF line ends, but has CR or CRLF. It was changed on its way (git autocrlf, an "
    "editor); fetch it again or convert it."
)


def test_windows_line_ends_are_refused_with_their_line(pair):
    first, second = pair(label_map=map_text().replace("\n", "\r\n"))
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}, line 1: a label map (pbtxt) {CRLF}"
    )
    first, second = pair(names=name_text().replace("macaw\n", "macaw\r\n"))
    line = name_text().splitlines().index("n01818515\tmacaw") + 1
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{second}, line {line}: a list of WNIDs and names {CRLF}"
    )


def test_a_missing_last_line_end_means_cut_off(pair):
    first, second = pair(names=name_text().rstrip("\n"))
    size = second.stat().st_size
    tail = name_text().rstrip("\n").encode()[-20:]
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{second}: a list of WNIDs and names should end with a line end, but does not. It is "
        f"probably cut off (its {size} bytes end in {tail!r}); fetch it again."
    )
    first, second = pair(label_map=b"")
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}: a label map (pbtxt) should end with a line end, but does not. It is probably "
        "cut off (its 0 bytes end in b''); fetch it again."
    )


@pytest.mark.parametrize(
    "page", [b"\n<!DOCTYPE html>\r\n<html>", b"<html lang=en>", b"\xef\xbb\xbf<!doctype HTML>"]
)
def test_a_web_page_in_place_of_a_file_is_told_so(pair, page):
    first, second = pair(label_map=page)
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}: this is a web page (HTML), not a label map (pbtxt). It was probably saved from "
        "a browser in place of the raw file; download the raw file."
    )


def test_a_class_outside_the_outputs_is_refused(pair):
    first, second = pair()
    assert refusal(read_2015_pair, first, second, 9) == (
        f"{first}: class 9 (n02113186) is outside the model's outputs 0 to 8."
    )


def test_a_class_that_stands_twice_is_refused(pair):
    first, second = pair(label_map=map_text([*ENTRIES, (4, "n02012849", "")]))
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}: class 4 stands twice (n01818515, n02012849)."
    )


def test_a_wnid_without_a_name_is_refused(pair):
    first, second = pair(label_map=map_text([*ENTRIES, (10, "n07777777", "")]))
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}: n07777777 has no name in {second}."
    )


@pytest.mark.parametrize(
    ("text", "opened", "good"),
    [
        (map_text() + "entry {\n  target_class: 10\n}\n", 10, 9),
        (map_text().replace('"n01818515"', '"n0181851"'), 9, 8),
        ("just words\n", 0, 0),
    ],
)
def test_an_entry_of_another_form_is_refused(pair, text, opened, good):
    first, second = pair(label_map=text)
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{first}: of {opened} entries {good} have the form "
        '`entry { target_class: 1 target_class_string: "n01440764" }`. All should; fetch the '
        "file again."
    )


@pytest.mark.parametrize("line", ["n01818515 macaw", "n0181851\tmacaw", "n01818515\t ", ""])
def test_a_line_of_another_form_is_refused_with_its_number(pair, line):
    first, second = pair(names=name_text() + line + "\n")
    count = len(ENTRIES) + 2
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{second}, line {count}: expected a WNID, a tab and names "
        f"(n01440764<TAB>tench, Tinca tinca), found {line!r}."
    )


def test_a_missing_or_undecodable_file_is_told_so(pair):
    first, second = pair(names=b"n00004475\tcaf\xe9\n")
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{second}: a list of WNIDs and names should be UTF-8 text: 'utf-8' codec can't decode "
        "byte 0xe9 in position 13: invalid continuation byte."
    )
    second.unlink()
    assert refusal(read_2015_pair, first, second, CLASSES) == (
        f"{second}: cannot read a list of WNIDs and names: No such file or directory."
    )


def test_the_replicas_thousand_names_are_read(tiny_folder):
    """As many entries as the real file has, in the order of WNIDs: 1 to 1000 of 1008 have names."""
    labels = read_2015_pair(
        tiny_folder / "imagenet_2012_challenge_label_map_proto.pbtxt",
        tiny_folder / "imagenet_synset_to_human_label_map.txt",
        1008,
    )
    assert labels.named == tuple(range(1, 1001))
    assert labels.number("giant panda") == 169
    assert labels.name(1001) == "unnamed 1001"


# --- plain lists --------------------------------------------------------------------------------


@pytest.fixture
def lines(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "labels.txt"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_line_one_names_class_zero(lines):
    labels = read_lines(lines("background\n macaw \ncrane, bird\n"), 3)
    assert labels.names == ("background", "macaw", "crane, bird")
    assert labels.wnids == (None, None, None)
    assert labels.number("crane") == 2


def test_a_byte_order_mark_is_no_part_of_the_first_name(lines):
    assert read_lines(lines(b"\xef\xbb\xbftench\nmacaw\n"), 2).names == ("tench", "macaw")


def test_only_line_ends_end_a_line(lines):
    assert read_lines(lines("a\x0cb\nc\u2028d\n"), 2).names == ("a\x0cb", "c\u2028d")


def test_another_number_of_lines_is_refused(lines):
    path = lines("a\nb\n")
    assert refusal(read_lines, path, 3) == (
        f"{path}: the card's [output] says 3 classes, but the list has 2 lines; one line names "
        "one output."
    )


def test_an_empty_line_is_refused(lines):
    path = lines("a\n \nc\n")
    assert refusal(read_lines, path, 3) == (
        f"{path}, line 2: a name is expected, found an empty line."
    )


def test_damaged_lists_are_refused_like_the_pair(lines):
    path = lines("a\r\nb\r\n")
    assert refusal(read_lines, path, 2) == f"{path}, line 1: a list of labels {CRLF}"
    path = lines("a\nb")
    assert refusal(read_lines, path, 2) == (
        f"{path}: a list of labels should end with a line end, but does not. It is probably cut "
        "off (its 3 bytes end in b'a\\nb'); fetch it again."
    )


@pytest.mark.parametrize(("background", "first"), [(None, 0), (0, 1)])
def test_wnids_of_the_challenge_are_put_beside_the_names(lines, background, first):
    classes = 1000 + first
    path = lines("".join(f"class {n}\n" for n in range(classes)))
    labels = read_lines(path, classes, background=background, wnids="ilsvrc-2012")
    # Anchors of the sorted list: tench is the first, toilet tissue the last.
    assert labels.wnids[first] == "n01440764"
    assert labels.wnids[-1] == "n15075141"
    assert labels.wnids[388 + first] == "n02510455"  # giant panda
    assert list(labels.wnids[first:]) == sorted(labels.wnids[first:])
    assert (labels.wnids[0] is None) == (background == 0)


def test_wnids_of_the_challenge_need_its_number_of_classes(lines):
    path = lines("a\nb\n")
    assert refusal(read_lines, path, 2, wnids="ilsvrc-2012") == (
        f"{path}: wnids = 'ilsvrc-2012' means 1000 classes and at most one background class, but "
        "the model has 2 outputs."
    )


# --- Keras's index ------------------------------------------------------------------------------

INDEX = {"0": ["n02510455", "giant_panda"], "1": ["n01818515", "macaw"]}


def test_the_keras_index_gives_names_with_spaces(lines):
    labels = read_keras_index(lines(json.dumps(INDEX)), 2)
    assert labels.names == ("giant panda", "macaw")
    assert labels.number("n01818515") == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps(INDEX | {"2": ["n02012849", "crane"]}), "ValueError('3 classes found')"),
        (json.dumps({"0": INDEX["0"]}), "ValueError('1 classes found')"),
        (json.dumps({"0": INDEX["0"], "2": INDEX["1"]}), "KeyError('1')"),
        ("<html>", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
    ],
)
def test_another_index_is_refused(lines, text, problem):
    path = lines(text)
    assert refusal(read_keras_index, path, 2) == (
        f"{path}: expected a class index as Keras publishes it "
        f'({{"0": ["n01440764", "tench"], …}}) with 2 classes: {problem}.'
    )


def test_a_missing_index_is_told_so(tmp_path):
    assert refusal(read_keras_index, tmp_path / "none.json", 2) == (
        f"{tmp_path}/none.json: cannot read the class index: No such file or directory."
    )
