"""The API of TensorFlow tutorials 07 and 08, name for name.

A notebook written for the tutorials' own module runs with only its import changed::

    from inception_harness import inception

    inception.maybe_download()
    model = inception.Inception()
    pred = model.classify(image_path="inception/cropped_panda.jpg")
    model.print_scores(pred=pred, k=10)

The graph runs exactly as it was published: JPEG bytes go into ``DecodeJpeg/contents:0``, arrays
into ``DecodeJpeg:0``. For everything that the tutorials do not do, see `inception_harness.load`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inception_harness.cards import find_card
from inception_harness.engines import EngineSpec, Float32
from inception_harness.errors import EngineError, LabelError, PictureError, StoreError
from inception_harness.labels import read_2015_pair
from inception_harness.remote_files import difference_of
from inception_harness.store import Archive, Store, write_atomically

if TYPE_CHECKING:
    from inception_harness.engines.tensorflow_engine import DecodingGraphEngine

__all__ = [
    "Inception",
    "NameLookup",
    "data_dir",
    "data_url",
    "maybe_download",
    "path_graph_def",
    "path_uid_to_cls",
    "path_uid_to_name",
    "process_images",
    "transfer_values_cache",
]

_CARD = "inception-v3-2015"  # a spec: a name, or the path of a card of the same form
_CLASSES = 1008

data_url = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
# Set it to the folder where the model is, or shall be, as the tutorials do.
data_dir = "inception/"
path_uid_to_cls = "imagenet_2012_challenge_label_map_proto.pbtxt"
path_uid_to_name = "imagenet_synset_to_human_label_map.txt"
path_graph_def = "classify_image_graph_def.pb"


def maybe_download() -> None:
    """Download the model of 2015 into `data_dir`, 85 MB, unless it is already there.

    Each file is verified before it counts.

    Raises:
        StoreError: the model cannot be had, or a file that is there is not the right one.
    """
    print("Downloading Inception v3 Model ...")
    card = find_card(_CARD)
    folder = Path(data_dir)
    store = Store(folder.parent)
    absent = store.missing(folder, card.files)
    for file in card.files:
        difference = "" if file in absent else difference_of(folder / file.path, file)
        if difference:
            raise StoreError(
                f"{folder / file.path} is not the file that it should be: {difference}. "
                "Delete it, then call maybe_download() again."
            )
    if absent:
        try:
            store.fetch(folder, absent, Archive(data_url))
        except StoreError as error:
            raise error from None  # what the network's libraries raised says nothing more
        print("Download finished. The files are verified.")
    else:
        print("Data has apparently already been downloaded and unpacked.")


class NameLookup:
    """Class numbers, WNIDs ("uid") and names, from the two label files in `data_dir`.

    Raises:
        LabelError: a label file is missing or damaged.
    """

    def __init__(self) -> None:
        folder = Path(data_dir)
        self._labels = read_2015_pair(folder / path_uid_to_cls, folder / path_uid_to_name, _CLASSES)
        self._uid_to_cls = {uid: n for n, uid in enumerate(self._labels.wnids) if uid}

    def uid_to_cls(self, uid: str) -> int:
        """Return the class number of a WNID such as "n02510455"."""
        if uid not in self._uid_to_cls:
            raise LabelError(f"There is no class with the WNID {uid!r} in {data_dir}.")
        return self._uid_to_cls[uid]

    def uid_to_name(self, uid: str, only_first_name: bool = False) -> str:
        """Return the name of a WNID: all of it, or the text before the first comma."""
        return self._labels.name(self.uid_to_cls(uid), only_first=only_first_name)

    def cls_to_name(self, cls: int, only_first_name: bool = False) -> str | None:
        """Return the name of a class number, or None for the outputs that have none."""
        number = int(cls)
        if not 0 <= number < len(self._labels) or self._labels.names[number] is None:
            return None
        return self._labels.name(number, only_first=only_first_name)


class Inception:
    """The Inception model of 2015, ready to classify pictures.

    Attributes:
        name_lookup: class numbers and names.
        transfer_len: how many transfer values a picture has, 2048.

    Raises:
        StoreError: the graph is not in `data_dir`.
        EngineError: the file there is no such graph.
    """

    tensor_name_input_jpeg = "DecodeJpeg/contents:0"
    tensor_name_input_image = "DecodeJpeg:0"
    tensor_name_resized_image = "ResizeBilinear:0"
    tensor_name_softmax = "softmax:0"
    tensor_name_softmax_logits = "softmax/logits:0"
    tensor_name_transfer_layer = "pool_3:0"

    def __init__(self) -> None:
        path = Path(data_dir) / path_graph_def
        if not path.is_file():
            raise StoreError(
                f"The Inception model is not there: {path} does not exist. Call "
                "maybe_download() first, or set inception.data_dir to the folder that has it."
            )
        self.name_lookup = NameLookup()
        self._engine = self._open(path)
        self.session = self._engine.session
        self.graph = self._engine.session.graph
        layer = self.graph.get_tensor_by_name(self.tensor_name_transfer_layer)
        self.transfer_len = int(layer.shape[-1])

    def _open(self, path: Path) -> DecodingGraphEngine:
        from inception_harness.engines.tensorflow_engine import DecodingGraphEngine, read_graph

        tensors = {
            "jpeg": self.tensor_name_input_jpeg,
            "array": self.tensor_name_input_image,
            "view": self.tensor_name_resized_image,
            "scores": self.tensor_name_softmax,
            "logits": self.tensor_name_softmax_logits,
            "transfer": self.tensor_name_transfer_layer,
        }
        return DecodingGraphEngine(read_graph(path), tensors, EngineSpec("tensorflow"), path)

    def close(self) -> None:
        """Close the TensorFlow session."""
        self._engine.close()

    def _run(
        self, key: str, image_path: str | os.PathLike[str] | None, image: NDArray[Any] | None
    ) -> Any:
        if image is not None:
            return self._engine.compute(key, {"array": _pixels(image)})
        if image_path is None:
            raise PictureError("Give either image or image_path; both are None.")
        try:
            data = Path(image_path).read_bytes()
        except OSError as error:
            raise PictureError(
                f"{image_path}: cannot read the picture: {error.strerror}."
            ) from error
        try:
            return self._engine.compute(key, {"jpeg": data})
        except EngineError as error:
            raise PictureError(
                f"{image_path}: the graph cannot decode this; it takes JPEG files. {error}"
            ) from error

    def classify(
        self,
        image_path: str | os.PathLike[str] | None = None,
        image: NDArray[Any] | None = None,
    ) -> Float32:
        """Classify one picture.

        Args:
            image_path: a JPEG file.
            image: pixels, shape (height, width, 3), 0..255; used where both are given.

        Returns:
            The scores, shape (1008,), float32, 0..1.
        """
        scores: Float32 = np.squeeze(self._run("scores", image_path, image))
        return scores

    def get_resized_image(
        self,
        image_path: str | os.PathLike[str] | None = None,
        image: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Return what the network sees: RGB, shape (299, 299, 3), 0..1."""
        seen: NDArray[np.float64] = self._run("view", image_path, image)[0].astype(float) / 255.0
        return seen

    def print_scores(self, pred: Float32, k: int = 10, only_first_name: bool = True) -> None:
        """Print the best k scores with their names, highest first."""
        for cls in np.argsort(-pred, kind="stable")[:k]:
            name = self.name_lookup.cls_to_name(int(cls), only_first_name=only_first_name)
            print(f"{pred[cls]:>6.2%} : {name or f'unnamed {cls}'}")

    def transfer_values(
        self,
        image_path: str | os.PathLike[str] | None = None,
        image: NDArray[Any] | None = None,
    ) -> Float32:
        """Return the values of the layer before the classes, shape (2048,), float32."""
        values: Float32 = np.squeeze(self._run("transfer", image_path, image))
        return values


def _pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels as the graph takes them: a cast would cut floats off, so they are rounded."""
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise PictureError(
            f"The image should have the shape (height, width, 3), found {pixels.shape}."
        )
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 255:
        raise PictureError(
            f"The image's pixels should be within 0..255, found {pixels.min()} to {pixels.max()}."
        )
    rounded: NDArray[np.uint8] = np.rint(pixels).astype(np.uint8)
    return rounded


def process_images(
    fn: Callable[..., Any],
    images: Sequence[NDArray[Any]] | NDArray[Any] | None = None,
    image_paths: Sequence[str | os.PathLike[str]] | None = None,
) -> NDArray[Any]:
    """Call a function, such as `Inception.transfer_values`, on each picture.

    Args:
        fn: takes ``image=`` or ``image_path=``.
        images: pictures as arrays; used where both are given.
        image_paths: pictures as files.

    Returns:
        What the function returned, stacked: shape (pictures, …).
    """
    if images is None and image_paths is None:
        raise PictureError("Give either images or image_paths; both are None.")
    key = "image" if images is not None else "image_path"
    sources: Sequence[Any] = list(images) if images is not None else list(image_paths or ())
    results = []
    for count, source in enumerate(sources, start=1):
        sys.stdout.write(f"\r- Processing image: {count:>6} / {len(sources)}")
        sys.stdout.flush()
        results.append(fn(**{key: source}))
    print()
    return np.array(results)


def transfer_values_cache(
    cache_path: str | os.PathLike[str],
    model: Inception,
    images: Sequence[NDArray[Any]] | NDArray[Any] | None = None,
    image_paths: Sequence[str | os.PathLike[str]] | None = None,
) -> NDArray[Any]:
    """Return the pictures' transfer values: from a file, or computed and written to it.

    The file is in NumPy's own format, never a pickle, which could run code when read. It is
    written whole or not at all.

    Raises:
        StoreError: the file is something else, or belongs to another number of pictures.
    """
    path = Path(cache_path)
    count = len(images) if images is not None else len(image_paths or ())
    if path.exists():
        values = _read_cache(path)
        if values.shape != (count, model.transfer_len):
            raise StoreError(
                f"{path}: the cache has values of the shape {values.shape}, but {count} pictures "
                f"were given, each with {model.transfer_len} values. Delete the file to compute "
                "them anew."
            )
        print(f"- Data loaded from cache-file: {path}")
        return values
    values = process_images(model.transfer_values, images=images, image_paths=image_paths)
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    print(f"- Data saved to cache-file: {path}")
    return values


def _read_cache(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            values: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise StoreError(
            f"{path}: this is no cache of transfer values in NumPy's format. The tutorial's own "
            "cache is a pickle, which could run code when read and is refused. Delete the file, "
            "or name another, to compute the values anew."
        ) from error
    return values
