"""Fetches into a store in a process of its own, and reports as JSON what came of it.

Run as ``python -m tests.fetch_in_process HOME FILES ARCHIVE [--uid N] [--snapshots]``: FILES is a
JSON list of `RemoteFile`'s arguments, ARCHIVE a URL or an empty text. The process becomes user N;
the report has snapshots for a store that only this process sees.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

# Imported while this process may still read everything: it can give up that right below.
import platformdirs  # noqa: F401
import requests  # noqa: F401
import tqdm  # noqa: F401

from inception_harness.errors import StoreError
from inception_harness.store import Archive, RemoteFile, Store

__all__ = ["snapshot"]


def snapshot(folder: Path) -> dict[str, object]:
    """Return all that lies in a folder: files with content and identity, folders by name."""
    if not folder.exists():
        return {}
    tree: dict[str, object] = {".": "folder"}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        tree[str(path.relative_to(folder))] = (
            [path.read_bytes().hex(), about.st_ino, about.st_mtime_ns]
            if path.is_file()
            else "folder"
        )
    return tree


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("files", type=json.loads)
    parser.add_argument("archive")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--snapshots", action="store_true")
    arguments = parser.parse_args()
    before = snapshot(arguments.home) if arguments.snapshots else None
    if arguments.uid is not None:
        os.setgroups([])
        os.setgid(arguments.uid)
        os.setuid(arguments.uid)
    message = None
    try:
        store = Store(arguments.home)
        files = [RemoteFile(**file) for file in arguments.files]
        archive = Archive(arguments.archive) if arguments.archive else None
        store.fetch(store.folder("models", "toy"), files, archive)
    except StoreError as error:
        message = str(error)
    after = snapshot(arguments.home) if arguments.snapshots else None
    print(json.dumps({"error": message, "before": before, "after": after}))


if __name__ == "__main__":
    main()
