"""Cards: the built-in ones, and what each mistake in a card of one's own says."""

from __future__ import annotations

from pathlib import Path

import pytest

from inception_harness.cards import built_in_cards, find_card, read_card
from inception_harness.errors import CardError
from inception_harness.store import Archive, RemoteFile, Store

SHA = "ab" * 32
GOOD = f"""\
name = "my-model"
title = "A model of mine"

[model]
format = "tflite"
file = "my.tflite"

[input]
width = 224
height = 192
mean = [1, 2.5, 3]
std = 127.5

[output]
kind = "logits"
classes = 3

[labels]
format = "lines"
files = ["names.txt"]
background = 0

[[files]]
path = "my.tflite"
url = "https://example.org/my.tflite"
sha256 = "{SHA}"
size = 12

[[files]]
path = "names.txt"
url = "https://example.org/names.txt"
md5 = "{SHA[:32]}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my-model.toml"


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(CardError) as caught:
        read_card(path)
    return str(caught.value)


def changed(*changes: str) -> str:
    """Return the good card with pairs of texts replaced, each of which stands there once."""
    text = GOOD
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_a_card_of_ones_own_is_read(path):
    path.write_text(GOOD)
    card = read_card(path)
    assert (card.name, card.title, card.source_file) == ("my-model", "A model of mine", path)
    assert (card.model.format, card.model.file) == ("tflite", "my.tflite")
    assert (card.input.width, card.input.height) == (224, 192)
    assert card.input.mean == (1.0, 2.5, 3.0)
    assert card.input.std == (127.5, 127.5, 127.5)
    assert (card.input.channels, card.input.fit, card.input.resize) == (
        "rgb",
        "squeeze",
        "bilinear",
    )
    assert (card.output.kind, card.output.classes, card.output.step) == ("logits", 3, 0.0)
    assert card.labels.files == ("names.txt",)
    assert card.labels.background == 0
    assert card.pictures == "photos"
    assert card.archive is None
    assert card.files == (
        RemoteFile("my.tflite", SHA, size=12, url="https://example.org/my.tflite"),
        RemoteFile("names.txt", None, md5=SHA[:32], url="https://example.org/names.txt"),
    )


def test_a_cards_files_are_in_the_store_or_beside_it(path, tmp_path):
    store = Store(tmp_path / "store")
    path.write_text(GOOD)
    assert read_card(path).local_folder(store) == tmp_path / "store/models/my-model"
    path.write_text(GOOD[: GOOD.index("[[files]]")])
    assert read_card(path).local_folder(store) == tmp_path
    path.write_text('folder = "weights"\n' + GOOD[: GOOD.index("[[files]]")])
    assert read_card(path).local_folder(store) == tmp_path / "weights"


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # unknown keys
        (("width =", "widht ="), ", line 9: unknown key 'widht'. Did you mean 'width'?"),
        (
            ("[labels]", "[lables]"),
            ", line 18: unknown key 'lables'. Did you mean 'labels'?",
        ),
        (
            ("size = 12", "colour = 12"),
            ", line 27: unknown key 'colour'. Known here: licence, md5, path, sha256, size, url.",
        ),
        # missing keys and sections
        (('title = "A model of mine"\n', ""), ": the card's head misses the key 'title'."),
        (("height = 192\n", ""), ", line 8: section [input] misses the key 'height'."),
        (
            ('path = "names.txt"\n', ""),
            ", line 29: section [files] misses the key 'path'.",
        ),
        (
            ('[output]\nkind = "logits"\nclasses = 3\n', ""),
            ": the section [output] is missing.",
        ),
        # bad values
        (
            ('"my-model"', '"../my"'),
            ", line 1: 'name' should be a name of letters, digits, '.', '_' and '-', "
            "found '../my'.",
        ),
        (
            ('"A model of mine"', '""'),
            ", line 2: 'title' should be a text that is not empty, found ''.",
        ),
        (
            ('"tflite"', '"tf-lite"'),
            ", line 5: 'format' should be one of graphdef, savedmodel, keras, keras-application, "
            "tflite, onnx, found 'tf-lite'.",
        ),
        (
            ('file = "my.tflite"', 'file = "/etc/passwd"'),
            ", line 6: 'file' should be a path inside the model's folder, with forward slashes "
            "and without '..', found '/etc/passwd'.",
        ),
        (("224", "0"), ", line 9: 'width' should be a whole number from 1, found 0."),
        (("224", '"224"'), ", line 9: 'width' should be a whole number from 1, found '224'."),
        (("224", "true"), ", line 9: 'width' should be a whole number from 1, found True."),
        (
            ("[1, 2.5, 3]", "[1, 2]"),
            ", line 11: 'mean' should be a number, or a list of three, one for each channel, "
            "found [1, 2].",
        ),
        (
            ("[1, 2.5, 3]", "nan"),
            ", line 11: 'mean' should be a number, or a list of three, one for each channel, "
            "found nan.",
        ),
        (
            ("127.5", "[1, 0, 1]"),
            ", line 12: 'std' should be a number other than 0 (pixels are divided by it), or "
            "three of them, found [1, 0, 1].",
        ),
        (
            ('"logits"', '"softmax"'),
            ", line 15: 'kind' should be one of probabilities, logits, found 'softmax'.",
        ),
        (
            ("classes = 3", "classes = 3\nstep = 1.0"),
            ", line 17: 'step' should be a number from 0 up to 1, found 1.0.",
        ),
        (
            ('["names.txt"]', '"names.txt"'),
            ", line 20: 'files' should be a list of paths, found 'names.txt'.",
        ),
        (
            ('["names.txt"]', '["../names.txt"]'),
            ", line 20: 'files' should be a path inside the model's folder, with forward slashes "
            "and without '..', found ['../names.txt'].",
        ),
        (
            ('path = "my.tflite"', 'path = "C:\\\\my.tflite"'),
            ", line 24: 'path' should be a path inside the model's folder, with forward slashes "
            "and without '..', found 'C:\\\\my.tflite'.",
        ),
        (
            ("https://example.org/my.tflite", "file:///my.tflite"),
            ", line 25: 'url' should be an address that starts with http:// or https://, found "
            "'file:///my.tflite'.",
        ),
        (
            (f'sha256 = "{SHA}"', 'sha256 = "ABC"'),
            ", line 26: 'sha256' should be 64 lower-case hexadecimal digits, found 'ABC'.",
        ),
        # sections of another type
        (
            ("[model]\n", "[[model]]\n"),
            ", line 4: 'model' should be a section [model], found "
            "[{'format': 'tflite', 'file': 'my.tflite'}].",
        ),
        # what no single key can tell
        (
            ('["names.txt"]', "[]"),
            ", line 18: labels of the format 'lines' are in 1 files, found [].",
        ),
        (
            ("background = 0", "background = 3"),
            ", line 21: the background class 3 is outside the outputs 0 to 2.",
        ),
        (
            ('"tflite"', '"keras-application"'),
            ", line 4: format 'keras-application' needs the key 'application', for example "
            'application = "InceptionV3".',
        ),
        (
            ('"tflite"', '"graphdef"'),
            ": a frozen graph needs the section [tensors] with 'view', for example "
            'view = "ResizeBilinear:0".',
        ),
        (
            ('"tflite"', '"graphdef"', "[output]", '[tensors]\nview = "a:0"\n\n[output]'),
            ": a frozen graph needs the section [tensors] with 'scores', for example "
            'scores = "softmax:0".',
        ),
        (
            ('url = "https://example.org/names.txt"\n', ""),
            ", line 29: the file 'names.txt' has no url, and there is no section [archive] that "
            "it could come from.",
        ),
        (
            (f'md5 = "{SHA[:32]}"\n', ""),
            ", line 29: the file 'names.txt' has no sha256. A file that is fetched must be one "
            "that can be verified.",
        ),
        (
            ('file = "my.tflite"', 'file = "other.tflite"'),
            ", line 6: 'other.tflite' is not among the [[files]] to be fetched. List it with its "
            "url and sha256, or list none, and the card's files are those beside it.",
        ),
        (
            ('["names.txt"]', '["labels.txt"]'),
            ", line 20: 'labels.txt' is not among the [[files]] to be fetched. List it with its "
            "url and sha256, or list none, and the card's files are those beside it.",
        ),
        # no TOML
        (
            ("width = 224", "width = = 224"),
            ", line 9, column 9: Invalid value. Found: width = = 224",
        ),
        (
            ("height = 192", "width = 192"),
            ", line 10, column 12: this key stands twice; keep one of the two. Found: width = 192",
        ),
    ],
)
def test_a_mistake_is_told_with_file_and_line(path, changes, message):
    assert refusal(path, changed(*changes)) == f"{path}{message}"


def test_a_section_that_is_a_number_and_files_that_are_one_table(path):
    head, rest = GOOD.split("[input]")
    rest = rest[rest.index("[output]") :]
    text = head.replace('title = "A', 'input = 3\ntitle = "A') + rest
    assert refusal(path, text) == (f"{path}, line 2: 'input' should be a section [input], found 3.")
    text = GOOD[: GOOD.index("[[files]]")] + '[files]\npath = "my.tflite"\n'
    assert refusal(path, text) == f"{path}, line 23: write [[files]], one per file."


# --- names --------------------------------------------------------------------------------------


def test_a_name_that_is_unknown_gets_the_near_ones():
    with pytest.raises(CardError) as caught:
        find_card("mobilenet-v2")
    assert str(caught.value) == (
        "There is no model 'mobilenet-v2'. Near ones: mobilenet-v2-1.0-224-ptq, "
        "mobilenet-v2-1.0-224-quant, mobilenet-v1-0.75-192-quant. `inception-harness models` "
        "lists all; a model of your own is named by its card's path (my-model.toml) or by "
        "package.module:factory."
    )


def test_a_name_like_no_other_gets_them_all():
    with pytest.raises(CardError) as caught:
        find_card("zzz")
    assert str(caught.value).startswith(
        f"There is no model 'zzz'. There are: {', '.join(built_in_cards())}. `inception-harness"
    )


def test_a_path_that_is_no_card_is_told_so(path):
    with pytest.raises(CardError) as caught:
        find_card(str(path))
    assert str(caught.value) == (
        f"{path}: there is no such card. Give the path of a TOML file, one of the built-in names "
        f"({', '.join(built_in_cards())}), or package.module:factory."
    )


def test_a_card_is_found_by_its_path(path):
    path.write_text(GOOD)
    assert find_card(str(path)).name == "my-model"


# --- the built-in cards -------------------------------------------------------------------------

TUTORIAL = "inception-v3-2015"
MOBILENETS = {
    "mobilenet-v1-0.25-128-quant",
    "mobilenet-v1-0.50-160-quant",
    "mobilenet-v1-0.75-192-quant",
    "mobilenet-v2-1.0-224-ptq",
    "mobilenet-v2-1.0-224-quant",
}
KERAS = {
    "keras-convnext-tiny",
    "keras-efficientnet-v2-s",
    "keras-inception-resnet-v2",
    "keras-inception-v3",
    "keras-resnet50",
    "keras-xception",
}


def test_the_built_in_cards_are_those_that_the_readme_names():
    assert {TUTORIAL, *MOBILENETS, *KERAS} <= set(built_in_cards())


@pytest.mark.parametrize("name", built_in_cards())
def test_a_built_in_card_is_whole(name):
    card = find_card(name)
    assert card.name == name  # the file's name is what is typed
    assert card.licence
    for file in card.files:
        assert file.sha256 or file.md5
        assert file.licence


def test_the_card_of_2015_is_of_the_published_archive():
    """The archive's address, and its members by hash; figures of the facts."""
    card = find_card(TUTORIAL)
    assert card.archive == Archive(
        "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
    )
    assert [(file.path, file.size, file.url) for file in card.files] == [
        ("classify_image_graph_def.pb", 95_673_916, None),
        ("imagenet_2012_challenge_label_map_proto.pbtxt", 64_986, None),
        ("imagenet_synset_to_human_label_map.txt", 741_401, None),
        ("cropped_panda.jpg", 2_683, None),
        ("LICENSE", 11_416, None),
    ]
    assert (card.output.classes, card.input.resize) == (1008, "bilinear-legacy")


@pytest.mark.parametrize("name", sorted({TUTORIAL, *MOBILENETS}))
def test_the_hashes_are_those_of_the_files_in_the_store(shared_store, name):
    """Also the files of 2015, of which the graph alone is not there."""
    card = find_card(name)
    store = Store(shared_store)
    folder = card.local_folder(store)
    there = [file for file in card.files if file not in store.missing(folder, card.files)]
    assert len(there) >= len(card.files) - (name == TUTORIAL)
    store.verify(folder, there)
