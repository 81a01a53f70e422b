"""A real HTTP server on loopback that misbehaves as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from downloads.http import Patience

# No waiting between tries; hosts that stall are given up by HASTY only, so that a busy machine
# does not look like one.
SHORT = Patience(answer_seconds=10, window_seconds=10, window_bytes=100, tries=3, wait_seconds=0.01)
HASTY = replace(SHORT, answer_seconds=0.4, window_seconds=0.2)
NO_SUCH_HOST = "http://127.0.0.1:9/"


class Request(BaseHTTPRequestHandler):
    """One request, which a manner answers."""

    protocol_version = "HTTP/1.1"
    host: "Host"

    def get(self) -> None:
        self.close_connection = True
        self.host.ranges.append(self.headers.get("Range"))
        self.host.paths.append(self.path)
        content = self.host.files.get(self.path.lstrip("/").partition("?")[0])
        try:
            if content is None:
                self.answer(404)
            else:
                self.host.manner(self, content)
        except OSError:
            pass  # the client went away, as it should

    def log_message(self, *args: object) -> None:
        pass

    def answer(
        self, status: int, body: bytes = b"", length: int | str = "", **headers: str
    ) -> None:
        """Send an answer that announces `length` bytes: those of the body if not told."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(length or len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def serve(self, content: bytes, upto: int | None = None) -> None:
        """Answer as good hosts do, ranges included; cut off after `upto` bytes of the body."""
        tag = f'"{hash(content):x}"'
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") in (None, tag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.answer(416)
                return
            rest = content[start:]
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206, rest[:upto], len(rest), ETag=tag, Content_Range=place)
        else:
            self.answer(200, content[:upto], len(content), ETag=tag)


Manner = Callable[[Request, bytes], None]


class Host:
    """The files that a server has, how it answers, and what it was asked for."""

    def __init__(self) -> None:
        self.address = ""
        self.files: dict[str, bytes] = {}
        self.manner: Manner = Request.serve
        self.ranges: list[str | None] = []
        self.paths: list[str] = []


@contextmanager
def running_host() -> Iterator[Host]:
    """A server on a free port, until the end of the block."""
    host = Host()
    handler = type("Handler", (Request,), {"host": host, "do_GET": Request.get})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        host.address = f"http://127.0.0.1:{server.server_port}/"
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield host
        server.shutdown()


def in_turn(*manners: Manner) -> Manner:
    """The first manner for the first request, and so on; the last one stays."""
    left = list(manners)

    def manner(request: Request, content: bytes) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request, content)

    return manner


def cut_after(count: int) -> Manner:
    """Each connection breaks after so many bytes."""
    return lambda request, content: request.serve(content, upto=count)


def status(code: int, **headers: str) -> Manner:
    return lambda request, _: request.answer(code, b"sorry", "", **headers)


def without_ranges(request: Request, content: bytes, upto: int | None = None) -> None:
    request.answer(200, content[:upto], len(content), ETag='"x"')


def silent(request: Request, content: bytes) -> None:
    time.sleep(1)


def dripping_head(request: Request, content: bytes) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Letters: ")
    for _ in range(100):
        time.sleep(0.02)
        request.wfile.write(b"x")


def dripping_body(request: Request, content: bytes) -> None:
    request.answer(200, b"", len(content))
    for letter in content[:100]:
        time.sleep(0.02)
        request.wfile.write(bytes([letter]))


def silent_midway(request: Request, content: bytes) -> None:
    request.serve(content, upto=len(content) // 2)
    time.sleep(1)


def dated(request: Request, content: bytes) -> None:
    """A validator that is a date, no tag."""
    request.answer(200, content[:500], len(content), Last_Modified=formatdate(0, usegmt=True))


def chunked(body: bytes, whole: bool = True) -> Manner:
    """The body in two chunks, without a length; without the end where not `whole`."""

    def manner(request: Request, content: bytes) -> None:
        request.answer(200, Transfer_Encoding="chunked")
        for half in (body[: len(body) // 2], body[len(body) // 2 :])[: 2 if whole else 1]:
            request.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
        if whole:
            request.wfile.write(b"0\r\n\r\n")

    return manner
