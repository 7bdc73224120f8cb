"""Hashes of files, and writing that is seen whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from functools import lru_cache
from pathlib import Path

from inception_harness.errors import StoreError

__all__ = [
    "cannot_write",
    "flush_to_disk",
    "hash_of",
    "refuse_unwritable",
    "sha256_of",
    "write_atomically",
]

# Two writes within one tick of a file system's clock look the same; FAT's is the coarsest, 2 s.
_CLOCK_TICK_NS = 3_000_000_000
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def hash_of(path: Path, algorithm: str) -> str:
    """Return a file's hash in lower-case hex.

    Args:
        path: the file.
        algorithm: ``sha256``, or ``md5`` where a publisher gives nothing better.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        seen = path.stat()
        # A start asks for the hash of one large file several times: to verify it, to find its
        # conversion, and to name it. Whatever writes to the file changes one of these.
        state = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        if time.time_ns() - max(state[3:]) < _CLOCK_TICK_NS:
            return _hash_of_state.__wrapped__(path, algorithm, state)
        return _hash_of_state(path, algorithm, state)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}.") from error


@lru_cache(maxsize=256)
def _hash_of_state(path: Path, algorithm: str, state: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        # md5 tells a damaged file here, it does not protect; FIPS builds ask to be told so.
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in lower-case hex, 64 digits.

    Raises:
        StoreError: the file cannot be read.
    """
    return hash_of(path, "sha256")


def refuse_unwritable(path: Path | None, option: str) -> None:
    """Refuse a file that could not be written, before the work whose result it is to hold.

    Args:
        path: the file to be, or None where none was asked for.
        option: what asked for it, for the error, for example ``--json``.

    Raises:
        StoreError: it is a folder, or stands in a folder that is missing or cannot be written to.
    """
    if path is None:
        return
    folder = path.absolute().parent
    if path.is_dir():
        problem = "that is a folder; name a file"
    elif not folder.is_dir():
        problem = f"there is no folder {folder}; make it first"
    elif not os.access(folder, os.W_OK):
        problem = f"the folder {folder} cannot be written to; name another"
    else:
        return
    raise StoreError(f"{option} {path}: {problem}.")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that no reader ever sees half of it.

    The bytes go to a temporary file in the same folder, which then takes the name. Folders that
    are missing above it are made. A symbolic link stays one: what it points to is replaced.

    Raises:
        StoreError: the file cannot be written; one that was there before is unchanged.
    """
    # os.replace puts a file in the place of a link; what the link points to is meant.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if target.exists() and not target.is_file():
            raise StoreError(f"Cannot write {path}: it exists and is not a regular file.")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            flush_to_disk(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def flush_to_disk(path: Path) -> None:
    """Have the system put a written file on the disk, so that a power cut leaves no hollow one."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def cannot_write(path: Path, error: OSError) -> StoreError:
    """Return the error that says why a file or a folder could not be written."""
    hint = " Free some space, or write to another disk." if error.errno in _NO_ROOM else ""
    return StoreError(f"Cannot write {path}: {error.strerror or error}.{hint}")
