"""TensorFlow on real files: the graph of 2015 as a replica, SavedModels and Keras models."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inception_harness import images
from inception_harness.cards import built_in_cards, read_card
from inception_harness.classifier import Classifier, load
from inception_harness.engines import EngineSpec, ReadsPictures
from inception_harness.errors import EngineError, PictureError
from inception_harness.store import Store
from tests import replica
from tests import small_networks as small
from tests.loopback import serve
from tests.replica_card import write_replica_card


def refusal(function, *arguments, error=EngineError, **keywords) -> str:
    with pytest.raises(error) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


# --- the graph of 2015 --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_card(tmp_path_factory, tiny_folder) -> Path:
    """A card of the small replica, whose files are already in the store beside it."""
    home = tmp_path_factory.mktemp("tiny-store")
    folder = home / "models" / "inception-v3-2015"
    folder.parent.mkdir()
    folder.symlink_to(tiny_folder)
    return write_replica_card(home / "tiny.toml", tiny_folder)


@pytest.fixture(scope="module")
def tiny(tiny_card) -> Any:
    """The graph exactly as it is stored, so that it can be compared with TensorFlow alone."""
    store = Store(tiny_card.parent)
    with load(str(tiny_card), engine="tensorflow:original", store=store) as classifier:
        yield classifier


def run_graph(folder: Path, fetches: list[str], feed: dict[str, Any]) -> list[Any]:
    """Run the file with TensorFlow alone, as the tutorial does it."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString((folder / replica.GRAPH_FILE).read_bytes())
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            return session.run(fetches, feed)


def jpeg_of(array: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def parrot() -> bytes:
    """A JPEG, taller than wide, of smooth colours and with subsampled chroma."""
    coarse = np.random.default_rng(11).integers(0, 256, (9, 5, 3), np.uint8)
    return jpeg_of(np.asarray(Image.fromarray(coarse).resize((90, 160))), quality=85)


def test_a_jpeg_goes_the_way_that_the_tutorial_sends_it(tiny, tiny_folder, parrot):
    """Bytes into DecodeJpeg/contents give to the bit what one run of the whole graph gives."""
    view, scores, transfer = run_graph(
        tiny_folder,
        [replica.VIEW, replica.SCORES, replica.TRANSFER],
        {"DecodeJpeg/contents:0": parrot},
    )
    said = tiny.classify(parrot)
    assert np.array_equal(said.scores, scores[0])
    assert np.array_equal(tiny.network_view(parrot), view[0] / np.float32(255))
    assert np.array_equal(tiny.transfer_values(parrot), transfer.reshape(-1))
    assert (len(said.scores), said.scores.dtype) == (1008, np.float32)
    assert (said.model, said.engine) == ("inception-v3-2015", "tensorflow")


def test_the_picture_inside_the_graph_is_decoded_where_none_is_fed(tiny, tiny_folder):
    (unfed,) = run_graph(tiny_folder, [replica.SCORES], {})
    inside = (tiny_folder / replica.PANDA_FILE).read_bytes()
    assert np.array_equal(tiny.classify(inside).scores, unfed[0])


def test_an_array_goes_into_the_decoders_output(tiny, tiny_folder, parrot):
    import tensorflow as tf

    pixels = tf.io.decode_jpeg(parrot).numpy()
    (scores,) = run_graph(tiny_folder, [replica.SCORES], {"DecodeJpeg:0": pixels})
    assert np.array_equal(tiny.classify(pixels).scores, scores[0])
    # A PNG reaches the graph as pixels too.
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    assert np.array_equal(tiny.classify(png.getvalue()).scores, scores[0])


def test_bytes_and_pixels_of_a_jpeg_agree(tiny, parrot, tmp_path):
    """The harness's decoder is the graph's own: a path, bytes and their pixels are one picture."""
    (tmp_path / "parrot.jpg").write_bytes(parrot)
    of_bytes = tiny.classify(parrot)
    assert np.array_equal(tiny.classify(images.decode(parrot)).scores, of_bytes.scores)
    assert np.array_equal(tiny.classify(tmp_path / "parrot.jpg").scores, of_bytes.scores)
    assert tiny.classify(tmp_path / "parrot.jpg").picture == "parrot.jpg"


def test_pictures_are_told_apart_and_a_batch_gives_what_singles_give(tiny, parrot):
    """The graph takes one picture at a time; the harness gives it a batch one by one."""
    pictures = [parrot, replica.jpeg_of_size(), *small.pictures(2)]
    singles = [tiny.classify(picture).scores for picture in pictures]
    said = tiny.classify_batch(pictures, batch_size=3)
    assert np.array_equal(np.stack([p.scores for p in said]), np.stack(singles))
    assert all(
        not np.array_equal(one, other) for n, one in enumerate(singles) for other in singles[:n]
    )
    assert tiny.engine.batch == 1


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_another_fit_is_made_before_the_graph_resizes(tiny, tiny_folder, parrot, fit):
    fitted = images.fit(images.decode(parrot), fit)
    (scores,) = run_graph(tiny_folder, [replica.SCORES], {"DecodeJpeg:0": fitted})
    assert np.array_equal(tiny.classify(parrot, fit=fit).scores, scores[0])
    assert not np.array_equal(tiny.classify(parrot).scores, scores[0])


def test_a_turned_picture_is_turned_back(tiny, parrot):
    """The graph knows no EXIF: such a JPEG goes in as pixels, turned as the camera said."""
    turned = Image.open(io.BytesIO(parrot))
    exif = turned.getexif()
    exif[0x0112] = 6
    file = io.BytesIO()
    turned.save(file, "JPEG", exif=exif, quality="keep")
    view = tiny.network_view(file.getvalue())
    upright = tiny.network_view(parrot)
    assert not np.array_equal(view, upright)
    # Turned by a quarter, but for where the legacy resize puts pixels.
    assert np.abs(view - np.rot90(upright, -1)).mean() < 0.05


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"", "is empty"),
        (b"no picture", None),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tiny, tmp_path, picture, message):
    path = tmp_path / "broken.jpg"
    path.write_bytes(picture)
    said = refusal(tiny.classify, path, error=PictureError)
    assert str(path) in said
    assert message is None or message in said


def test_a_truncated_jpeg_is_refused_by_the_name_of_the_picture(tiny, tmp_path, parrot):
    """Not by the name of the graph, which is what TensorFlow would blame."""
    path = tmp_path / "cut.jpg"
    path.write_bytes(parrot[: len(parrot) // 2])
    said = refusal(tiny.classify, path, error=PictureError)
    assert said.startswith(f"{path}")
    assert "classify_image_graph_def.pb" not in said


def test_the_whole_replica_is_fetched_loaded_and_run(replica_archive, replica_folder, tmp_path):
    """As on the first day: an archive on a server, an empty store, and one picture's answer."""
    with serve(replica_archive.parent) as server:
        card = write_replica_card(
            tmp_path / "replica.toml", replica_folder, f"{server}/{replica_archive.name}"
        )
        store = Store(tmp_path / "store")
        with load(str(card), store=store) as classifier:
            panda = replica.jpeg_of_size()
            said = classifier.classify(panda)
            transfer = classifier.transfer_values(panda)
        assert server.requests == [f"/{replica_archive.name}"]
    folder = store.folder("models", "inception-v3-2015")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in replica_folder.iterdir()
    )
    assert classifier.file_hash == classifier.card.files[0].sha256
    assert len(said.labels.named) == 1000
    assert said.unnamed().name == "the sum of 8 unnamed outputs"
    assert float(said.total) == pytest.approx(1, abs=1e-4)
    assert transfer.shape == (2048,)


# --- graphs that are not right ------------------------------------------------------------------


@pytest.fixture
def graph_card(tmp_path, tiny_folder):
    """Return a function that writes a card of another graph beside the replica's labels."""

    def write(data: bytes, *changes: str) -> Path:
        folder = tmp_path / "graph"
        folder.mkdir()
        for name in (replica.UID_FILE, replica.NAME_FILE):
            (folder / name).write_bytes((tiny_folder / name).read_bytes())
        (folder / replica.GRAPH_FILE).write_bytes(data)
        text = built_in_cards()["inception-v3-2015"].read_text()
        text = text[: text.index("[archive]")]
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert text.count(old) == 1
            text = text.replace(old, new)
        (folder / "card.toml").write_text(text)
        return folder / "card.toml"

    return write


@pytest.fixture(scope="module")
def tiny_bytes(tiny_folder) -> bytes:
    return (tiny_folder / replica.GRAPH_FILE).read_bytes()


def test_a_graph_saved_again_by_a_newer_tensorflow_is_explained(graph_card, tiny_bytes):
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef.FromString(tiny_bytes)
    graph.versions.producer = 21
    card = graph_card(graph.SerializeToString())
    assert refusal(load, str(card)) == (
        f"{card.parent}/{replica.GRAPH_FILE}: the graph uses BatchNormWithGlobalNormalization, "
        "which runs only where the graph's producer version is below 9, and this file says 21: it "
        "was saved again by a newer TensorFlow. Use the file as it was published."
    )


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>\n<html></html>\n", b"\xff\xd8\xff\xe0JFIF"])
def test_a_file_that_is_no_graph_is_refused(graph_card, content):
    card = graph_card(content)
    message = refusal(load, str(card))
    assert message.startswith(
        f"{card.parent}/{replica.GRAPH_FILE}: this is not a frozen TensorFlow graph (GraphDef): "
    )


def test_an_empty_and_a_cut_graph_are_refused(graph_card, tiny_bytes):
    card = graph_card(b"")
    file = card.parent / replica.GRAPH_FILE
    assert refusal(load, str(card)) == f"{file}: the graph has no nodes; is the file empty?"
    file.write_bytes(tiny_bytes[: len(tiny_bytes) // 2])
    assert refusal(load, str(card)).startswith(f"{file}: this is not a frozen TensorFlow graph")


def test_a_tensor_that_is_not_in_the_graph_is_named(graph_card, tiny_bytes):
    card = graph_card(tiny_bytes, '"softmax:0"', '"softmaxx:0"')
    assert refusal(load, str(card)) == (
        f"{card.parent}/{replica.GRAPH_FILE}: the card's [tensors] scores = 'softmaxx:0' is not in "
        f"the graph ({count_nodes(tiny_bytes)} operations, the last is 'softmax')."
    )


def test_a_name_that_is_no_tensors_is_named(graph_card, tiny_bytes):
    card = graph_card(tiny_bytes, '"pool_3:0"', '"pool_3"')
    assert refusal(load, str(card)) == (
        f"{card.parent}/{replica.GRAPH_FILE}: the card's [tensors] transfer = 'pool_3' is not in "
        f"the graph ({count_nodes(tiny_bytes)} operations, the last is 'softmax')."
    )


def count_nodes(data: bytes) -> int:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    return len(GraphDef.FromString(data).node)


def test_a_graph_that_decodes_nothing_is_fed_its_view(graph_card, tiny_bytes, tiny, parrot):
    """Without [tensors] jpeg and array, the harness decodes and resizes; the scores agree."""
    card = graph_card(
        tiny_bytes, 'jpeg = "DecodeJpeg/contents:0"\n', "", 'array = "DecodeJpeg:0"\n', ""
    )
    with load(str(card)) as classifier:
        said = classifier.classify(parrot)
    np.testing.assert_allclose(said.scores, tiny.classify(parrot).scores, atol=1e-4)


def test_a_view_of_another_size_is_refused(graph_card, tiny_bytes, parrot):
    card = graph_card(
        tiny_bytes,
        'jpeg = "DecodeJpeg/contents:0"\n',
        "",
        'array = "DecodeJpeg:0"\n',
        "",
        "width = 299",
        "width = 224",
    )
    with load(str(card)) as classifier:
        message = refusal(classifier.classify, parrot)
    assert message == (
        f"{card.parent}/{replica.GRAPH_FILE}: TensorFlow refused: Cannot feed value of shape "
        "(1, 299, 224, 3) for Tensor ResizeBilinear:0, which has shape (1, 299, 299, 3)"
    )


def test_transfer_values_need_a_tensor(graph_card, tiny_bytes, parrot):
    card = graph_card(tiny_bytes, 'transfer = "pool_3:0"\n', "")
    with load(str(card)) as classifier:
        assert refusal(classifier.transfer_values, parrot) == (
            f"{card.parent}/{replica.GRAPH_FILE}: the card names no tensor for transfer values; "
            'add [tensors] transfer = "…:0".'
        )


def test_bf16_is_another_engines(tiny_card):
    assert refusal(
        load, str(tiny_card), engine="tensorflow:bf16", store=Store(tiny_card.parent)
    ) == (
        "Engine 'tensorflow' computes in f32 here, not in bf16. Use --engine tensorflow, or "
        "--engine openvino:bf16."
    )


def test_threads_are_those_asked_for(tiny_card):
    spec = EngineSpec("tensorflow", threads=1)
    with load(str(tiny_card), engine=spec, store=Store(tiny_card.parent)) as classifier:
        assert classifier.engine.threads == 1


def test_the_graph_is_folded_unless_the_original_is_asked_for(tiny, tiny_card, parrot):
    """Decoding, resizing and batch norm leave the graph, and the scores stay the same."""
    store = Store(tiny_card.parent)
    with load(str(tiny_card), store=store) as first:
        assert not isinstance(first.engine, ReadsPictures)
        assert first.engine.batch == 8
        assert first.engine.notes[0].startswith("graph folded: 456 nodes to 235, 41 convolutions")
        folded = first.classify_batch([parrot] * 3)
        transfer = first.transfer_values(parrot)
    np.testing.assert_allclose(folded[2].scores, tiny.classify(parrot).scores, atol=1e-5)
    np.testing.assert_allclose(transfer, tiny.transfer_values(parrot), atol=1e-4)
    assert isinstance(tiny.engine, ReadsPictures)
    assert tiny.engine.notes == ("graph run as it is stored",)
    with load(str(tiny_card), store=store) as second:
        assert second.engine.notes[-1] == "cached"
        assert np.array_equal(second.classify_batch([parrot] * 3)[0].scores, folded[0].scores)


# --- SavedModel and Keras -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """The small network in Keras's own format and as a SavedModel, with and without softmax."""
    folder = tmp_path_factory.mktemp("saved")
    with small.quietly():
        for name, softmax in (("small", True), ("logits", False)):
            model = small.network(softmax=softmax)
            model.save(folder / f"{name}.keras")
            model.export(folder / name, verbose=False)
    for form in ("keras", "savedmodel"):
        ending = ".keras" if form == "keras" else ""
        small.write_card(folder, form, f"small{ending}")
        small.write_card(folder, form, f"logits{ending}", kind="logits")
    return folder


@pytest.fixture(scope="module")
def expected(saved) -> np.ndarray:
    import keras

    model = keras.models.load_model(saved / "small.keras")
    return np.asarray(model(small.scaled(small.pictures(5))))


@pytest.mark.parametrize("form", ["keras", "savedmodel"])
@pytest.mark.parametrize("name", ["small", "logits"])
def test_scores_are_those_of_keras(saved, expected, name, form):
    """Logits become probabilities by softmax; a batch gives what singles give."""
    batch = small.pictures(5)
    with load(str(saved / f"{name}-{form}.toml")) as classifier:
        said = classifier.classify_batch(batch, batch_size=2)
        singles = [classifier.classify(picture).scores for picture in batch]
        scores = np.stack([prediction.scores for prediction in said])
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(scores, np.stack(singles), atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 0.1  # the pictures are told apart
    assert (said[0].labels.names[-1], said[0].engine) == ("macaw", "tensorflow")
    assert bool(classifier.file_hash) == (form == "keras")


def test_transfer_values_of_keras_are_the_last_layers_input(saved):
    import keras

    model = keras.models.load_model(saved / "small.keras")
    features = keras.Model(model.inputs[0], model.get_layer("pool").output)
    picture = small.pictures()[0]
    with load(str(saved / "small-keras.toml")) as classifier:
        values = classifier.transfer_values(picture)
    np.testing.assert_allclose(
        values, np.asarray(features(small.scaled(picture[None])))[0], atol=1e-5
    )


def test_transfer_values_of_a_saved_model_need_an_output(saved):
    with load(str(saved / "small-savedmodel.toml")) as classifier:
        assert refusal(classifier.transfer_values, small.pictures()[0]) == (
            f"{saved}/small: this model gives no transfer values. For a SavedModel, name an output "
            "of its signature in the card's [tensors] transfer."
        )


@pytest.fixture(scope="module")
def two_outputs(tmp_path_factory) -> Path:
    """A SavedModel whose signature has two outputs, of which one is the transfer values."""
    import keras

    folder = tmp_path_factory.mktemp("two")
    model = small.network()
    both = keras.Model(
        model.inputs[0],
        {"probabilities": model.outputs[0], "features": model.get_layer("pool").output},
    )
    with small.quietly():
        both.export(folder / "both", verbose=False)
    return folder


def test_outputs_of_a_signature_are_chosen_by_name(two_outputs):
    card = small.write_card(
        two_outputs,
        "savedmodel",
        "both",
        more='\n[tensors]\nscores = "probabilities"\ntransfer = "features"\n',
    )
    picture = small.pictures()[0]
    with load(str(card)) as classifier:
        assert classifier.classify(picture).scores.shape == (small.CLASSES,)
        assert classifier.transfer_values(picture).shape == (small.TRANSFER_LENGTH,)


def test_a_signature_that_is_not_clear_is_refused(two_outputs):
    card = small.write_card(two_outputs, "savedmodel", "both")
    message = refusal(load, str(card))
    assert message in [
        f"{two_outputs}/both: the signature's scores is not clear. It has {names}; the card's "
        "[tensors] scores should name one of them, found None."
        for names in ("probabilities, features", "features, probabilities")
    ]


def test_a_folder_that_is_no_saved_model_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    message = refusal(load, str(small.write_card(tmp_path, "savedmodel", "empty")))
    assert message.startswith(f"{tmp_path}/empty: this is not a SavedModel folder: ")


def test_a_saved_model_without_a_signature_is_refused(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "bare"))
    assert refusal(load, str(small.write_card(tmp_path, "savedmodel", "bare"))) == (
        f"{tmp_path}/bare: the SavedModel has no signature 'serving_default' (found: none). Save "
        "it with one."
    )


def test_a_file_that_is_no_keras_model_is_refused(tmp_path):
    (tmp_path / "no.keras").write_bytes(b"<!DOCTYPE html>")
    message = refusal(load, str(small.write_card(tmp_path, "keras", "no.keras")))
    assert message.startswith(f"{tmp_path}/no.keras: Keras 3")


@pytest.mark.parametrize("form", ["keras", "savedmodel"])
def test_another_input_size_is_refused(saved, form):
    name = "small.keras" if form == "keras" else "small"
    text = (saved / f"small-{form}.toml").read_text().replace("width = 32", "width = 30")
    card = saved / f"wide-{form}.toml"
    card.write_text(text)
    assert refusal(load, str(card)) == (
        f"{saved}/{name}: the model takes pictures of shape (24, 32, 3) (height, width, channels), "
        "the card's [input] gives (24, 30, 3)."
    )


def test_a_closed_model_says_so(saved):
    classifier = load(str(saved / "small-keras.toml"))
    classifier.close()
    classifier.close()
    assert refusal(classifier.classify, small.pictures()[0]) == "This model has been closed."


def test_a_model_whose_layers_are_no_graph_has_no_transfer_values(tmp_path):
    """A subclass of Model is plain Python; TensorFlow still runs it."""
    import keras

    from inception_harness.engines.tensorflow_engine import FunctionEngine, _before_last

    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(5)

        def call(self, batch: Any) -> Any:
            return self.dense(batch)

    assert _before_last(Plain()) is None
    engine = FunctionEngine(lambda batch: batch, None, EngineSpec("tensorflow"), tmp_path)
    assert refusal(engine.transfer_values, np.zeros((1, 4), np.float32)).startswith(
        f"{tmp_path}: this model gives no transfer values."
    )


THREADS = """
import sys
from inception_harness.classifier import load
from inception_harness.errors import EngineError
from tests import small_networks as small

def threads(engine):
    with load(sys.argv[1], engine=engine) as classifier:
        classifier.classify(small.pictures(1)[0])
        return classifier.engine.threads

try:
    print(threads("tensorflow:threads=1"), threads(None), threads("tensorflow:threads=7"))
except EngineError as error:
    print(threads(None), error)
"""


def test_threads_of_keras_are_one_setting_for_the_whole_process(saved):
    """What is reported is what computes, and a second number is refused."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS, str(saved / "small-keras.toml")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == (
        "1 Engine 'tensorflow:threads=7': TensorFlow has already started with another number of "
        "threads, and cannot change it. Run this engine alone.\n"
    )


# --- keras.applications -------------------------------------------------------------------------

KERAS_CARDS = [name for name in built_in_cards() if name.startswith("keras-")]


@pytest.mark.parametrize("name", KERAS_CARDS)
def test_the_cards_scaling_is_kerass_own(name):
    """The same numbers as the application's preprocess_input, for each channel and level."""
    import keras

    card = read_card(built_in_cards()[name])
    build = getattr(keras.applications, card.model.application)
    module = importlib.import_module(MODULES[card.model.application])
    assert getattr(module, card.model.application).__name__ == build.__name__
    levels = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.float32)
    ours = Classifier.__new__(Classifier)
    ours.card = card
    np.testing.assert_allclose(
        ours._scale(levels), module.preprocess_input(levels.copy()), atol=1e-5
    )


MODULES = {
    "InceptionV3": "keras.applications.inception_v3",
    "InceptionResNetV2": "keras.applications.inception_resnet_v2",
    "Xception": "keras.applications.xception",
    "ResNet50": "keras.applications.resnet50",
    "EfficientNetV2S": "keras.applications.efficientnet_v2",
    "ConvNeXtTiny": "keras.applications.convnext",
}


@pytest.mark.parametrize("name", KERAS_CARDS)
def test_the_cards_size_is_the_applications_own(name):
    """Keras states each application's size in its docstring or as its default input shape."""
    card = read_card(built_in_cards()[name])
    sizes = {
        "InceptionV3": 299,
        "InceptionResNetV2": 299,
        "Xception": 299,
        "ResNet50": 224,
        "EfficientNetV2S": 384,
        "ConvNeXtTiny": 224,
    }
    assert (card.input.width, card.input.height) == (sizes[card.model.application],) * 2
    assert card.output.classes == 1000


@pytest.mark.heavy
def test_inception_v3_of_keras_is_built_and_its_weights_are_read(tmp_path):
    """The structure is real, the weights are random; the file has the old form that Keras gives."""
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    built_in = built_in_cards()["keras-inception-v3"].read_text()
    weights = read_card(built_in_cards()["keras-inception-v3"]).model.file
    keras.utils.set_random_seed(5)
    model = keras.applications.InceptionV3(weights=None)
    with small.quietly(), h5py.File(tmp_path / weights, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    index = {str(n): [f"n{n:08d}", f"thing_{n}"] for n in range(1000)}
    (tmp_path / "imagenet_class_index.json").write_text(json.dumps(index))
    card = tmp_path / "keras.toml"
    card.write_text(built_in[: built_in.index("[[files]]")])
    picture = np.random.default_rng(1).integers(0, 256, (299, 299, 3), np.uint8)
    scaled = keras.applications.inception_v3.preprocess_input(picture[None].astype(np.float32))
    with load(str(card)) as classifier:
        said = classifier.classify(picture)
    np.testing.assert_allclose(said.scores, np.asarray(model(scaled))[0], rtol=1e-3, atol=1e-7)
    assert said.labels.name(7) == "thing 7"


def test_an_application_that_keras_does_not_have_is_refused(tmp_path):
    import keras

    (tmp_path / "x.h5").write_bytes(b"")
    card = small.write_card(tmp_path, "keras-application", "x.h5")
    card.write_text(
        card.read_text().replace('file = "x.h5"', 'file = "x.h5"\napplication = "Inception9"')
    )
    assert refusal(load, str(card)) == (
        f"{card}: keras.applications of Keras {keras.__version__} has no 'Inception9'."
    )


def test_weights_of_another_model_are_refused(tmp_path):
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with small.quietly(), h5py.File(tmp_path / "other.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, small.network())
    card = small.write_card(tmp_path, "keras-application", "other.h5")
    card.write_text(
        card.read_text()
        .replace("[input]", "")
        .replace("\nwidth", "\n[input]\nwidth")
        .replace('file = "other.h5"', 'file = "other.h5"\napplication = "MobileNet"')
    )
    message = refusal(load, str(card))
    assert message.startswith(f"{tmp_path}/other.h5: Keras 3")
