"""Converted models in the store's folder ``converted/``, so that converting costs once.

One archive each (zip, not compressed), named by the sha256 of its source and by how it was
converted. Zip's checksums tell a damaged archive, which is then made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inception_harness.errors import StoreError
from inception_harness.files import sha256_of, write_atomically

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["Conversion", "archive_of", "convert_once", "folded_graph"]

# To be raised whenever folding or converting changes what it writes.
_VERSION = 2
_NOTES = "notes.json"


@dataclass(frozen=True)
class Conversion:
    """A converted model.

    Attributes:
        files: contents by name; empty where the model could not be converted.
        notes: how it was made, or why it was not, for the header.
    """

    files: Mapping[str, bytes]
    notes: tuple[str, ...]


def archive_of(cache: Path, source: Path, kind: str, **settings: object) -> Path:
    """Return where a conversion is kept, or would be.

    Args:
        cache: the store's folder for conversions.
        source: the model's file, or folder.
        kind: what it is converted to.
        settings: what else decides the result.

    Raises:
        StoreError: the source cannot be read.
    """
    how = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    return cache / f"{_source_hash(source)}-{kind}-{_VERSION}-{how}.zip"


def _source_hash(source: Path) -> str:
    if not source.is_dir():
        return sha256_of(source)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    told = [[path.relative_to(source).as_posix(), sha256_of(path)] for path in files]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def convert_once(
    archive: Path, make: Callable[[], Conversion], *, anew: bool = False
) -> Conversion:
    """Return what the archive holds; without a whole one convert, and keep the result.

    Where nothing can be written the result is used all the same, and a note says so.

    Args:
        archive: where the conversion is kept.
        make: converts.
        anew: convert whatever the archive holds, and replace it.
    """
    kept = None if anew else _read(archive)
    if kept is not None:
        return Conversion(kept.files, (*kept.notes, "cached"))
    made = make()
    if not made.files:
        return made
    try:
        write_atomically(archive, _packed(made))
    except StoreError as error:
        return Conversion(made.files, (*made.notes, f"not cached: {error}"))
    return made


def folded_graph(card: Card, path: Path, cache: Path) -> Conversion:
    """Return a frozen graph folded, as ``folded.pb``; TensorFlow is imported only to fold.

    A graph with something in it that folding does not know gives no file, and the reason.

    Raises:
        EngineError: the file is no GraphDef.
    """
    size = (card.input.width, card.input.height)
    view = card.tensors["view"]
    outputs = [card.tensors[key] for key in ("scores", "transfer") if key in card.tensors]

    def make() -> Conversion:
        from inception_harness.engines.fold import NotFolded, fold
        from inception_harness.engines.tensorflow_engine import read_graph

        folded = fold(read_graph(path), view=view, outputs=outputs, size=size)
        if isinstance(folded, NotFolded):
            return Conversion({}, (f"graph not folded: {folded.reason}",))
        return Conversion({"folded.pb": folded.graph.SerializeToString()}, folded.notes)

    return convert_once(
        archive_of(cache, path, "folded", view=view, outputs=outputs, size=size), make
    )


def _packed(made: Conversion) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in made.files.items():
            archive.writestr(name, data)
        archive.writestr(_NOTES, json.dumps(made.notes))
    return buffer.getvalue()


def _read(path: Path) -> Conversion | None:
    """Return an archive's contents, or None where it is missing or damaged anywhere."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        notes = json.loads(files.pop(_NOTES))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError):
        return None
    return Conversion(files, tuple(notes)) if files else None
