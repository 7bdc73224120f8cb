"""LiteRT on real files: the five MobileNets, and a small network converted in three ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness.classifier import load
from inception_harness.engines import EngineSpec
from inception_harness.errors import EngineError
from inception_harness.store import Store
from tests import small_networks as small

MOBILENETS = {
    # Top 1 of the panda by the store's own notes, made with Pillow and LiteRT: class and per cent.
    "mobilenet-v1-0.25-128-quant": ("giant panda", 88),
    "mobilenet-v1-0.50-160-quant": ("giant panda", 91),
    "mobilenet-v1-0.75-192-quant": ("giant panda", 55),
    "mobilenet-v2-1.0-224-quant": ("giant panda", 99),
    "mobilenet-v2-1.0-224-ptq": ("giant panda", 91),
}


@pytest.fixture(scope="session")
def tflite_folder(tmp_path_factory) -> Path:
    """The small network as float, uint8 and int8, each with its card."""
    folder = tmp_path_factory.mktemp("tflite")
    model = small.network()
    with small.quietly():
        model.save(folder / "small.keras")
    for kind in ("float", "uint8", "int8"):
        (folder / f"{kind}.tflite").write_bytes(small.to_tflite(model, kind))
        small.write_card(folder, "tflite", f"{kind}.tflite")
    return folder


@pytest.fixture(scope="session")
def expected(tflite_folder) -> np.ndarray:
    """What Keras itself says of the pictures."""
    import keras

    model = keras.models.load_model(tflite_folder / "small.keras")
    return np.asarray(model(small.scaled(small.pictures())))


def open_small(folder: Path, kind: str, **keywords):
    return load(str(folder / f"{kind}-tflite.toml"), **keywords)


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(EngineError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


# --- the MobileNets -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", MOBILENETS)
def test_a_mobilenet_knows_the_panda(shared_store, name):
    """Preprocessing, dequantisation and labels are right together, or the figure is another."""
    label, per_cent = MOBILENETS[name]
    with load(name, store=Store(shared_store)) as classifier:
        # Pixels by Pillow, as in the notes' script; the harness's own decoder is some levels off.
        with Image.open(shared_store / "pictures/photos/cropped_panda.jpg") as panda:
            said = classifier.classify(np.asarray(panda))
        assert said.label == label
        assert said["n02510455"] == said["giant panda"] == said[389]
        assert round(said.top_score * 100) == per_cent
        steps = said.scores * 256
        assert np.array_equal(steps, np.rint(steps))
        assert classifier.engine.precision == "int8"
        assert classifier.file_hash in {f.sha256 for f in classifier.card.files}
        assert classifier.card.output.step == 1 / 256


def test_a_mobilenet_takes_pixels_as_they_are(shared_store):
    """Each uint8 level of a picture of the network's size reaches the network unchanged."""
    for name in MOBILENETS:
        with load(name, store=Store(shared_store)) as classifier:
            width, height = classifier.size
            levels = np.arange(width * height * 3, dtype=np.int64).reshape(height, width, 3) % 256
            view = classifier.stages.view(levels.astype(np.uint8), None)
            given = classifier.engine._quantise(classifier.stages.scale(view[None]))
            assert given.dtype == np.uint8
            assert np.array_equal(given[0], levels), name


# --- a small network ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    # One step of the quantised outputs is 1/256; weights and activations are rounded too.
    [("float", 1e-5), ("uint8", 0.03), ("int8", 0.03)],
)
def test_scores_are_those_of_keras(tflite_folder, expected, kind, tolerance):
    with open_small(tflite_folder, kind) as classifier:
        said = classifier.classify_batch(small.pictures())
        scores = np.stack([prediction.scores for prediction in said])
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    assert np.ptp(expected, axis=0).max() > 5 * tolerance  # the pictures are told apart


@pytest.mark.parametrize("kind", ["float", "uint8", "int8"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_batch_gives_what_singles_give(tflite_folder, kind, threads):
    batch = small.pictures(7)
    with open_small(tflite_folder, kind, engine=f"litert:threads={threads}") as classifier:
        assert classifier.engine.threads == threads
        singles = [classifier.classify(picture).scores for picture in batch]
        for size in (1, 3, 7):
            said = classifier.classify_batch(batch, batch_size=size)
            assert np.array_equal(np.stack([p.scores for p in said]), np.stack(singles))


def test_precision_is_that_of_the_file(tflite_folder):
    for kind, precision in (("float", "f32"), ("uint8", "int8"), ("int8", "int8")):
        with open_small(tflite_folder, kind) as classifier:
            assert classifier.engine.precision == precision
            assert classifier.engine_title == "litert"
            assert classifier.engine.version[0].isdecimal()


def test_quantised_inputs_are_rounded_and_clipped(tflite_folder):
    """round(value / scale) + zero point, kept within the integers' range."""
    with open_small(tflite_folder, "int8") as classifier:
        engine = classifier.engine
        scale, zero = engine._input["quantization"]
        values = np.zeros((1, 24, 32, 3), np.float32)
        values[0, 0, 0] = [1e3, -1e3, 2.6 * scale]
        given = engine._quantise(values)
    assert given.dtype == np.int8
    assert given[0, 0, 0].tolist() == [127, -128, 3 + zero]


def tensor_before_last(path: Path) -> str:
    """The name of the pool's output: the only float tensor of 8 numbers that is computed."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    (name,) = {
        detail["name"]
        for detail in interpreter.get_tensor_details()
        if tuple(detail["shape"]) == (1, small.TRANSFER_LENGTH) and "pool" in detail["name"]
    }
    return name


def test_transfer_values_are_those_of_keras(tflite_folder, tmp_path):
    import keras

    model = keras.models.load_model(tflite_folder / "small.keras")
    features = keras.Model(model.inputs[0], model.get_layer("pool").output)
    batch = small.pictures()
    name = tensor_before_last(tflite_folder / "float.tflite")
    (tmp_path / "float.tflite").write_bytes((tflite_folder / "float.tflite").read_bytes())
    card = small.write_card(
        tmp_path, "tflite", "float.tflite", more=f'\n[tensors]\ntransfer = "{name}"\n'
    )
    with load(str(card)) as classifier:
        values = np.stack([classifier.transfer_values(picture) for picture in batch])
        scores = classifier.classify(batch[0]).scores
    np.testing.assert_allclose(values, np.asarray(features(small.scaled(batch))), atol=1e-5)
    with open_small(tflite_folder, "float") as classifier:
        assert np.array_equal(classifier.classify(batch[0]).scores, scores)


# --- what is refused ----------------------------------------------------------------------------


def test_transfer_values_need_a_tensor_that_is_there(tflite_folder, tmp_path):
    path = tflite_folder / "float.tflite"
    with open_small(tflite_folder, "float") as classifier:
        assert refusal(classifier.transfer_values, small.pictures()[0]) == (
            f'{path}: the card names no tensor for transfer values; add [tensors] transfer = "…".'
        )
    (tmp_path / "float.tflite").write_bytes(path.read_bytes())
    card = small.write_card(
        tmp_path, "tflite", "float.tflite", more='\n[tensors]\ntransfer = "pol"\n'
    )
    with load(str(card)) as classifier:
        assert refusal(classifier.transfer_values, small.pictures()[0]) == (
            f"{tmp_path}/float.tflite: the card's [tensors] transfer = 'pol' is not a tensor of "
            "this model."
        )


def test_a_card_with_another_size_is_refused(tflite_folder, tmp_path):
    (tmp_path / "float.tflite").write_bytes((tflite_folder / "float.tflite").read_bytes())
    card = small.write_card(tmp_path, "tflite", "float.tflite")
    card.write_text(card.read_text().replace("width = 32", "width = 30"))
    with load(str(card)) as classifier:
        assert refusal(classifier.classify, small.pictures()[0]) == (
            f"{tmp_path}/float.tflite: the model takes pictures of shape (24, 32, 3) (height, "
            "width, channels), the card's [input] gives (24, 30, 3)."
        )


def test_a_card_with_another_number_of_classes_is_refused(tflite_folder, tmp_path):
    (tmp_path / "float.tflite").write_bytes((tflite_folder / "float.tflite").read_bytes())
    card = small.write_card(tmp_path, "tflite", "float.tflite")
    card.write_text(card.read_text().replace("classes = 5", "classes = 6"))
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\nf\n")
    with load(str(card)) as classifier:
        assert refusal(classifier.classify, small.pictures()[0]) == (
            "float-tflite: the model gives outputs of shape (1, 5) for 1 pictures; the card says "
            "6 classes, so (1, 6) was expected. Is [output] classes right?"
        )


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", bytes(1000)])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "no.tflite").write_bytes(content)
    card = small.write_card(tmp_path, "tflite", "no.tflite")
    message = refusal(load, str(card))
    assert message.startswith(f"{tmp_path}/no.tflite: LiteRT cannot load this model: ")


def test_a_truncated_model_is_refused(tflite_folder, tmp_path):
    data = (tflite_folder / "float.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(data[: len(data) // 2])
    message = refusal(load, str(small.write_card(tmp_path, "tflite", "cut.tflite")))
    assert message.startswith(f"{tmp_path}/cut.tflite: LiteRT cannot load this model: ")


def test_a_model_of_a_fixed_batch_is_refused(tmp_path):
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input(batch_shape=(4, 24, 32, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5),
        ]
    )
    (tmp_path / "four.tflite").write_bytes(small.to_tflite(model, "float"))
    assert refusal(load, str(small.write_card(tmp_path, "tflite", "four.tflite"))) == (
        f"{tmp_path}/four.tflite: expected a model that takes one picture at a time and gives one "
        "row of outputs, found inputs of the shapes [(4, 24, 32, 3)]. Convert it with batch size "
        "1 (or None), and with its classes as the only output."
    )


def test_bf16_and_other_engines_are_refused(tflite_folder):
    assert refusal(open_small, tflite_folder, "float", engine="litert:bf16") == (
        "Engine 'litert' computes in the file's own arithmetic, not in bf16. Use --engine litert, "
        "or --engine openvino:bf16."
    )
    assert refusal(open_small, tflite_folder, "float", engine="tensorflow") == (
        "Engine 'tensorflow' cannot run float-tflite, whose format is tflite. Use --engine litert "
        "or --engine openvino."
    )


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_f32_of_a_quantised_file_is_refused(tflite_folder, kind):
    assert refusal(open_small, tflite_folder, kind, engine="litert:f32") == (
        f"Engine 'litert:f32': {tflite_folder / kind}.tflite is quantised, and LiteRT computes in "
        "the file's own arithmetic. Use --engine litert."
    )
    with open_small(tflite_folder, "float", engine="litert:f32") as classifier:
        assert classifier.engine.precision == "f32"


def test_the_option_original_is_refused(tflite_folder):
    assert refusal(open_small, tflite_folder, "float", engine="litert:original") == (
        "Engine 'litert' has no option 'original' for float-tflite, whose format is tflite: only "
        "frozen graphs (graphdef) are folded. Use --engine litert."
    )


@pytest.mark.parametrize("number", ["²", "0", "-1", "1.5", "x", ""])
def test_a_number_of_threads_that_is_none_is_refused(number):
    assert refusal(EngineSpec.parse, f"litert:threads={number}") == (
        f"Engine 'litert:threads={number}': 'threads={number}' is no option of an engine. Use f32 "
        "or bf16, threads=N, batch=N (N from 1), or original."
    )


@pytest.mark.parametrize(
    ("spec", "arithmetic"),
    [
        ("openvino", "openvino"),
        ("openvino:f32,threads=2", "openvino"),
        ("openvino:bf16,batch=4", "openvino:bf16"),
        ("tensorflow:original", "tensorflow"),
    ],
)
def test_the_arithmetic_of_a_spec_is_what_decides_on_the_scores(spec, arithmetic):
    assert EngineSpec.parse(spec).arithmetic == arithmetic


def test_an_engine_is_closed_more_than_once_without_harm(tflite_folder):
    classifier = open_small(tflite_folder, "float", engine=EngineSpec("litert", threads=1))
    classifier.close()
    classifier.close()
