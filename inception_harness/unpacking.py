"""Takes single files out of a tar archive that nobody vouches for."""

from __future__ import annotations

import lzma
import platform
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from inception_harness.errors import StoreError

__all__ = ["unpack"]


def unpack(archive: Path, source: str, paths: Iterable[str], into: Path) -> None:
    """Unpack the wanted files of an archive, and nothing else.

    A member is found by its path or, where no path fits, by its file name alone. Members that
    would land outside the folder, and devices, are refused even where they are not wanted: an
    archive with one of these is not what the publisher packed.

    Args:
        archive: a tar file, plain or compressed in any way that ``tarfile`` reads.
        source: where it came from, for messages.
        paths: the files wanted, as POSIX paths relative to ``into``.
        into: the folder to unpack in, which exists.

    Raises:
        StoreError: it is no archive, is damaged, lacks a file or has a dangerous member; or this
            Python is too old to unpack safely.
        OSError: ``into`` cannot be written.
    """
    if not hasattr(tarfile, "data_filter"):
        raise StoreError(
            f"Cannot unpack {source}: the tarfile module of Python {platform.python_version()} has "
            "no data filter, which keeps members inside the folder. The store is as it was. "
            "Use Python 3.11.4 or later."
        )
    try:
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
            for member in members:
                _refuse_dangerous(member, source, into)
            for path in paths:
                # A new TarInfo, so that the file lands under the name that the card gives it.
                found = _find(members, path, source).replace(name=path, deep=False)
                tar.extract(found, into, set_attrs=False, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(archive, source) from error
    except OSError as error:
        # gzip and bz2 report damaged data by an OSError without a number.
        if error.errno is not None:
            raise
        raise _damaged(archive, source) from error


def _refuse_dangerous(member: tarfile.TarInfo, source: str, into: Path) -> None:
    try:
        tarfile.data_filter(member, str(into))
    except tarfile.SpecialFileError as error:
        raise _dangerous(member, source, "is a device or a pipe") from error
    except tarfile.FilterError as error:
        raise _dangerous(member, source, "points outside the folder that it belongs in") from error
    # The filter cuts the leading slash off and goes on; a publisher's archive has none.
    if member.name.startswith(("/", "\\")):
        raise _dangerous(member, source, "has an absolute path")


def _find(members: Sequence[tarfile.TarInfo], path: str, source: str) -> tarfile.TarInfo:
    wanted = PurePosixPath(path)
    named = [member for member in members if PurePosixPath(member.name).name == wanted.name]
    # Of two members with one path the later counts, as in tar itself.
    exact = [member for member in named if PurePosixPath(member.name) == wanted][-1:]
    fitting = exact or named
    if len(fitting) == 1 and fitting[0].isreg():
        return fitting[0]
    if not fitting:
        has = ", ".join(member.name for member in members[:8]) or "nothing"
        what = f"has no member {path}; it has {has}{', …' if len(members) > 8 else ''}"
        # A damaged header in the middle looks like the end of the archive.
        what += ". It is another archive, or damaged"
    elif len(fitting) > 1:
        what = f"has {path} more than once: {', '.join(member.name for member in fitting)}"
    else:
        what = f"has the member {fitting[0].name}, which is a link or a folder, not a file"
    raise StoreError(f"The archive {source} {what}. The store is as it was.")


def _dangerous(member: tarfile.TarInfo, source: str, what: str) -> StoreError:
    return StoreError(
        f"The archive {source} has the member {member.name!r}, which {what}. "
        "Nothing was unpacked and the store is as it was. Do not use this archive."
    )


def _damaged(archive: Path, source: str) -> StoreError:
    with archive.open("rb") as file:
        start = file.read(32)
    if start.lstrip().startswith(b"<"):
        what = "is a web page, saved in its place"
    else:
        what = "is cut short, damaged or no tar archive"
    return StoreError(
        f"The archive {source} {what}; it has {archive.stat().st_size:,} bytes. "
        "The store is as it was. Try again, and check the address."
    )
