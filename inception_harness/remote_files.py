"""What is known of a file that can be downloaded, and whether a file is that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inception_harness.errors import StoreError
from inception_harness.files import hash_of

__all__ = ["Archive", "RemoteFile", "difference_of", "listed"]

_SHOWN = 5


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model, a picture set or a dataset.

    Attributes:
        path: relative POSIX path inside its folder of the store.
        sha256: lower-case hex, or None where a publisher gives only an md5.
        md5: lower-case hex; is looked at only without a sha256.
        size: bytes, where known.
        url: where to download it; None when it comes out of an archive or is put there by hand.
        licence: under which terms it may be used.

    Raises:
        StoreError: the path leads out of the folder.
    """

    path: str
    sha256: str | None
    md5: str | None = None
    size: int | None = None
    url: str | None = None
    licence: str = ""

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\\" in self.path or ":" in parts[0]:
            raise StoreError(
                f"{self.path!r} is not the path of a file inside its folder; "
                "expected a relative path with forward slashes and without '..'."
            )


@dataclass(frozen=True)
class Archive:
    """A tar archive, plain or compressed, that holds the files without a URL of their own.

    Its members are verified, not the archive: the same files packed again have another hash.
    """

    url: str


def difference_of(path: Path, file: RemoteFile) -> str:
    """Return how a file differs from the one expected, or an empty string.

    The size is compared first: it tells a file that was cut short without reading it.

    Raises:
        StoreError: the file cannot be read.
    """
    if not path.is_file():
        return "expected a file, found a folder or a device"
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"expected {file.size:,} bytes, found {size:,} bytes"
    algorithm, expected = ("sha256", file.sha256) if file.sha256 else ("md5", file.md5)
    if expected is not None:
        found = hash_of(path, algorithm)
        if found != expected.lower():
            return f"expected {algorithm} {expected}, found {found}"
    return ""


def listed(files: Sequence[RemoteFile]) -> str:
    """Return the files' paths for a message, at most five of them."""
    more = len(files) - _SHOWN
    shown = ", ".join(file.path for file in files[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
