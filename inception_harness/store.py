"""Where models, pictures and datasets live, and how they get there.

The store is a folder: ``models/<card>/``, ``pictures/<set>/``, ``datasets/<name>/`` and
``converted/``. `INCEPTION_HARNESS_HOME` names it; else it is the platform's cache folder.
Nothing is written where all files are present, so a store may be read-only and shared.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from inception_harness.downloads import download
from inception_harness.errors import StoreError
from inception_harness.files import cannot_write, flush_to_disk, sha256_of, write_atomically
from inception_harness.remote_files import Archive, RemoteFile, difference_of, listed
from inception_harness.unpacking import unpack

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Archive", "RemoteFile", "Store", "sha256_of", "write_atomically"]

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_SECONDS_A_DAY = 24 * 60 * 60
_STAGING = ".fetch-"


class Store:
    """A folder of models, picture sets and datasets.

    Args:
        home: the folder; without it `INCEPTION_HARNESS_HOME`, else the platform's cache folder.
            It need not exist: the first fetch makes it.

    Attributes:
        home: the folder, absolute.
        timeout: seconds to wait for a connection, and for each next piece of a download.

    Raises:
        StoreError: ``home`` is a file.
    """

    timeout: tuple[float, float] = (20.0, 60.0)

    def __init__(self, home: Path | None = None) -> None:
        said = os.environ.get("INCEPTION_HARNESS_HOME", "")
        self.home = Path(home or said or _cache_folder()).expanduser().absolute()
        # Path.is_file raises, in some releases of Python, where a folder may not be entered; a
        # store that is never needed should not stop anybody.
        if os.path.isfile(self.home):  # noqa: PTH113
            by = "" if home or not said else ", which INCEPTION_HARNESS_HOME names,"
            raise StoreError(
                f"The store {self.home}{by} is a file; expected a folder, or a path where "
                "nothing is yet. Set INCEPTION_HARNESS_HOME to a folder."
            )

    def folder(self, *parts: str) -> Path:
        """Return the path of a folder of the store; it is not made."""
        return self.home.joinpath(*parts)

    def missing(self, folder: Path, files: Sequence[RemoteFile]) -> list[RemoteFile]:
        """Return the files that are not there; the others are not looked into.

        Raises:
            StoreError: the folder may not be entered.
        """
        try:
            return [file for file in files if not _is_there(folder / file.path)]
        except OSError as error:
            raise StoreError(f"Cannot look into {folder}: {error.strerror}.") from error

    def require(
        self, folder: Path, files: Sequence[RemoteFile], *, name: str | None = None
    ) -> None:
        """Refuse to go on without these files; nothing is downloaded and no hash computed.

        Args:
            folder: where they should be.
            files: what should be there.
            name: what to type after ``inception-harness fetch``; without it the folder's name.

        Raises:
            StoreError: with the missing files and the ways to get them.
        """
        absent = self.missing(folder, files)
        if absent:
            name = name or folder.name
            raise StoreError(
                f"{name} is not complete: {folder} lacks {listed(absent)}. "
                f"Run `inception-harness fetch {name}` to download what is missing or, if you "
                "have a store elsewhere, set INCEPTION_HARNESS_HOME to its folder "
                f"(the store is now {self.home})."
            )

    def verify(self, folder: Path, files: Sequence[RemoteFile], *, name: str | None = None) -> None:
        """Check that every file is there and is the one expected: its size, then its hash.

        Args:
            folder: where they should be.
            files: what should be there.
            name: what to type after ``inception-harness fetch``; without it the folder's name.

        Raises:
            StoreError: names the first file that is missing or differs, what was expected and
                found, and what to do.
        """
        self.require(folder, files, name=name)
        for file in files:
            difference = difference_of(folder / file.path, file)
            if difference:
                raise StoreError(
                    f"{folder / file.path} is not the file that it should be: {difference}. "
                    f"Delete it, then run `inception-harness fetch {name or folder.name}`."
                )

    def fetch(
        self,
        folder: Path,
        files: Sequence[RemoteFile],
        archive: Archive | None = None,
        *,
        progress: bool | None = None,
    ) -> Path:
        """Get the files that are missing, verify all, and return the folder.

        Files are downloaded and unpacked aside, and move to their places when every one of them
        has the right hash: the folder gets all that it lacks, or stays as it was. Files that are
        there are verified, never replaced. Any number of processes may fetch at once.

        Args:
            folder: where the files belong.
            files: what belongs there.
            archive: holds those of the files that have no URL.
            progress: True shows a bar on stderr, False shows none; None shows one where stderr
                is a terminal.

        Raises:
            StoreError: a file could not be had, or is not the one expected.
        """
        absent = self.missing(folder, files)
        self.verify(folder, [file for file in files if file not in absent])
        if not absent:
            return folder
        _refuse_unobtainable(folder, absent, archive)
        try:
            with self._staging(folder, absent) as staging:
                with _progress_bar(folder.name, absent, progress) as bar:
                    self._gather(staging, absent, archive, bar)
                for file in absent:
                    (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
                    (staging / file.path).replace(folder / file.path)
        except OSError as error:
            raise StoreError(
                f"{cannot_write(folder, error)} The store is as it was; "
                "INCEPTION_HARNESS_HOME can name a folder elsewhere."
            ) from error
        return folder

    def _gather(
        self,
        staging: Path,
        files: Sequence[RemoteFile],
        archive: Archive | None,
        bar: tqdm[NoReturn],
    ) -> None:
        """Download and unpack into ``staging``, and verify what came."""
        packed = [file.path for file in files if file.url is None]
        if archive and packed:
            # No file of a card is named like this: the name is drawn anew for each fetch.
            tar = staging / f"{staging.name}.tar"
            download(archive.url, tar, size=None, bar=bar, timeout=self.timeout)
            unpack(tar, archive.url, packed, staging)
            tar.unlink()
        for file in files:
            path = staging / file.path
            if file.url is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                download(file.url, path, size=file.size, bar=bar, timeout=self.timeout)
            _refuse_other(path, file, archive)
            flush_to_disk(path)

    @contextmanager
    def _staging(self, folder: Path, absent: Sequence[RemoteFile]) -> Iterator[Path]:
        """Make a folder on the same disk to gather files in, and leave no trace of it."""
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        staging = folder / f"{_STAGING}{secrets.token_hex(8)}"
        try:
            try:
                staging.mkdir(parents=True)
            except OSError as error:
                if error.errno in _READ_ONLY:
                    raise self._read_only(folder, absent, error) from error
                raise
            _remove_abandoned(folder)
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            with suppress(OSError):  # the first folder that is not empty ends it
                for path in made:
                    path.rmdir()

    def _read_only(self, folder: Path, absent: Sequence[RemoteFile], error: OSError) -> StoreError:
        return StoreError(
            f"{folder} lacks {listed(absent)}, and the store {self.home} is read-only "
            f"({error.strerror}). Have its owner run `inception-harness fetch {folder.name}`, or "
            "set INCEPTION_HARNESS_HOME to a folder that you can write and run it yourself."
        )


def _is_there(path: Path) -> bool:
    # Path.exists says no, in some releases of Python, of a file that may not be looked at.
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("inception-harness", appauthor=False)


def _refuse_unobtainable(
    folder: Path, files: Sequence[RemoteFile], archive: Archive | None
) -> None:
    for file in files:
        if file.url is None and archive is None:
            raise StoreError(
                f"{folder / file.path} is missing, and its card names neither a url nor an "
                "archive to get it from. Put the file there, or add a url."
            )
        if not (file.sha256 or file.md5):
            raise StoreError(
                f"{file.path} of {folder.name} has neither a sha256 nor an md5, so a download of "
                "it cannot be verified. Add one of them."
            )


def _refuse_other(path: Path, file: RemoteFile, archive: Archive | None) -> None:
    difference = difference_of(path, file)
    if difference:
        source = file.url or (archive and f"{file.path} from {archive.url}")
        with path.open("rb") as start:
            page = " It looks like a web page." if start.read(64).lstrip()[:1] == b"<" else ""
        raise StoreError(
            f"{source} is not the file that it should be: {difference}.{page} It was thrown away "
            "and the store is as it was. Try again; if it stays so, the publisher has changed it."
        )


def _progress_bar(name: str, files: Sequence[RemoteFile], progress: bool | None) -> tqdm[NoReturn]:
    from tqdm import tqdm

    # Sizes that are not known here are added when the server tells them.
    total = sum(file.size or 0 for file in files if file.url is not None)
    disable = None if progress is None else not progress
    return tqdm(total=total or None, desc=name, unit="B", unit_scale=True, disable=disable)


def _remove_abandoned(folder: Path) -> None:
    """Remove what a fetch left that was killed; one that still runs is younger than a day."""
    for staging in folder.glob(f"{_STAGING}*"):
        with suppress(OSError):
            if time.time() - staging.stat().st_mtime > _SECONDS_A_DAY:
                shutil.rmtree(staging)
