"""OpenVINO on real files: every format, both precisions, and what it keeps of a conversion."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inception_harness.classifier import load
from inception_harness.errors import EngineError, StoreError
from inception_harness.store import Store
from tests import replica
from tests import small_networks as small
from tests.replica_card import write_replica_card

pytest.importorskip("openvino")


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(EngineError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


def has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


# --- the graph of 2015 --------------------------------------------------------------------------


@pytest.fixture
def tiny_card(tmp_path, tiny_folder) -> Path:
    """A card of the small replica in a store of its own, without any conversion."""
    folder = tmp_path / "models" / "inception-v3-2015"
    folder.parent.mkdir()
    folder.symlink_to(tiny_folder)
    return write_replica_card(tmp_path / "tiny.toml", tiny_folder)


def open_tiny(card: Path, engine: str = "openvino") -> Any:
    return load(str(card), engine=engine, store=Store(card.parent))


def views(count: int = 5) -> np.ndarray:
    width, height = replica.INPUT_SIZE
    noise = np.random.default_rng(5).uniform(0, 255, (count, height, width, 3))
    levels = np.linspace(0.2, 1, count).reshape(-1, 1, 1, 1)
    return (noise * levels).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_expected(tiny_folder) -> tuple[np.ndarray, np.ndarray]:
    """Scores and transfer values of `views`, by TensorFlow alone on the graph as it is stored."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString((tiny_folder / replica.GRAPH_FILE).read_bytes())
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            rows = [
                session.run([replica.SCORES, replica.TRANSFER], {replica.VIEW: view[None]})
                for view in views()
            ]
    scores = np.concatenate([row[0] for row in rows])
    return scores, np.stack([row[1].ravel() for row in rows])


def test_scores_and_transfer_values_are_those_of_tensorflow(tiny_card, tiny_expected):
    scores, transfer = tiny_expected
    assert np.ptp(scores, axis=0).max() > 0.01  # the pictures are told apart
    with open_tiny(tiny_card) as classifier:
        engine = classifier.engine
        np.testing.assert_allclose(engine.run(views()), scores, atol=1e-5)
        np.testing.assert_allclose(engine.transfer_values(views()), transfer, atol=1e-4)
        assert (engine.name, engine.precision, engine.batch) == ("openvino", "f32", 16)


def test_f32_computes_in_f32_also_where_bf16_would_be_faster(tiny_card, tiny_expected):
    """OpenVINO's own default is bf16 on processors that have it."""
    if not has_bf16():
        pytest.skip("This processor has no bf16.")
    scores, _ = tiny_expected
    with open_tiny(tiny_card) as single, open_tiny(tiny_card, "openvino:bf16") as half:
        drift = np.abs(half.engine.run(views()) - scores).max()
        assert np.abs(single.engine.run(views()) - scores).max() < 1e-5
        assert 1e-5 < drift < 0.05
        assert (half.engine.precision, half.engine_title) == ("bf16", "openvino bf16")


@pytest.mark.parametrize("batch", [1, 2, 4, 16])
def test_every_batch_gives_the_same_scores(tiny_card, tiny_expected, batch):
    """Five pictures: more than a batch, less than one, and a rest."""
    with open_tiny(tiny_card, f"openvino:batch={batch},threads=1") as classifier:
        assert (classifier.engine.batch, classifier.engine.threads) == (batch, 1)
        out = classifier.engine.run(views())
        assert out.shape == (5, 1008)
        np.testing.assert_allclose(out, tiny_expected[0], atol=1e-5)


SECOND_START = """
import json, sys
from pathlib import Path
from inception_harness.classifier import load
from inception_harness.store import Store
home = Path(sys.argv[1])
with load(str(home / sys.argv[2]), engine="openvino", store=Store(home)) as classifier:
    said = classifier.classify(Path(sys.argv[3]))
print(json.dumps({
    "notes": classifier.engine.notes,
    "top": [float(said.top_score), str(said.label)],
    "tensorflow": "tensorflow" in sys.modules or "keras" in sys.modules,
}))
"""


def start(card: Path, picture: Path) -> Any:
    """Load and classify in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SECOND_START), str(card.parent), card.name, picture],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_the_second_start_imports_no_tensorflow(tiny_card, tiny_folder):
    picture = tiny_folder / replica.PANDA_FILE
    first, second = start(tiny_card, picture), start(tiny_card, picture)
    assert first["tensorflow"]
    assert not second["tensorflow"]
    assert second["notes"] == [*first["notes"], "cached"]
    assert second["top"] == first["top"]
    kept = sorted(path.name.split("-")[1] for path in (tiny_card.parent / "converted").iterdir())
    assert kept == ["folded", "openvino"]


@pytest.mark.parametrize("harm", ["cut", "bit", "empty", "nonsense"])
def test_a_damaged_conversion_is_made_again(tiny_card, tiny_expected, harm):
    with open_tiny(tiny_card):
        pass
    archives = list((tiny_card.parent / "converted").iterdir())
    assert len(archives) == 2
    whole = {}
    for archive in archives:
        data = bytearray(archive.read_bytes())
        whole[archive] = len(data)
        data[len(data) // 2] ^= 1
        changed = {"cut": data[:-100], "bit": data, "empty": b"", "nonsense": b"PK\3\4 no zip"}
        archive.write_bytes(changed[harm])
    with open_tiny(tiny_card) as classifier:
        assert "cached" not in classifier.engine.notes
        np.testing.assert_allclose(classifier.engine.run(views()), tiny_expected[0], atol=1e-5)
    # OpenVINO numbers its nodes anew in each process, so the text differs by some bytes.
    made = {archive: archive.stat().st_size for archive in archives}
    assert made == pytest.approx(whole, rel=0.01)
    with open_tiny(tiny_card) as classifier:
        assert classifier.engine.notes[-1] == "cached"


def unreadable(card: Path, notes: str) -> Path:
    """Convert a card's graph, and put a whole archive in its place that holds no model."""
    import zipfile

    with open_tiny(card):
        pass
    (archive,) = (card.parent / "converted").glob("*-openvino-*")
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("model.xml", "<net")
        made.writestr("model.bin", b"1234")
        made.writestr("notes.json", notes)
    return archive


def test_a_whole_archive_that_openvino_cannot_read_is_made_again(tiny_card, tiny_expected):
    unreadable(tiny_card, notes='["of another time"]')
    with open_tiny(tiny_card) as classifier:
        assert "of another time" not in classifier.engine.notes
        np.testing.assert_allclose(classifier.engine.run(views()), tiny_expected[0], atol=1e-5)
    with open_tiny(tiny_card) as classifier:
        assert classifier.engine.notes[-1] == "cached"


def test_an_archive_that_can_be_neither_read_nor_replaced_does_no_harm(
    tiny_card, tiny_expected, monkeypatch
):
    """As in a store that several users share and few may write to."""
    archive = unreadable(tiny_card, notes="[]")
    before = archive.read_bytes()

    # Whoever runs as root may write to a read-only folder, so its refusals are played.
    def refuse(path, *arguments, **keywords):
        raise PermissionError(13, "Permission denied", str(path))

    def refuse_to_write(path, data):
        raise StoreError(f"Cannot write {path}: Permission denied.")

    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr("inception_harness.engines.conversion.write_atomically", refuse_to_write)
    with open_tiny(tiny_card) as classifier:
        notes = classifier.engine.notes
        assert notes[-1] == f"not cached: Cannot write {archive}: Permission denied."
        np.testing.assert_allclose(classifier.engine.run(views()), tiny_expected[0], atol=1e-5)
    assert archive.read_bytes() == before


def test_a_store_that_cannot_be_written_to_does_no_harm(tiny_card, tiny_expected):
    (tiny_card.parent / "converted").write_text("a file where the folder should be")
    with open_tiny(tiny_card) as classifier:
        (note,) = [n for n in classifier.engine.notes if n.startswith("not cached: ")]
        assert str(tiny_card.parent / "converted") in note
        np.testing.assert_allclose(classifier.engine.run(views()), tiny_expected[0], atol=1e-5)


def test_another_graph_is_not_taken_for_the_one_before(tiny_card, tiny_folder, tmp_path):
    """The archive's name holds the hash of the source, not its path."""
    with open_tiny(tiny_card) as classifier:
        before = classifier.engine.run(views(1))
    jpeg = replica.jpeg_of_size()
    other = tmp_path / "other"
    replica.write_folder(other, replica.tiny_replica(jpeg, seed=1), jpeg)
    (tmp_path / "models" / "inception-v3-2015").unlink()
    (tmp_path / "models" / "inception-v3-2015").symlink_to(other)
    card = write_replica_card(tmp_path / "other.toml", other)
    with open_tiny(card) as classifier:
        assert np.abs(classifier.engine.run(views(1)) - before).max() > 1e-3


def test_a_graph_that_cannot_be_folded_is_refused_with_the_reason(tmp_path, tiny_folder):
    graph = replica.tiny_replica(replica.jpeg_of_size())
    for node in graph.node:
        if node.name == "conv":
            node.op = "Cos"
    folder = replica.write_folder(tmp_path / "graph", graph, replica.jpeg_of_size())
    card = write_replica_card(tmp_path / "odd.toml", folder)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "inception-v3-2015").symlink_to(folder)
    said = refusal(open_tiny, card)
    assert "graph not folded: conv is a Cos, an op that folding does not know" in said
    assert "Use --engine tensorflow." in said


def test_options_that_mean_nothing_are_refused(tiny_card):
    assert refusal(open_tiny, tiny_card, "openvino:original") == (
        "Engine 'openvino' has no option 'original': it converts every graph. "
        "Use --engine tensorflow:original."
    )


def test_a_missing_package_is_named(tiny_card, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert refusal(open_tiny, tiny_card) == (
        "Engine 'openvino' needs the package openvino, which is not installed. "
        "Install it with `pip install inception-harness[openvino]`."
    )


def test_a_closed_model_says_so(tiny_card):
    with open_tiny(tiny_card) as classifier:
        pass
    classifier.close()
    assert refusal(classifier.engine.run, views(1)) == "This model has been closed."


# --- Keras, SavedModel, .tflite, .onnx ----------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """The small network in every format, as `small_networks` makes it."""
    folder = tmp_path_factory.mktemp("saved-for-openvino")
    model = small.network()
    with small.quietly():
        model.save(folder / "small.keras")
        model.export(folder / "small", verbose=False)
    for kind in ("float", "uint8", "int8"):
        (folder / f"{kind}.tflite").write_bytes(small.to_tflite(model, kind))
        small.write_card(folder, "tflite", f"{kind}.tflite")
    small.write_card(folder, "keras", "small.keras")
    small.write_card(folder, "savedmodel", "small")
    return folder


def classified(folder: Path, card: str, engine: str) -> np.ndarray:
    with load(str(folder / card), engine=engine, store=Store(folder / "store")) as classifier:
        said = classifier.classify_batch(small.pictures(5), batch_size=2)
    return np.stack([prediction.scores for prediction in said])


def assert_as_in_tensorflow(folder: Path, card: str) -> None:
    """Compare OpenVINO's scores, converted and from the cache, of pictures that differ."""
    expected = classified(folder, card, "tensorflow")
    assert np.ptp(expected, axis=0).max() > 0.05
    for _ in ("converted", "cached"):
        np.testing.assert_allclose(classified(folder, card, "openvino"), expected, atol=1e-5)


@pytest.mark.parametrize("form", ["keras", "savedmodel"])
def test_models_of_keras_give_the_same_scores(saved, form):
    assert_as_in_tensorflow(saved, f"small-{form}.toml")


@pytest.fixture(scope="module")
def normalised(tmp_path_factory) -> Path:
    """A network with batch normalisation, as ``.keras`` and as two kinds of SavedModel.

    It has 300 variables. OpenVINO 2026.4 finds those of small networks in any SavedModel, and those
    of larger ones only in what ``model.export`` writes.
    """
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("normalised")
    keras.utils.set_random_seed(7)
    pixels = keras.layers.Input((small.SIZE[1], small.SIZE[0], 3))
    out = keras.layers.Conv2D(small.TRANSFER_LENGTH, 5, strides=2, activation="relu")(pixels)
    for _ in range(60):
        side = keras.layers.Conv2D(small.TRANSFER_LENGTH, 1, use_bias=False)(out)
        out = keras.layers.Add()([out, keras.layers.BatchNormalization()(side)])
    out = keras.layers.GlobalAveragePooling2D()(out)
    wide = keras.initializers.RandomNormal(stddev=3.0, seed=7)
    out = keras.layers.Dense(small.CLASSES, "softmax", kernel_initializer=wide)(out)
    model = keras.Model(pixels, out)
    rng = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, mean = rng.normal(0, 0.05, (2, small.TRANSFER_LENGTH))
            beta, variance = 0.1 * mean, rng.uniform(0.5, 1.5, small.TRANSFER_LENGTH)
            layer.set_weights([gamma, beta, mean, variance])
    with small.quietly():
        model.save(folder / "net.keras")
        model.export(folder / "exported", verbose=False)
        tf.saved_model.save(model, str(folder / "saved"))
    small.write_card(folder, "keras", "net.keras").rename(folder / "net.keras.toml")
    for name in ("exported", "saved"):
        small.write_card(folder, "savedmodel", name).rename(folder / f"{name}.toml")
    return folder


@pytest.mark.parametrize("file", ["net.keras", "exported", "saved"])
def test_a_network_with_batch_normalisation_gives_the_same_scores(normalised, file):
    """OpenVINO does not find the variables of some SavedModels; the harness must not lean on it."""
    assert_as_in_tensorflow(normalised, f"{file}.toml")
    # Were none of them frozen by the harness, this would no longer show that it can.
    kept = list((normalised / "store" / "converted").glob("*.zip"))
    assert len(kept) == {"net.keras": 1, "exported": 1, "saved": 2}[file]


def test_transfer_values_of_keras_are_the_last_layers_input(saved):
    picture = small.pictures(1)[0]
    store, card = Store(saved / "store"), str(saved / "small-keras.toml")
    with load(card, engine="openvino", store=store) as ours, load(card, store=store) as keras:
        values = ours.transfer_values(picture)
        assert values.shape == (small.TRANSFER_LENGTH,)
        np.testing.assert_allclose(values, keras.transfer_values(picture), atol=1e-5)


def test_a_saved_model_is_read_without_tensorflow(saved, tiny_folder):
    assert not start(saved / "small-savedmodel.toml", tiny_folder / replica.PANDA_FILE)[
        "tensorflow"
    ]


def test_the_second_start_of_a_keras_model_imports_no_tensorflow(saved, tiny_folder):
    classified(saved, "small-keras.toml", "openvino")
    (saved / "converted").symlink_to(saved / "store" / "converted")
    told = start(saved / "small-keras.toml", tiny_folder / replica.PANDA_FILE)
    assert told["notes"] == ["converted from Keras", "cached"]
    assert not told["tensorflow"]


@pytest.mark.parametrize(("kind", "step"), [("float", 0), ("uint8", 1 / 256), ("int8", 1 / 256)])
def test_tflite_files_give_what_litert_gives(saved, kind, step):
    """Integers go in and out; between them OpenVINO may round otherwise, by a step or two."""
    expected = classified(saved, f"{kind}-tflite.toml", "litert")
    out = classified(saved, f"{kind}-tflite.toml", "openvino")
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(out, expected, atol=2 * step + 1e-5)
    if step:
        np.testing.assert_array_equal(out % step, 0)


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_the_two_arithmetics_of_a_quantised_file_are_told_apart(saved, kind):
    if not has_bf16():
        pytest.skip("This processor has no bf16.")
    said = {}
    for spec in ("openvino", "openvino:f32", "openvino:bf16"):
        with load(
            str(saved / f"{kind}-tflite.toml"), engine=spec, store=Store(saved / "store")
        ) as classifier:
            said[spec] = classifier.engine.precision, classifier.engine_title
    assert said == {
        "openvino": ("int8", "openvino"),
        "openvino:f32": ("int8", "openvino"),
        "openvino:bf16": ("int8-bf16", "openvino int8-bf16"),
    }


@pytest.mark.parametrize(
    "model",
    ["mobilenet-v1-0.25-128-quant", "mobilenet-v2-1.0-224-quant", "mobilenet-v2-1.0-224-ptq"],
)
def test_real_quantised_models_agree_with_litert(shared_store, model):
    """Two runtimes round differently, which in 8 bits shows; who wins stays the same."""
    store = Store(shared_store)
    photos = sorted((shared_store / "pictures" / "photos").glob("*.jpg"))
    with load(model, store=store) as litert, load(model, engine="openvino", store=store) as ours:
        assert ours.engine.precision == "int8"
        expected, said = litert.classify_batch(photos), ours.classify_batch(photos)
    drift = [np.abs(a.scores - b.scores).max() for a, b in zip(expected, said, strict=True)]
    assert max(drift) <= 0.13
    sure = [(a, b) for a, b in zip(expected, said, strict=True) if a.top_score > 0.6]
    assert len(sure) >= 2
    for a, b in sure:
        assert a.label == b.label


def test_a_file_that_openvino_cannot_read_is_refused(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    card = small.write_card(tmp_path, "onnx", "bad.onnx")
    said = refusal(load, str(card), engine="openvino")
    assert said.startswith(f"{tmp_path / 'bad.onnx'}: OpenVINO ")
    assert "cannot read this model" in said


def test_another_input_size_is_refused(saved):
    text = (saved / "small-savedmodel.toml").read_text().replace("width = 32", "width = 40")
    (saved / "other-size.toml").write_text(text)
    said = refusal(load, str(saved / "other-size.toml"), engine="openvino")
    assert "takes shape (?, 24, 32, 3); the card's [input] gives pictures of shape" in said
    assert "(n, 24, 40, 3)" in said
