"""The tutorials' own API, name for name, on the replicas of the 2015 graph."""

from __future__ import annotations

import inspect
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness import inception
from inception_harness.errors import EngineError, LabelError, PictureError, StoreError
from tests import replica
from tests.loopback import serve
from tests.replica_card import write_replica_card


@pytest.fixture(scope="module")
def model(tiny_folder):
    """The tutorial's two lines, on the small replica."""
    patch = pytest.MonkeyPatch()
    patch.setattr(inception, "data_dir", f"{tiny_folder}/")
    made = inception.Inception()
    patch.undo()
    yield made
    made.close()


@pytest.fixture
def data_dir(monkeypatch, tiny_folder) -> Path:
    monkeypatch.setattr(inception, "data_dir", f"{tiny_folder}/")
    return tiny_folder


@pytest.fixture
def picture(tmp_path) -> Path:
    coarse = np.random.default_rng(2).integers(0, 256, (6, 4, 3), np.uint8)
    path = tmp_path / "picture.jpg"
    Image.fromarray(coarse).resize((60, 90)).save(path, "JPEG")
    return path


def decoded(path: Path) -> np.ndarray:
    import tensorflow as tf

    pixels: np.ndarray = tf.io.decode_jpeg(path.read_bytes()).numpy()
    return pixels


def refusal(error, function, *arguments, **keywords) -> str:
    with pytest.raises(error) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


# --- names, as notebooks use them ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (inception.maybe_download, ""),
        (inception.Inception.classify, "self, image_path=None, image=None"),
        (inception.Inception.get_resized_image, "self, image_path=None, image=None"),
        (inception.Inception.transfer_values, "self, image_path=None, image=None"),
        (inception.Inception.print_scores, "self, pred, k=10, only_first_name=True"),
        (inception.Inception.close, "self"),
        (inception.NameLookup.uid_to_cls, "self, uid"),
        (inception.NameLookup.uid_to_name, "self, uid, only_first_name=False"),
        (inception.NameLookup.cls_to_name, "self, cls, only_first_name=False"),
        (inception.process_images, "fn, images=None, image_paths=None"),
        (inception.transfer_values_cache, "cache_path, model, images=None, image_paths=None"),
    ],
)
def test_signatures_are_the_tutorials(function, parameters):
    found = inspect.signature(function).parameters.values()
    assert ", ".join(str(p.replace(annotation=p.empty)) for p in found) == parameters


def test_constants_are_the_tutorials():
    assert inception.data_dir == "inception/"
    assert inception.data_url == (
        "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
    )
    assert inception.path_graph_def == "classify_image_graph_def.pb"
    assert inception.path_uid_to_cls == "imagenet_2012_challenge_label_map_proto.pbtxt"
    assert inception.path_uid_to_name == "imagenet_synset_to_human_label_map.txt"


# --- classifying --------------------------------------------------------------------------------


def test_a_path_and_its_pixels_get_the_same_scores(model, picture):
    pred = model.classify(image_path=str(picture))
    assert (pred.shape, pred.dtype) == ((1008,), np.float32)
    assert pred.sum() == pytest.approx(1, abs=1e-4)
    pixels = decoded(picture)
    assert np.array_equal(model.classify(image=pixels), pred)
    assert np.array_equal(model.classify(image=pixels.astype(np.float32)), pred)
    assert not np.array_equal(model.classify(image=255 - pixels), pred)


def test_floats_are_rounded_to_the_nearest_level(model, picture):
    """Tutorial 08 gives 0..1 times 255: 57.99999 is meant to be 58."""
    pixels = decoded(picture)
    almost = np.clip(pixels - 1e-4, 0, 255)
    assert np.array_equal(model.classify(image=almost), model.classify(image=pixels))


def test_the_image_wins_where_both_are_given(model, picture):
    other = 255 - decoded(picture)
    assert np.array_equal(
        model.classify(image_path=picture, image=other), model.classify(image=other)
    )


def test_the_resized_image_is_ready_to_be_shown(model, picture):
    resized = model.get_resized_image(image_path=picture)
    assert (resized.shape, resized.dtype) == ((299, 299, 3), np.float64)
    assert resized.min() >= 0
    assert 0.5 < resized.max() <= 1
    # The legacy resize keeps the first pixel as it is.
    np.testing.assert_allclose(resized[0, 0], decoded(picture)[0, 0] / 255)
    assert np.array_equal(model.get_resized_image(image=decoded(picture)), resized)


def test_print_scores_prints_the_tutorials_table(model, capsys):
    pred = np.zeros(1008, np.float32)
    pred[[169, 75, 7, 535, 1003]] = [0.8911, 0.0778, 0.0296, 0.001, 0.0004]
    model.print_scores(pred=pred, k=5)
    assert capsys.readouterr().out == (
        "89.11% : giant panda\n"
        " 7.78% : indri\n"
        " 2.96% : lesser panda\n"
        " 0.10% : sunglasses\n"
        " 0.04% : unnamed 1003\n"
    )
    model.print_scores(pred, k=1, only_first_name=False)
    assert capsys.readouterr().out == (
        "89.11% : giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca\n"
    )
    model.print_scores(pred)
    assert len(capsys.readouterr().out.splitlines()) == 10


def test_the_replicas_transfer_values_are_2048(monkeypatch, replica_folder):
    monkeypatch.setattr(inception, "data_dir", str(replica_folder))
    model = inception.Inception()
    try:
        assert model.transfer_len == 2048
        values = model.transfer_values(image_path=replica_folder / replica.PANDA_FILE)
    finally:
        model.close()
    assert (values.shape, values.dtype) == ((2048,), np.float32)
    assert values.std() > 0


# --- what is refused ----------------------------------------------------------------------------


def test_without_the_model_it_says_what_to_call(monkeypatch, tmp_path):
    monkeypatch.setattr(inception, "data_dir", f"{tmp_path}/inception/")
    assert refusal(StoreError, inception.Inception) == (
        f"The Inception model is not there: {tmp_path}/inception/classify_image_graph_def.pb does "
        "not exist. Call maybe_download() first, or set inception.data_dir to the folder that has "
        "it."
    )


def test_a_damaged_label_file_or_graph_is_refused(monkeypatch, tmp_path, tiny_folder):
    for file in tiny_folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(inception, "data_dir", f"{tmp_path}/")
    (tmp_path / replica.GRAPH_FILE).write_bytes(b"<html>")
    message = refusal(EngineError, inception.Inception)
    assert message.startswith(f"{tmp_path}/{replica.GRAPH_FILE}: this is not a frozen TensorFlow")
    (tmp_path / replica.NAME_FILE).write_bytes(b"<html>\n")
    message = refusal(LabelError, inception.Inception)
    assert message.startswith(f"{tmp_path}/{replica.NAME_FILE}: this is a web page (HTML), not ")


@pytest.mark.parametrize("method", ["classify", "get_resized_image", "transfer_values"])
def test_a_picture_must_be_given(model, method):
    assert refusal(PictureError, getattr(model, method)) == (
        "Give either image or image_path; both are None."
    )


def test_files_that_cannot_be_read_are_named(model, tmp_path):
    assert refusal(PictureError, model.classify, image_path=tmp_path / "none.jpg") == (
        f"{tmp_path}/none.jpg: cannot read the picture: No such file or directory."
    )
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    assert refusal(PictureError, model.classify, image_path=bad).startswith(
        f"{bad}: the graph cannot decode this; it takes JPEG files. "
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 5)), "The image should have the shape (height, width, 3), found (5, 5)."),
        (
            np.zeros((5, 5, 4)),
            "The image should have the shape (height, width, 3), found (5, 5, 4).",
        ),
        (
            np.full((2, 2, 3), 256.0),
            "The image's pixels should be within 0..255, found 256.0 to 256.0.",
        ),
        (
            np.full((2, 2, 3), -1),
            "The image's pixels should be within 0..255, found -1 to -1.",
        ),
        (
            np.full((2, 2, 3), np.nan),
            "The image's pixels should be within 0..255, found nan to nan.",
        ),
        (
            np.zeros((0, 2, 3)),
            "The image should have the shape (height, width, 3), found (0, 2, 3).",
        ),
    ],
)
def test_arrays_that_are_no_picture_are_refused(model, image, message):
    assert refusal(PictureError, model.classify, image=image) == message


# --- names --------------------------------------------------------------------------------------


def test_names_are_looked_up_both_ways(data_dir):
    lookup = inception.NameLookup()
    name = "giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca"
    assert lookup.cls_to_name(169) == name
    assert lookup.cls_to_name(np.int64(169), only_first_name=True) == "giant panda"
    uid = next(u for u, n in lookup._uid_to_cls.items() if n == 169)
    assert lookup.uid_to_cls(uid) == 169
    assert lookup.uid_to_name(uid) == name
    assert lookup.uid_to_name(uid, only_first_name=True) == "giant panda"
    for unnamed in (0, 1001, 1007, 1008, -1):
        assert lookup.cls_to_name(unnamed) is None
    assert refusal(LabelError, lookup.uid_to_cls, "n99999999") == (
        f"There is no class with the WNID 'n99999999' in {data_dir}/."
    )


def test_the_real_label_files_say_what_the_tutorial_prints(monkeypatch, shared_store):
    folder = shared_store / "models" / "inception-v3-2015"
    monkeypatch.setattr(inception, "data_dir", str(folder))
    lookup = inception.NameLookup()
    anchors = {169: "giant panda", 409: "macaw", 817: "bow tie", 535: "sunglasses", 300: "bookcase"}
    assert {n: lookup.cls_to_name(n, only_first_name=True) for n in anchors} == anchors
    assert lookup.uid_to_cls("n02510455") == 169
    assert lookup.uid_to_cls("n02119789") == 1


# --- many pictures, and the cache ---------------------------------------------------------------


def test_images_are_processed_one_by_one(capsys):
    images = np.arange(2 * 3 * 3 * 3).reshape(2, 3, 3, 3)
    found = inception.process_images(fn=lambda image: image.mean(), images=images)
    assert found.tolist() == [13, 40]
    assert capsys.readouterr().out == (
        "\r- Processing image:      1 / 2\r- Processing image:      2 / 2\n"
    )
    paths = ["a.jpg", "bcd.jpg"]
    found = inception.process_images(fn=lambda image_path: [len(image_path)] * 3, image_paths=paths)
    assert found.tolist() == [[5] * 3, [7] * 3]
    assert refusal(PictureError, inception.process_images, fn=print) == (
        "Give either images or image_paths; both are None."
    )


@pytest.fixture
def images(picture) -> np.ndarray:
    pixels = decoded(picture)
    return np.stack([pixels, 255 - pixels])


def test_transfer_values_are_computed_once_and_kept(model, images, tmp_path, capsys, monkeypatch):
    cache = tmp_path / "deep" / "values.npy"
    values = inception.transfer_values_cache(cache, model, images=images)
    assert capsys.readouterr().out.endswith(f"- Data saved to cache-file: {cache}\n")
    assert values.shape == (2, model.transfer_len)
    np.testing.assert_array_equal(values[1], model.transfer_values(image=images[1]))
    assert np.array_equal(np.load(cache, allow_pickle=False), values)
    assert [path.name for path in cache.parent.iterdir()] == ["values.npy"]
    # From the file now: the model is not asked again.
    monkeypatch.setattr(model, "transfer_values", lambda **_: pytest.fail("computed again"))
    again = inception.transfer_values_cache(str(cache), model, images=images)
    assert np.array_equal(again, values)
    assert capsys.readouterr().out == f"- Data loaded from cache-file: {cache}\n"


def test_paths_are_processed_too(model, picture, tmp_path):
    values = inception.transfer_values_cache(tmp_path / "v.npy", model, image_paths=[picture])
    assert np.array_equal(values[0], model.transfer_values(image_path=picture))


def test_a_run_that_breaks_off_leaves_no_cache(model, picture, tmp_path):
    cache = tmp_path / "cache" / "values.npy"
    with pytest.raises(PictureError):
        inception.transfer_values_cache(cache, model, image_paths=[picture, tmp_path / "none.jpg"])
    assert not cache.parent.exists()


def test_a_cache_of_other_pictures_is_refused(model, images, tmp_path):
    cache = tmp_path / "values.npy"
    np.save(cache, np.zeros((3, model.transfer_len), np.float32))
    message = refusal(StoreError, inception.transfer_values_cache, cache, model, images=images)
    assert message == (
        f"{cache}: the cache has values of the shape (3, {model.transfer_len}), but 2 pictures "
        f"were given, each with {model.transfer_len} values. Delete the file to compute them anew."
    )
    np.save(cache, np.zeros((2, 7), np.float32))
    message = refusal(StoreError, inception.transfer_values_cache, cache, model, images=images)
    assert message.startswith(f"{cache}: the cache has values of the shape (2, 7), but 2 pictures")


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def no_npy(values: np.ndarray, where: Path) -> dict[str, bytes]:
    forms = {"pickle": pickle.dumps(values), "bomb": pickle.dumps(Bomb(where / "exploded"))}
    objects, zipped, whole = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(objects, np.array([Bomb(where / "exploded")], object), allow_pickle=True)
    np.savez(zipped, values=values)
    np.save(whole, values)
    cut = whole.getvalue()[:-10]
    return forms | {
        "objects": objects.getvalue(),
        "npz": zipped.getvalue(),
        "cut": cut,
        "empty": b"",
    }


@pytest.mark.parametrize("form", ["pickle", "bomb", "objects", "npz", "cut", "empty"])
def test_a_cache_that_is_no_array_is_refused_and_not_run(model, images, tmp_path, form):
    cache = tmp_path / "inception_cifar10_test.pkl"
    values = np.zeros((2, model.transfer_len), np.float32)
    data = no_npy(values, tmp_path)[form]
    cache.write_bytes(data)
    message = refusal(StoreError, inception.transfer_values_cache, cache, model, images=images)
    assert message == (
        f"{cache}: this is no cache of transfer values in NumPy's format. The tutorial's own "
        "cache is a pickle, which could run code when read and is refused. Delete the file, or "
        "name another, to compute the values anew."
    )
    assert cache.read_bytes() == data
    assert not (tmp_path / "exploded").exists()


# --- download -----------------------------------------------------------------------------------


@pytest.fixture
def server(tiny_archive, tiny_folder, tmp_path, monkeypatch):
    """The archive on loopback, a card with its hashes, and an empty data_dir."""
    card = write_replica_card(tmp_path / "replica.toml", tiny_folder)
    with serve(tiny_archive.parent) as base_url:
        monkeypatch.setattr(inception, "data_url", f"{base_url}/{tiny_archive.name}")
        monkeypatch.setattr(inception, "_CARD", str(card))
        monkeypatch.setattr(inception, "data_dir", f"{tmp_path}/notebooks/inception/")
        yield base_url


def test_it_downloads_once(server, tmp_path, capsys):
    inception.maybe_download()
    folder = tmp_path / "notebooks" / "inception"
    assert len(list(folder.iterdir())) == 5
    assert capsys.readouterr().out == (
        "Downloading Inception v3 Model ...\nDownload finished. The files are verified.\n"
    )
    inception.maybe_download()
    assert capsys.readouterr().out == (
        "Downloading Inception v3 Model ...\n"
        "Data has apparently already been downloaded and unpacked.\n"
    )
    assert server.requests == ["/inception-2015-12-05.tgz"]
    assert inception.NameLookup().cls_to_name(169, only_first_name=True) == "giant panda"


def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path):
    server.faults["/inception-2015-12-05.tgz"] = "cut"
    message = refusal(StoreError, inception.maybe_download)
    assert inception.data_url in message
    assert not (tmp_path / "notebooks").exists()


def test_a_file_that_was_changed_is_refused(server, tmp_path):
    inception.maybe_download()
    names = tmp_path / "notebooks" / "inception" / replica.NAME_FILE
    size = names.stat().st_size
    names.write_bytes(b"<html>\n")
    assert refusal(StoreError, inception.maybe_download) == (
        f"{names} is not the file that it should be: expected {size:,} bytes, found 7 bytes. "
        "Delete it, then call maybe_download() again."
    )
    names.unlink()
    inception.maybe_download()
    assert names.stat().st_size == size


def test_the_published_card_is_what_is_asked_for_otherwise():
    assert inception._CARD == "inception-v3-2015"
