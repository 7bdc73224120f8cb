"""A real HTTP server on loopback, with faults that a test can switch on."""

from __future__ import annotations

import functools
import socket
import struct
import threading
import time
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["FAULTS", "LoopbackServer", "serve"]

FAULTS = {
    "404": "the file is not found",
    "503": "the server is overloaded",
    "cut": "the announced length, then half of the body, then the connection is closed",
    "reset": "as cut, but the connection is reset",
    "chunked-cut": "no announced length, half of the body in chunks, and no last chunk",
    "wrong": "another content of the same length",
    "html": "a web page with status 200 in place of the file",
    "no-length": "the whole file without an announced length",
    "slow": "the whole file in 20 pieces, 50 ms apart",
    "meet": "the whole file, once two clients have asked for it",
    "stall": "half of the body, then silence until the server is closed",
    "redirect": "status 302 to /redirected/<path>, where the file is",
}

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n"


class LoopbackServer(str):
    """The base URL of a running server, and the server itself.

    It serves a folder at ``http://127.0.0.1:<port>`` until it is closed, at the latest with the
    process. As a context manager it closes itself::

        with serve(folder) as base_url:
            base_url.faults["/model.tgz"] = "cut"
            fetch(f"{base_url}/model.tgz")
            assert base_url.requests == ["/model.tgz"]

    Attributes:
        faults: fault by path (with its leading slash); one of `FAULTS`. Empty at first.
        requests: the paths asked for, in order.
    """

    faults: dict[str, str]
    requests: list[str]

    def __new__(cls, folder: Path) -> LoopbackServer:
        handler = functools.partial(_Handler, directory=str(folder))
        server = _Server(("127.0.0.1", 0), handler)
        self = super().__new__(cls, f"http://127.0.0.1:{server.server_address[1]}")
        self._server = server
        self.faults = server.faults
        self.requests = server.requests
        # Short polls, so that closing does not make each test wait half a second.
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop the server; more than one call does no harm."""
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> LoopbackServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(folder: Path) -> LoopbackServer:
    """Serve a folder over HTTP on a free port of loopback; see `LoopbackServer`."""
    return LoopbackServer(folder)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined on closing, so that no thread outlives its test

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.faults: dict[str, str] = {}
        self.requests: list[str] = []
        self.closing = threading.Event()
        self.meeting = threading.Barrier(2, timeout=60)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what some tests are about; print nothing of it."""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.close_connection = True
        self.path = self.path.removeprefix("/redirected")
        fault = self.server.faults.get(self.path, "")
        file = Path(self.translate_path(self.path))
        if fault == "redirect" and self.server.requests[-1] == self.path:
            self._head(HTTPStatus.FOUND, {"Location": f"/redirected{self.path}"}, 0)
        elif fault.isdecimal():
            self.send_error(HTTPStatus(int(fault)))
        elif not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
        elif fault == "html":
            self._head(HTTPStatus.OK, {"Content-Type": "text/html"}, len(_PAGE))
            self.wfile.write(_PAGE)
        else:
            self._send_body(file.read_bytes(), fault)

    def _send_body(self, body: bytes, fault: str) -> None:
        if fault == "meet":
            self.server.meeting.wait()
        half = len(body) // 2
        if fault == "chunked-cut":
            self._head(HTTPStatus.OK, {"Transfer-Encoding": "chunked"}, None)
            self.wfile.write(b"%x\r\n%s\r\n" % (half, body[:half]))
            return
        self._head(HTTPStatus.OK, {}, None if fault == "no-length" else len(body))
        if fault in ("cut", "reset", "stall"):
            self.wfile.write(body[:half])
        if fault == "reset":
            time.sleep(0.2)  # a reset drops what the client has not yet read
            # Lingering for zero seconds makes the system answer a close with a reset.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        elif fault == "stall":
            self.server.closing.wait()
        elif fault == "slow":
            step = -(-len(body) // 20)
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                self.server.closing.wait(0.05)
        elif fault == "wrong":
            self.wfile.write(bytes(byte ^ 1 for byte in body))
        elif fault != "cut":
            self.wfile.write(body)

    def _head(self, status: HTTPStatus, headers: dict[str, str], length: int | None) -> None:
        headers = {"Content-Type": "application/octet-stream", **headers}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
