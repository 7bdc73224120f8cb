"""From a model's files to what OpenVINO compiles: read, or converted once and kept.

Frozen graphs are folded and Keras models frozen, both by TensorFlow, which the second start
no longer needs. ``.tflite`` and ``.onnx`` files and most SavedModel folders OpenVINO reads itself;
a SavedModel whose variables it does not find is frozen as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inception_harness.engines.conversion import (
    Conversion,
    archive_of,
    convert_once,
    folded_graph,
)
from inception_harness.errors import EngineError

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["read_model"]

_XML, _BIN = "model.xml", "model.bin"


def read_model(
    core: Any, card: Card, path: Path, cache: Path
) -> tuple[Any, Mapping[str, str], tuple[str, ...]]:
    """Return an OpenVINO model, names of its outputs, and notes.

    Args:
        core: an `openvino.Core`.
        card: what is known of the model.
        path: its file or folder.
        cache: folder for converted models.

    Returns:
        The model; the names of its tensors ``scores`` and ``transfer`` as far as they are known;
        notes for the header.

    Raises:
        EngineError: OpenVINO cannot read the model.
    """
    if card.model.format == "graphdef":
        return _read_graph(core, card, path, cache)
    if card.model.format in ("keras", "keras-application"):
        return _read_keras(core, card, path, cache)
    if card.model.format == "savedmodel":
        return _read_saved_model(core, card, path, cache)
    return _read(core, path), card.tensors, ()


def _read(core: Any, path: Path, *, why: str = "") -> Any:
    if not path.exists():
        raise EngineError(f"{path}: there is no such file.")
    try:
        return core.read_model(str(path))
    except RuntimeError as error:  # OpenVINO's exceptions have no class of their own
        raise EngineError(
            f"{path}: OpenVINO {_version()} cannot read this model{why}: {_short(error)}"
        ) from error


def _version() -> str:
    import openvino

    return str(openvino.__version__).split("-")[0]


def _short(error: Exception) -> str:
    """Return the last line of OpenVINO's message; those before name its source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _read_graph(
    core: Any, card: Card, path: Path, cache: Path
) -> tuple[Any, Mapping[str, str], tuple[str, ...]]:
    outputs = [card.tensors[key] for key in ("scores", "transfer") if key in card.tensors]
    settings = {"view": card.tensors["view"], "outputs": outputs, "openvino": _version()}

    def make() -> Conversion:
        folded = folded_graph(card, path, cache)
        if not folded.files:
            return folded
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "folded.pb"
            file.write_bytes(folded.files["folded.pb"])
            return Conversion(_to_files(core, _read(core, file), outputs, folder), folded.notes[:1])

    size = (card.input.width, card.input.height)
    archive = archive_of(cache, path, "openvino", size=size, **settings)
    model, made = _from_archive(core, archive, make)
    if model is None:
        (reason,) = made.notes
        model = _read(core, path, why=f" ({reason}). Use --engine tensorflow. It says")
    return model, card.tensors, made.notes


def _read_keras(
    core: Any, card: Card, path: Path, cache: Path
) -> tuple[Any, Mapping[str, str], tuple[str, ...]]:
    def frozen() -> bytes:
        from inception_harness.engines.tensorflow_engine import frozen_keras

        return frozen_keras(card, path)

    settings = {"application": card.model.application, "classes": card.output.classes}
    return _read_frozen(core, card, path, cache, frozen, "converted from Keras", settings)


def _read_saved_model(
    core: Any, card: Card, path: Path, cache: Path
) -> tuple[Any, Mapping[str, str], tuple[str, ...]]:
    def frozen() -> bytes:
        from inception_harness.engines.tensorflow_engine import frozen_saved_model

        return frozen_saved_model(card, path)

    try:
        return _read(core, path), card.tensors, ()
    except EngineError:
        if not (path / "saved_model.pb").is_file():
            raise
    # OpenVINO 2026.4 misses variables of what tf.saved_model.save makes of Keras 3 models, and
    # reads what model.export makes of them.
    settings = {"tensors": dict(card.tensors)}
    return _read_frozen(core, card, path, cache, frozen, "frozen for OpenVINO", settings)


def _read_frozen(
    core: Any,
    card: Card,
    path: Path,
    cache: Path,
    frozen: Callable[[], bytes],
    note: str,
    settings: Mapping[str, object],
) -> tuple[Any, Mapping[str, str], tuple[str, ...]]:
    def make() -> Conversion:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "frozen.pb"
            file.write_bytes(frozen())
            return Conversion(_to_files(core, _read(core, file), [], folder), (note,))

    size = (card.input.width, card.input.height)
    archive = archive_of(cache, path, "openvino", size=size, openvino=_version(), **settings)
    model, made = _from_archive(core, archive, make)
    given = {name for output in model.outputs for name in output.get_names()}
    names = {key: f"{key}:0" for key in ("scores", "transfer") if f"{key}:0" in given}
    return model, names, made.notes


def _to_files(core: Any, model: Any, outputs: list[str], folder: str) -> dict[str, bytes]:
    """Return a model in OpenVINO's own format, with outputs added where it lacks them."""
    import openvino

    known = {name for output in model.outputs for name in output.get_names()}
    for name in outputs:
        if name not in known:
            model.add_outputs(name)
    xml = Path(folder) / _XML
    openvino.save_model(model, str(xml), compress_to_fp16=False)
    return {_XML: xml.read_bytes(), _BIN: xml.with_suffix(".bin").read_bytes()}


def _from_archive(core: Any, archive: Path, make: Any) -> tuple[Any, Conversion]:
    """Return the model in an archive, made where it is missing or cannot be read."""
    made = convert_once(archive, make)
    if not made.files:
        return None, made
    try:
        return _from_files(core, made.files), made
    except (RuntimeError, KeyError):
        # Whole, but nothing that this OpenVINO reads; converted again, it is replaced.
        made = convert_once(archive, make, anew=True)
        return _from_files(core, made.files), made


def _from_files(core: Any, files: Mapping[str, bytes]) -> Any:
    # Given as bytes, the weights are copied into the model; a shared tensor would have to outlive
    # it, or constants turn into whatever the freed memory holds next.
    return core.read_model(files[_XML], files[_BIN])
