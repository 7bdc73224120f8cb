"""Classifiers: what is common to all models, and models of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness.cards import find_card
from inception_harness.classifier import (
    Classifier,
    _softmax,
    load,
    names_a_factory,
    read_labels,
    view_hash,
)
from inception_harness.errors import CardError, EngineError, LabelError, StoreError
from inception_harness.store import Store
from tests import doubles
from tests import small_networks as small

OWN = "tests.doubles:colours"


def colour(*rgb: int, size: tuple[int, int] = (20, 30)) -> np.ndarray:
    return np.full((*size, 3), rgb, np.uint8)


RED, BLUE = colour(250, 5, 5), colour(5, 5, 250)


def refusal(error, function, *arguments, **keywords) -> str:
    with pytest.raises(error) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


# --- a model of one's own -----------------------------------------------------------------------


@pytest.fixture
def own():
    with load(OWN) as classifier:
        yield classifier


def test_a_factorys_model_is_loaded(own):
    assert (own.name, own.size, own.file_hash) == ("colours", (8, 4), "")
    assert own.labels.names == doubles.LABELS
    assert (own.engine.name, own.engine.version) == ("own", "1.2")
    assert own.card.pictures == "photos"
    said = own.classify(RED)
    assert said.label == "red thing"
    assert (said.model, said.engine, said.picture) == ("colours", "own", "picture")
    assert own.classify(BLUE).label == "blue thing"


def test_a_factory_may_return_a_classifier(own, monkeypatch):
    monkeypatch.setattr(doubles, "ready_made", lambda: own, raising=False)
    assert load("tests.doubles:ready_made") is own


def test_transfer_values_and_closing_are_optional(own):
    assert refusal(EngineError, own.transfer_values, RED) == (
        "This model has no method transfer_values(batch)."
    )
    own.close()
    assert own.engine._made.closed


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (
            "tests.no_such:colours",
            "cannot import 'tests.no_such': No module named 'tests.no_such'. Is it installed, in "
            "the current folder, or its folder on PYTHONPATH?",
        ),
        (
            "tests.doubles:colors",
            "'tests.doubles' has no class or function 'colors'. Did you mean 'colours'?",
        ),
        ("tests.doubles:no_function", "'tests.doubles' has no class or function 'no_function'."),
        (
            "tests.doubles:scoreless",
            "the factory returned a Scoreless without input_size, scores. It should return an "
            "object with labels, input_size and scores(batch), or a Classifier.",
        ),
        ("tests.doubles:failing", "the factory failed: FileNotFoundError: no weights here."),
        ("tests.doubles:empty", "labels should be texts, one for each output."),
        (
            "tests.doubles:bad_size",
            "input_size should be (width, height) in pixels, found 224.",
        ),
        (
            "tests.doubles:bad_fit",
            "fit should be one of squeeze, crop, pad, found 'stretch'.",
        ),
    ],
)
def test_what_is_wrong_with_a_factory_is_told_with_its_spec(factory, message):
    assert refusal(CardError, load, factory).startswith(f"--model {factory}: {message}")


def test_a_resize_that_does_not_exist_is_told_with_those_that_do():
    message = refusal(CardError, load, "tests.doubles:bad_resize")
    assert message.startswith(
        "--model tests.doubles:bad_resize: resize should be one of bilinear, "
    )
    assert message.endswith(", found 'cubic'.")


def test_wnids_must_be_as_many_as_labels():
    assert refusal(LabelError, load, "tests.doubles:bad_wnids") == (
        "There are 3 names and 1 WNIDs; each class number needs one of each, or None."
    )


def test_a_module_that_fails_on_import_is_told(tmp_path, monkeypatch):
    (tmp_path / "breaks_on_import.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal(CardError, load, "breaks_on_import:model") == (
        "--model breaks_on_import:model: importing 'breaks_on_import' failed: ZeroDivisionError: "
        "division by zero."
    )


@pytest.mark.parametrize(
    ("factory", "shape"), [("bad_shape", "(3,)"), ("another_number_of_scores", "(1, 4)")]
)
def test_scores_of_another_shape_are_refused(factory, shape):
    with load(f"tests.doubles:{factory}") as classifier:
        assert refusal(EngineError, classifier.classify, RED) == (
            f"colours: scores(batch) gave the shape {shape} for 1 pictures; with 3 labels, (1, 3) "
            "was expected."
        )


def test_an_engine_cannot_be_chosen_for_a_model_that_computes_itself():
    assert refusal(EngineError, load, OWN, engine="litert") == (
        f"--engine litert cannot be used with --model {OWN}: a model made by a factory computes "
        "by itself."
    )


@pytest.mark.parametrize(
    ("spec", "is_one"),
    [
        ("module:factory", True),
        ("package.module:factory", True),
        ("cards/my.toml", False),
        ("C:\\cards\\my.toml", False),
        ("module:", False),
        ("my-module:factory", False),
        ("inception-v3-2015", False),
    ],
)
def test_a_factory_is_told_from_a_card(spec, is_one):
    assert names_a_factory(spec) is is_one


# --- pictures in, predictions out ---------------------------------------------------------------


def test_a_batch_keeps_its_order_and_is_cut_as_asked(own):
    pictures = [RED, BLUE, RED, BLUE, BLUE]
    said = own.classify_batch(iter(pictures), batch_size=2, names=list("abcde"))
    assert [str(p.label).split()[0] for p in said] == ["red", "blue", "red", "blue", "blue"]
    assert [p.picture for p in said] == list("abcde")
    assert own.engine._made.calls == [2, 2, 1]
    own.classify_batch(pictures * 2)
    assert own.engine._made.calls[3:] == [8, 2]
    assert own.classify_batch([]) == []


def test_each_picture_needs_a_name_or_none_has_one(own):
    assert refusal(ValueError, own.classify_batch, [RED, BLUE], names=["a"]) == (
        "2 pictures, but 1 names: give one each."
    )


def test_a_prediction_is_called_by_its_file(own, tmp_path):
    path = tmp_path / "red.png"
    Image.fromarray(RED).save(path)
    with Image.open(path) as opened:
        for source in (path, str(path), opened):
            assert own.classify(source).picture == "red.png"
    assert own.classify(path.read_bytes()).picture == "picture"
    assert own.classify(path, name="the red one").picture == "the red one"


def test_the_view_is_what_the_model_gets(own):
    view = own.network_view(colour(0, 102, 255))
    assert (view.shape, view.dtype) == ((4, 8, 3), np.float32)
    np.testing.assert_allclose(view[0, 0], [0, 0.4, 1], atol=1e-6)


def test_the_fit_is_the_cards_or_the_one_asked_for(own):
    """Red, blue and red stripes, twice as wide as the network's view: each fit shows another."""
    stripes = [colour(255, 0, 0, size=(10, 10)), colour(0, 0, 255, size=(10, 20))]
    wide = np.concatenate([*stripes, stripes[0]], axis=1)
    squeezed, cropped, padded = (
        own.network_view(wide, fit=fit) for fit in ("squeeze", "crop", "pad")
    )
    assert squeezed[0, 0].tolist() == [1, 0, 0]
    np.testing.assert_allclose(cropped, np.broadcast_to([0, 0, 1], (4, 8, 3)), atol=0.01)
    assert padded[0].sum() < squeezed[0].sum() / 2  # bars above and below
    assert np.array_equal(own.network_view(wide), squeezed)


def test_stages_can_be_replaced(own):
    """How faults are put into a model: each stage is a plain function."""
    own.stages = replace(own.stages, finish=lambda outputs: outputs[:, ::-1])
    assert own.classify(RED).label == "blue thing"
    own.stages = replace(own.stages, view=lambda rgb, fit: np.zeros((4, 8, 3), np.float32))
    np.testing.assert_allclose(own.classify(RED).scores, 1 / 3, atol=1e-6)


def test_a_view_has_a_hash_that_the_last_bits_do_not_change():
    view = np.random.default_rng(0).integers(0, 256, (4, 8, 3)).astype(np.float32)
    assert view_hash(view) == view_hash(view + np.float32(1e-4))
    assert view_hash(view) != view_hash(view + np.float32(0.25))
    # The definition, spelled out: levels times eight, rounded, little-endian 16-bit integers.
    levels = (view * 8).round().astype("<u2").tobytes()
    assert view_hash(view) == hashlib.sha256(levels).hexdigest()[:16]


# --- cards --------------------------------------------------------------------------------------


def own_card(tmp_path: Path, text: str) -> str:
    path = tmp_path / "scaled.toml"
    (tmp_path / "names.txt").write_text("a\nb\n")
    path.write_text(
        'name = "scaled"\ntitle = "x"\n[model]\nformat = "keras"\nfile = "scaled.keras"\n'
        f'[input]\nwidth = 8\nheight = 4\n{text}\n[output]\nkind = "probabilities"\nclasses = 2\n'
        '[labels]\nformat = "lines"\nfiles = ["names.txt"]\n'
    )
    return str(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [10, 20, 30]),
        ("mean = 10\nstd = 2", [0, 5, 10]),
        ("mean = [10, 20, 30]\nstd = [1, 2, 4]", [0, 0, 0]),
        ('channels = "bgr"', [30, 20, 10]),
        # Mean and std are in the order of the channels as the network takes them.
        ('channels = "bgr"\nmean = [30, 0, 0]\nstd = [1, 2, 1]', [0, 10, 10]),
    ],
)
def test_pixels_are_scaled_as_the_card_says(tmp_path, text, expected):
    classifier = Classifier.__new__(Classifier)
    classifier.card = find_card(own_card(tmp_path, text))
    scaled = classifier._scale(colour(10, 20, 30, size=(4, 8))[None].astype(np.float32))
    assert scaled.dtype == np.float32
    assert scaled.flags.c_contiguous
    np.testing.assert_allclose(scaled[0, 0, 0], expected)


def test_softmax_does_not_overflow():
    scores = _softmax(np.array([[1000, 1000, -1000], [0, np.log(3), -np.inf]], np.float32))
    np.testing.assert_allclose(scores, [[0.5, 0.5, 0], [0.25, 0.75, 0]], atol=1e-6)
    assert scores.dtype == np.float32


def test_a_missing_model_file_is_named_with_its_card(tmp_path):
    card = small.write_card(tmp_path, "tflite", "none.tflite")
    assert refusal(CardError, load, str(card)) == (
        f"{card}: the model's file {tmp_path}/none.tflite is not there. The card's [model] file "
        "is relative to the card's own folder."
    )


def test_a_changed_model_file_is_refused(shared_store, tmp_path):
    """The store's own check: the weights that run are those of the card, or none."""
    name = "mobilenet-v1-0.25-128-quant"
    folder = tmp_path / "models" / name
    folder.mkdir(parents=True)
    for file in (shared_store / "models" / name).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (weights,) = folder.glob("*.tflite")
    data = bytearray(weights.read_bytes())
    data[1000] ^= 1
    weights.write_bytes(data)
    message = refusal(StoreError, load, name, store=Store(tmp_path))
    assert message.startswith(f"{weights} is not the file that it should be: expected sha256 ")
    assert message.endswith(f"Delete it, then run `inception-harness fetch {name}`.")


def test_outputs_without_names_are_read(tmp_path):
    text = Path(own_card(tmp_path, "")).read_text()
    (tmp_path / "scaled.toml").write_text(
        text[: text.index("[labels]")] + '[labels]\nformat = "none"\n'
    )
    labels = read_labels(find_card(str(tmp_path / "scaled.toml")), tmp_path)
    assert labels.names == (None, None)
    assert labels.name(1) == "unnamed 1"
