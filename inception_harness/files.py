"""Hashes of files, and writing that is seen whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from pathlib import Path

from inception_harness.errors import StoreError

__all__ = ["cannot_write", "flush_to_disk", "hash_of", "sha256_of", "write_atomically"]

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
        with path.open("rb") as file:
            # md5 tells a damaged file here, it does not protect; FIPS builds ask to be told so.
            return hashlib.file_digest(
                file, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}.") from error


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in lower-case hex, 64 digits.

    Raises:
        StoreError: the file cannot be read.
    """
    return hash_of(path, "sha256")


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
