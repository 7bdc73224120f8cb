"""Cards: what must be known of a model to run it, one TOML file per model.

A user's card has the same form as the built-in ones in ``inception_harness/cards/``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inception_harness.engines import ENGINES_BY_FORMAT
from inception_harness.errors import CardError, StoreError
from inception_harness.images import FITS, RESIZE_METHODS
from inception_harness.resources import fixtures_folder
from inception_harness.store import Archive, RemoteFile, Store
from inception_harness.toml_lines import Document, read_toml

__all__ = [
    "Card",
    "InputForm",
    "LabelFiles",
    "ModelFile",
    "OutputForm",
    "built_in_cards",
    "find_card",
    "read_card",
    "read_remote_files",
]

_CARDS = Path(__file__).parent / "cards"
LABEL_FORMATS = ("lines", "inception-2015", "keras-index", "none")
SHIPPED = "shipped:"


@dataclass(frozen=True)
class ModelFile:
    """What the weights are, and in which file.

    Attributes:
        format: one of the keys of `inception_harness.engines.ENGINES_BY_FORMAT`.
        file: the file or folder of the weights, relative to the model's folder.
        application: for ``keras-application`` the name in `keras.applications`.
    """

    format: str
    file: str
    application: str = ""


@dataclass(frozen=True)
class InputForm:
    """What the network takes: value = (pixel - mean) / std, pixels 0..255.

    Attributes:
        width: pixels.
        height: pixels.
        mean: one number for each channel, in the order of ``channels``.
        std: one number for each channel.
        channels: ``rgb`` or ``bgr``.
        fit: how a picture becomes square: ``squeeze``, ``crop`` or ``pad``.
        resize: one of `inception_harness.images.RESIZE_METHODS`.
    """

    width: int
    height: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: str = "rgb"
    fit: str = "squeeze"
    resize: str = "bilinear"


@dataclass(frozen=True)
class OutputForm:
    """What the network gives.

    Attributes:
        kind: ``probabilities`` or ``logits``.
        classes: how many outputs there are, named or not.
        step: for quantised outputs the size of one step, 1/256 for uint8; 0 for float.
    """

    kind: str
    classes: int
    step: float = 0.0


@dataclass(frozen=True)
class LabelFiles:
    """Where the names of the outputs are.

    Attributes:
        format: ``lines``, ``inception-2015``, ``keras-index`` or ``none``.
        files: the label files, relative to the model's folder.
        background: the number of a class that stands for none of the things, or None.
        wnids: ``ilsvrc-2012`` where the classes are the challenge's, in WNID order, or None.
    """

    format: str
    files: tuple[str, ...] = ()
    background: int | None = None
    wnids: str | None = None


@dataclass(frozen=True)
class Card:
    """A model's card; see the attributes' own classes for the sections."""

    name: str
    title: str
    source_file: Path
    model: ModelFile
    input: InputForm
    output: OutputForm
    labels: LabelFiles
    pictures: str = "photos"
    licence: str = ""
    source: str = ""
    notes: str = ""
    folder: str = ""
    tensors: Mapping[str, str] = field(default_factory=dict)
    files: tuple[RemoteFile, ...] = ()
    archive: Archive | None = None

    def local_folder(self, store: Store) -> Path:
        """Return where the model's files are, or would be once fetched."""
        if self.folder.startswith(SHIPPED):
            return fixtures_folder() / self.folder.removeprefix(SHIPPED)
        if self.files:
            return store.folder("models", self.name)
        return self.source_file.parent / self.folder


def built_in_cards() -> dict[str, Path]:
    """Return the built-in cards' files by name, sorted."""
    return {path.stem: path for path in sorted(_CARDS.glob("*.toml"))}


def find_card(spec: str) -> Card:
    """Return the card of a built-in name or of a path that ends in ``.toml``.

    Raises:
        CardError: there is no such name (near ones are given) or file, or the card is not right.
    """
    known = built_in_cards()
    if spec in known:
        return read_card(known[spec])
    path = Path(spec)
    if path.suffix == ".toml":
        if not path.is_file():
            raise CardError(
                f"{spec}: there is no such card. Give the path of a TOML file, one of the "
                f"built-in names ({', '.join(known)}), or package.module:factory."
            )
        return read_card(path)
    near = get_close_matches(spec, known, n=3, cutoff=0.4)
    hint = f"Near ones: {', '.join(near)}." if near else f"There are: {', '.join(known)}."
    raise CardError(
        f"There is no model {spec!r}. {hint} `inception-harness models` lists all; a model of "
        "your own is named by its card's path (my-model.toml) or by package.module:factory."
    )


_Check = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _number_from(least: int) -> _Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"a whole number from {least}")
        return value

    return check


def _one_of(choices: tuple[str, ...]) -> _Check:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


def _per_channel(value: Any) -> tuple[float, float, float]:
    values = value if isinstance(value, list) else [value] * 3
    if len(values) != 3 or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    ):
        raise ValueError("a number, or a list of three, one for each channel")
    return float(values[0]), float(values[1]), float(values[2])


def _non_zero_per_channel(value: Any) -> tuple[float, float, float]:
    values = _per_channel(value)
    if 0.0 in values:
        raise ValueError("a number other than 0 (pixels are divided by it), or three of them")
    return values


def _step(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise ValueError("a number from 0 up to 1")
    return float(value)


def _name(value: Any) -> str:
    # It names a folder of the store, and stands in the ids of tests.
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        raise ValueError("a name of letters, digits, '.', '_' and '-'")
    return value


def _hex(digits: int) -> _Check:
    def check(value: Any) -> str:
        if (
            not isinstance(value, str)
            or len(value) != digits
            or set(value) - set("0123456789abcdef")
        ):
            raise ValueError(f"{digits} lower-case hexadecimal digits")
        return value

    return check


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError("an address that starts with http:// or https://")
    return value


def _inside(value: Any) -> str:
    try:
        return RemoteFile(_text(value), None).path
    except StoreError:
        raise ValueError(
            "a path inside the model's folder, with forward slashes and without '..'"
        ) from None


def _all_inside(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of paths")
    return tuple(_inside(each) for each in value)


_MUST, _MAY = True, False
# Each section's keys: how a value is checked, and whether the key must be there.
_KEYS: dict[str, dict[str, tuple[_Check, bool]]] = {
    "": {
        "name": (_name, _MUST),
        "title": (_text, _MUST),
        "pictures": (_text, _MAY),
        "licence": (_text, _MAY),
        "source": (_text, _MAY),
        "notes": (_text, _MAY),
        "folder": (_text, _MAY),
    },
    "model": {
        "format": (_one_of(tuple(ENGINES_BY_FORMAT)), _MUST),
        "file": (_inside, _MUST),
        "application": (_text, _MAY),
    },
    "input": {
        "width": (_number_from(1), _MUST),
        "height": (_number_from(1), _MUST),
        "mean": (_per_channel, _MAY),
        "std": (_non_zero_per_channel, _MAY),
        "channels": (_one_of(("rgb", "bgr")), _MAY),
        "fit": (_one_of(FITS), _MAY),
        "resize": (_one_of(RESIZE_METHODS), _MAY),
    },
    "output": {
        "kind": (_one_of(("probabilities", "logits")), _MUST),
        "classes": (_number_from(2), _MUST),
        "step": (_step, _MAY),
    },
    "labels": {
        "format": (_one_of(LABEL_FORMATS), _MUST),
        "files": (_all_inside, _MAY),
        "background": (_number_from(0), _MAY),
        "wnids": (_one_of(("ilsvrc-2012",)), _MAY),
    },
    "tensors": dict.fromkeys(
        ("jpeg", "array", "view", "input", "scores", "transfer", "logits"), (_text, _MAY)
    ),
    "archive": {"url": (_url, _MUST)},
    "files": {
        "path": (_inside, _MUST),
        "url": (_url, _MAY),
        "sha256": (_hex(64), _MAY),
        "md5": (_hex(32), _MAY),
        "size": (_number_from(0), _MAY),
        "licence": (_text, _MAY),
    },
}
_SECTIONS_THAT_MUST_BE = ("model", "input", "output", "labels")
_LABEL_FILES = {"lines": 1, "inception-2015": 2, "keras-index": 1, "none": 0}


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        CardError: the file is no TOML, or a key is unknown, missing or has a bad value; the
            message names the file and the line.
    """
    document = read_toml(path, CardError)
    data = document.data
    sections = {key for key in _KEYS if key}
    for key in data:
        if key not in _KEYS[""] and key not in sections:
            raise CardError(_unknown_key(document, path, (key,), sorted({*_KEYS[""], *sections})))
    for section in _SECTIONS_THAT_MUST_BE:
        if section not in data:
            raise CardError(f"{path}: the section [{section}] is missing.")
    top = _checked(document, path, "", {k: v for k, v in data.items() if k not in sections}, ())
    read = {
        section: _checked(document, path, section, data[section], (section,))
        for section in sections - {"files"}
        if section in data
    }
    card = Card(
        source_file=path,
        model=ModelFile(**read["model"]),
        input=InputForm(**read["input"]),
        output=OutputForm(**read["output"]),
        labels=LabelFiles(**read["labels"]),
        tensors=read.get("tensors", {}),
        files=read_remote_files(document, path, data.get("files", [])),
        archive=Archive(**read["archive"]) if "archive" in read else None,
        **top,
    )
    _check_together(document, path, card)
    return card


def _unknown_key(document: Document, path: Path, at: tuple[Any, ...], known: list[str]) -> str:
    near = get_close_matches(str(at[-1]), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(known)}."
    return f"{path}, line {document.line(*at)}: unknown key {at[-1]!r}.{hint}"


def _checked(
    document: Document, path: Path, section: str, table: Any, at: tuple[Any, ...]
) -> dict[str, Any]:
    """Return a section's values, checked against its keys."""
    keys = _KEYS[section]
    if not isinstance(table, dict):
        raise CardError(
            f"{path}, line {document.line(*at)}: {section!r} should be a section [{section}], "
            f"found {table!r}."
        )
    for key in table:
        if key not in keys:
            raise CardError(_unknown_key(document, path, (*at, key), sorted(keys)))
    where = f"section [{section}]" if section else "the card's head"
    for key, (_, must) in keys.items():
        if must and key not in table:
            line = f", line {document.line(*at)}" if at else ""
            raise CardError(f"{path}{line}: {where} misses the key {key!r}.")
    values = {}
    for key, value in table.items():
        try:
            values[key] = keys[key][0](value)
        except ValueError as error:
            raise CardError(
                f"{path}, line {document.line(*at, key)}: {key!r} should be {error}, "
                f"found {value!r}."
            ) from None
    return values


def read_remote_files(document: Document, path: Path, rows: Any) -> tuple[RemoteFile, ...]:
    """Return the ``[[files]]`` of a card or a data set, checked.

    Raises:
        CardError: a key is unknown, missing or has a bad value, or a file has no hash.
    """
    if not isinstance(rows, list):
        raise CardError(f"{path}, line {document.line('files')}: write [[files]], one per file.")
    files = []
    for count, row in enumerate(rows):
        at = ("files", count)
        values = _checked(document, path, "files", row, at)
        if not ({"sha256", "md5"} & set(values)):
            raise CardError(
                f"{path}, line {document.line(*at)}: the file {values['path']!r} has no sha256. "
                "A file that is fetched must be one that can be verified."
            )
        files.append(RemoteFile(**{"sha256": None, **values}))
    return tuple(files)


def _check_together(document: Document, path: Path, card: Card) -> None:
    """Check what no single key can tell."""
    labels, classes = card.labels, card.output.classes
    if len(labels.files) != _LABEL_FILES[labels.format]:
        raise CardError(
            f"{path}, line {document.line('labels')}: labels of the format {labels.format!r} are "
            f"in {_LABEL_FILES[labels.format]} files, found {list(labels.files)}."
        )
    if labels.background is not None and labels.background >= classes:
        raise CardError(
            f"{path}, line {document.line('labels', 'background')}: the background class "
            f"{labels.background} is outside the outputs 0 to {classes - 1}."
        )
    if card.model.format == "keras-application" and not card.model.application:
        raise CardError(
            f"{path}, line {document.line('model')}: format 'keras-application' needs the key "
            "'application', for example application = \"InceptionV3\"."
        )
    if card.model.format == "graphdef":
        for key in ("view", "scores"):
            if key not in card.tensors:
                raise CardError(
                    f"{path}: a frozen graph needs the section [tensors] with {key!r}, for "
                    f'example {key} = "{"ResizeBilinear:0" if key == "view" else "softmax:0"}".'
                )
    _check_files(document, path, card)


def _check_files(document: Document, path: Path, card: Card) -> None:
    """Check that a model which is fetched is fetched whole."""
    listed = {file.path for file in card.files}
    for section, file in (("model", card.model.file), *(("labels", f) for f in card.labels.files)):
        # A SavedModel is a folder, of which the files are listed.
        if listed and not any(one == file or one.startswith(f"{file}/") for one in listed):
            key = "file" if section == "model" else "files"
            raise CardError(
                f"{path}, line {document.line(section, key)}: {file!r} is not among the [[files]] "
                "to be fetched. List it with its url and sha256, or list none, and the card's "
                "files are those beside it."
            )
    for count, remote in enumerate(card.files):
        if remote.url is None and card.archive is None:
            raise CardError(
                f"{path}, line {document.line('files', count)}: the file {remote.path!r} has no "
                "url, and there is no section [archive] that it could come from."
            )
