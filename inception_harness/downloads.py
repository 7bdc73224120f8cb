"""One file over HTTP, whole or with one clear error."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from inception_harness.errors import StoreError

if TYPE_CHECKING:
    import requests
    from tqdm import tqdm

__all__ = ["download"]

_CHUNK = 1 << 16

# Unpacked on the way, a body has another length than the server announces.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "inception-harness"}


def download(
    url: str, path: Path, *, size: int | None, bar: tqdm[NoReturn], timeout: tuple[float, float]
) -> None:
    """Download one file; redirects are followed.

    Args:
        url: an ``http`` or ``https`` address.
        path: the file to write, which must not exist. After an error it may hold a part.
        size: how many bytes to expect, or None; a server that announces another number is
            refused before the body is read.
        bar: is moved on by the bytes that arrive.
        timeout: seconds to wait for the connection, and for each next piece of the body.

    Raises:
        StoreError: no connection, an error status, another size, a body that ends early.
        OSError: ``path`` cannot be written.
    """
    import requests

    try:
        with requests.get(url, headers=_HEADERS, stream=True, timeout=timeout) as response:
            response.raise_for_status()
            length = _announced_length(response)
            if size is not None and length is not None and length != size:
                kind = response.headers.get("Content-Type", "unknown type")
                raise _failure(
                    url,
                    f"the server offers {length:,} bytes ({kind}), expected {size:,} bytes",
                    "The file behind this address is another one than it was.",
                )
            if size is None:
                bar.total = (bar.total or 0) + (length or 0)
            _save(url, response, path, length, bar)
    except requests.RequestException as error:
        raise _explained(url, error, timeout) from error


def _save(
    url: str, response: requests.Response, path: Path, length: int | None, bar: tqdm[NoReturn]
) -> None:
    import requests

    received = 0
    try:
        with path.open("xb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))
    except requests.exceptions.ChunkedEncodingError as error:
        # The last piece arrived, but urllib3 does not hand it out when more should follow.
        raise _cut(url, max(received, response.raw.tell()), length) from error
    # Old releases of urllib3 take a body that ends early for the whole.
    if length is not None and received < length:
        raise _cut(url, received, length)


def _announced_length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return int(length) if length.isdecimal() and not encoded else None


def _explained(
    url: str, error: requests.RequestException, timeout: tuple[float, float]
) -> StoreError:
    import requests

    cause = _root_cause(error)
    if isinstance(error, requests.HTTPError):
        status = f"{error.response.status_code} ({error.response.reason})"
        hint = "Open the address in a browser to see whether the file has moved."
        if error.response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            hint = "Try again later."
        return _failure(url, f"the server answered {status}", hint)
    if isinstance(error, requests.Timeout) or isinstance(cause, TimeoutError):
        seconds = timeout[0] if isinstance(error, requests.ConnectTimeout) else timeout[1]
        return _failure(url, f"the server was silent for {seconds:g} s", "Try again later.")
    reason = getattr(cause, "strerror", None) or str(cause)
    if isinstance(error, requests.ConnectionError):
        what = f"no connection to {urlsplit(url).netloc} ({reason})"
        return _failure(url, what, "Check the network and the proxy settings, then try again.")
    return _failure(url, reason.rstrip("."), "Check the address.")


def _root_cause(error: BaseException) -> BaseException:
    # requests and urllib3 wrap what happened two or three times over.
    while error.__context__ is not None:
        error = error.__context__
    return error


def _cut(url: str, received: int, length: int | None) -> StoreError:
    of = "" if length is None else f" of {length:,}"
    what = f"the connection was cut after {received:,}{of} bytes"
    return _failure(url, what, "Try again; it starts from the beginning.")


def _failure(url: str, what: str, hint: str) -> StoreError:
    return StoreError(f"Cannot download {url}: {what}. The store is as it was. {hint}")
