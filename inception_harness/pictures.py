"""Picture sets: which file plays which role, with source, licence and hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inception_harness.errors import PictureError, StoreError
from inception_harness.resources import fixtures_folder
from inception_harness.store import RemoteFile, Store
from inception_harness.toml_lines import Document, read_toml

__all__ = ["Picture", "PictureSet", "built_in_sets", "find_picture_set", "read_picture_set"]

_SHIPPED = "shipped:"
_HEAD: dict[str, type] = {"name": str, "title": str, "source": str, "licence": str, "folder": str}
_KEYS: dict[str, type] = {
    "file": str,
    "caption": str,
    "expected": str,
    "derived_from": str,
    "derived_by": str,
    "url": str,
    "sha256": str,
    "size": int,
    "licence": str,
    "seed": int,
    "box": list,
}


@dataclass(frozen=True)
class Picture:
    """One picture of a set.

    Attributes:
        role: what it is called in tests, for example ``parrot-tail``.
        path: where its file is, or will be once fetched.
        caption: what it shows, in a sentence.
        expected: the class that a good model gives it, or None where none is right.
        derived_from: the role of the picture that it was made from, or None.
        derived_by: how it was made from that one.
        remote: the file's hash, size, address and licence.
    """

    role: str
    path: Path
    caption: str
    expected: str | None
    derived_from: str | None
    derived_by: str | None
    remote: RemoteFile


@dataclass(frozen=True)
class PictureSet:
    """Pictures by their role.

    Attributes:
        name: what is typed after ``--pictures``.
        title: what the set is, in a line.
        folder: where the files are.
        pictures: by role, in the order of the set's file.
        shipped: whether the files come with the harness or lie beside the set's own file,
            so that nothing can be fetched.
    """

    name: str
    title: str
    folder: Path
    pictures: dict[str, Picture]
    shipped: bool

    def __iter__(self) -> Iterator[str]:
        """Go through the roles."""
        return iter(self.pictures)

    def __contains__(self, role: object) -> bool:
        """Tell whether the set has a picture of this role."""
        return role in self.pictures

    def __getitem__(self, role: str) -> Picture:
        """Return a picture by its role.

        Raises:
            PictureError: the set has no such role; near ones are given.
        """
        if role in self.pictures:
            return self.pictures[role]
        near = get_close_matches(role, self.pictures, n=3)
        hint = ", ".join(near) if near else ", ".join(self.pictures)
        raise PictureError(
            f"The picture set {self.name!r} has no role {role!r}. "
            f"{'Near ones' if near else 'It has'}: {hint}."
        )

    def files(self) -> list[RemoteFile]:
        """Return the set's files, for the store to fetch and verify."""
        return [picture.remote for picture in self.pictures.values()]

    def ready(self, store: Store) -> PictureSet:
        """Return the set itself, once each of its files is there and is the right one.

        Raises:
            StoreError: a file is missing or has been changed; the message says how to get it.
        """
        store.verify(self.folder, self.files())
        return self

    def fetch(self, store: Store, *, progress: bool = True) -> PictureSet:
        """Return the set itself, once its missing files have been downloaded."""
        if self.shipped:
            return self.ready(store)
        store.fetch(self.folder, self.files(), progress=progress)
        return self


def built_in_sets() -> dict[str, Path]:
    """Return the built-in picture sets' files by name."""
    sets = {p.stem: p for p in sorted((Path(__file__).parent / "picture_sets").glob("*.toml"))}
    drawings = fixtures_folder() / "drawings" / "drawings.toml"
    return {**({"drawings": drawings} if drawings.is_file() else {}), **sets}


def find_picture_set(spec: str, store: Store) -> PictureSet:
    """Return the picture set of a built-in name or of a path that ends in ``.toml``.

    Raises:
        PictureError: there is no such set, or its file is not right.
    """
    known = built_in_sets()
    path = known.get(spec, Path(spec))
    if path.suffix != ".toml" or not path.is_file():
        raise PictureError(
            f"There is no picture set {spec!r}. Give one of {', '.join(known)}, or the path of "
            "a set's TOML file."
        )
    return read_picture_set(path, store)


def read_picture_set(path: Path, store: Store) -> PictureSet:
    """Read a picture set's TOML file.

    Raises:
        PictureError: a key is unknown, missing or of the wrong type; the message names the line.
    """
    document = read_toml(path, PictureError)
    data = dict(document.data)
    roles = data.pop("pictures", None)
    _check(document, path, (), data, _HEAD, must=("name", "title"))
    if not isinstance(roles, dict) or not roles:
        raise PictureError(f"{path}: there are no pictures; write [pictures.ROLE] for each.")
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", data["name"]):  # names a folder of the store
        raise PictureError(
            f"{path}, line {document.line('name')}: 'name' should be a name of letters, digits, "
            f"'.', '_' and '-', found {data['name']!r}."
        )
    folder, shipped = _folder(path, data, roles, store)
    pictures = {}
    for role, row in roles.items():
        at = ("pictures", role)
        if not isinstance(row, dict):
            raise PictureError(f"{path}, line {document.line(*at)}: write [pictures.{role}].")
        _check(document, path, at, row, _KEYS, must=("file", "sha256", "caption"))
        parent = row.get("derived_from")
        if parent is not None and parent not in roles:
            raise PictureError(
                f"{path}, line {document.line(*at, 'derived_from')}: {role!r} derives from "
                f"{parent!r}, which is no role of this set."
            )
        try:
            pictures[role] = _picture(role, row, folder, str(data.get("licence", "")))
        except StoreError as error:
            line = document.line(*at, "file")
            raise PictureError(f"{path}, line {line}: {error}") from None
        if not re.fullmatch("[0-9a-f]{64}", row["sha256"]):
            raise PictureError(
                f"{path}, line {document.line(*at, 'sha256')}: 'sha256' should be 64 lower-case "
                f"hexadecimal digits, found {row['sha256']!r}."
            )
    return PictureSet(str(data["name"]), str(data["title"]), folder, pictures, shipped)


def _folder(
    path: Path, data: dict[str, Any], roles: dict[str, Any], store: Store
) -> tuple[Path, bool]:
    stated = str(data.get("folder", ""))
    if stated.startswith(_SHIPPED):
        return fixtures_folder() / stated.removeprefix(_SHIPPED), True
    if any(isinstance(row, dict) and "url" in row for row in roles.values()):
        return store.folder("pictures", str(data["name"])), False
    return path.parent / stated, True


def _picture(role: str, row: dict[str, Any], folder: Path, licence: str) -> Picture:
    remote = RemoteFile(
        path=row["file"],
        sha256=row["sha256"],
        size=row.get("size"),
        url=row.get("url"),
        licence=row.get("licence", licence),
    )
    return Picture(
        role=role,
        path=folder / row["file"],
        caption=row["caption"],
        expected=row.get("expected"),
        derived_from=row.get("derived_from"),
        derived_by=row.get("derived_by"),
        remote=remote,
    )


def _check(
    document: Document,
    path: Path,
    at: tuple[str, ...],
    table: dict[str, Any],
    keys: dict[str, type],
    must: tuple[str, ...],
) -> None:
    where = f"[{'.'.join(at)}]" if at else "the head"
    for key, value in table.items():
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(keys)}."
            raise PictureError(
                f"{path}, line {document.line(*at, key)}: unknown key {key!r} in {where}.{hint}"
            )
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            raise PictureError(
                f"{path}, line {document.line(*at, key)}: {key!r} should be of the type "
                f"{keys[key].__name__}, found {value!r}."
            )
    for key in must:
        if key not in table:
            line = f", line {document.line(*at)}" if at else ""
            raise PictureError(f"{path}{line}: {where} misses the key {key!r}.")
