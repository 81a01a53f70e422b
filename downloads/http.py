"""One address -> one verified file: resumed where it broke off, given up if the host stalls.

An unfinished download is kept as `.NAME.part` in the folder of the file; `.NAME.part.json` says
what it is part of.
"""

import http.client
import os
import re
import threading
import time
from concurrent import futures
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests
import urllib3
from requests import exceptions

from support.console import Say
from support.errors import RunError, UserError
from support.files import check_room, read_json, sha256_of, write_json
from support.progress import Progress
from support.text import in_units, shortened

CHUNK_BYTES = 1 << 18
LONGEST_WAIT_SECONDS = 60.0
TRIES_WITHOUT_AN_ANSWER = 2
# Answers that may change within a minute.
PASSING = (408, 425, 429, 500, 502, 503, 504)
# Failures that asking again would not change; a ValueError is an address that cannot be one.
LASTING = (exceptions.SSLError, exceptions.ProxyError, exceptions.TooManyRedirects, ValueError)
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|script)", re.IGNORECASE)
TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Patience:
    """When to give up on a host."""

    answer_seconds: float = 60  # until its answer begins, including name lookup and redirects
    window_seconds: float = 30  # a stall is when fewer than window_bytes come in that time
    window_bytes: int = 30_000
    tries: int = 8  # connections in a row that may bring fewer than window_bytes
    wait_seconds: float = 1  # before the second of them; doubles each time


class _BrokenError(Exception):
    """A failure that may not happen on the next try."""


@dataclass
class _Part:
    """The unfinished download, and what it is part of."""

    path: Path
    address: str
    wanted: int | None  # the size of the right file
    copies: int
    patience: Patience
    validator: str = ""
    total: int | None = None  # the size of the host's file

    @property
    def note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def begin(self, validator: str, total: int | None) -> None:
        """Start over, with this version of the file."""
        self.drop()
        self.validator, self.total = validator, total
        write_json(self.note, {"address": self.address, "validator": validator, "total": total})

    def recall(self, trusted: bool) -> None:
        """Keep what is left over from an earlier run, if it has this address and can be checked."""
        try:
            note = read_json(self.note)
        except UserError:
            note = {}
        self.validator, self.total = str(note.get("validator", "")), note.get("total")
        if note.get("address") != self.address or not (trusted or self.validator):
            self.drop()

    def drop(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.validator, self.total = "", None


def fetch(
    address: str,
    path: Path,
    sha256: str | None = None,
    size: int | None = None,
    copies: int = 1,
    patience: Patience | None = None,
    warn: Say = lambda line: None,
) -> None:
    """Fetch `address` (http or https) to `path`, resuming an unfinished download of an earlier run.

    The file is there complete or not at all; its sha256 and its size in bytes are checked if known.
    `copies` of it must fit on the disk: 2 if it will be unpacked. `warn` gets a line for each
    failure after which it tries again.

    Raises:
        RunError: the address does not give the right file; says what it gave.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name.lstrip('.')}.part")
    part = _Part(aside, address, size, copies, patience or Patience())
    part.recall(trusted=sha256 is not None)
    for last in (False, True):
        pieces = _receive_all(part, warn)
        problem = problem_with(part.path, sha256, size)
        if not problem:
            break
        part.drop()
        if pieces == 1 or last:
            raise RunError(f"{address}: {problem}")
        warn(f"{address}: {problem}, in {pieces} pieces; fetching it in one")
    with part.path.open("rb+") as whole:
        os.fsync(whole.fileno())
    os.replace(part.path, path)
    part.note.unlink(missing_ok=True)


def problem_with(path: Path, sha256: str | None, size: int | None) -> str:
    """What is wrong with a file: it is empty, a web page, of wrong size or hash; "" if nothing."""
    found = path.stat().st_size if path.is_file() else 0
    if not found:
        return "an empty answer"
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if WEB_PAGE.match(head):
        return _web_page(head)
    if size is not None and found != size:
        return f"the file has {found:,} bytes, the right one {size:,}"
    if sha256 is not None and (digest := sha256_of(path)) != sha256:
        return f"wrong content: its sha256 begins {digest[:12]}, the right one's {sha256[:12]}"
    return ""


def _web_page(head: bytes) -> str:
    title = TITLE.search(head)
    text = " ".join(title[1].decode(errors="replace").split())[:100] if title else ""
    return f"a web page instead of the file{f', titled {text!r}' if text else ''}"


def _receive_all(part: _Part, warn: Say) -> int:
    """Connect until the download is complete -> how many pieces it was put together from."""
    pieces, failures, answered = 1 if part.size else 0, 0, False
    furthest, patience = part.size, part.patience
    while part.total is None or part.size != part.total:
        try:
            with _answer(part) as answer:
                answered = True
                _receive(answer, part)
            return pieces + 1
        except _BrokenError as error:
            pieces += 1
            # Only what goes beyond the furthest point counts: a host may send the same half again.
            failures = 0 if part.size >= furthest + patience.window_bytes else failures + 1
            furthest = max(furthest, part.size)
            if failures >= (patience.tries if answered else TRIES_WITHOUT_AN_ANSWER):
                raise RunError(f"{part.address}: {error}, {failures} times in a row") from error
            wait = min(patience.wait_seconds * 2**failures, LONGEST_WAIT_SECONDS)
            here = f"{in_units(part.size)} are here; trying again in {wait:.0f} s"
            warn(f"{part.address}: {error}, {here}")
        time.sleep(wait)
    return pieces


def _answer(part: _Part) -> requests.Response:
    """Ask for the file, or for the rest of it -> the answer, of which only the head has been read.

    Asks in a thread, because a socket's time limits hold for each call alone: a name server that
    does not answer, or headers that come letter by letter, could stay within them for hours.
    """
    patience, headers = part.patience, {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.validator:
            headers["If-Range"] = part.validator
    timeout = (patience.answer_seconds, patience.window_seconds)
    outcome: futures.Future[requests.Response] = futures.Future()

    def ask() -> None:
        try:
            answer = requests.get(part.address, headers=headers, stream=True, timeout=timeout)
        except Exception as error:  # raised below, in the thread that waits
            outcome.set_exception(error)
        else:
            outcome.set_result(answer)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return outcome.result(patience.answer_seconds)
    except futures.TimeoutError:
        raise _BrokenError(f"no answer within {patience.answer_seconds:g} s") from None
    except LASTING as error:
        raise RunError(f"{part.address}: {_reason(error)}") from error
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise _BrokenError(_reason(error)) from error


def _receive(answer: requests.Response, part: _Part) -> None:
    """Write the body of one answer; returns when the file is complete."""
    _place(answer, part)
    if part.wanted is not None and part.total not in (None, part.wanted):
        problem = f"{part.total:,} bytes, the right file has {part.wanted:,}"
        part.drop()
        raise RunError(f"{part.address}: {problem}")
    expected = part.total or part.wanted or 0
    check_room(part.path.parent, expected * part.copies - part.size)
    began, came = time.monotonic(), 0
    name = part.path.name.removeprefix(".").removesuffix(".part")
    with (
        part.path.open("ab") as file,
        Progress(name, expected // 1024, "KiB", part.size // 1024) as progress,
    ):
        while chunk := _next_chunk(answer):
            file.write(chunk)
            progress.reach(file.tell() // 1024)
            if part.wanted is not None and file.tell() > part.wanted:
                part.drop()
                problem = f"more than the {part.wanted:,} bytes of the right file"
                raise RunError(f"{part.address}: {problem}")
            came += len(chunk)
            if (elapsed := time.monotonic() - began) >= part.patience.window_seconds:
                if came < part.patience.window_bytes:
                    raise _BrokenError(f"stalled: {in_units(came)} in {elapsed:.0f} s")
                began, came = time.monotonic(), 0
    if part.total is not None and part.size != part.total:
        raise _BrokenError("cut off")


def _place(answer: requests.Response, part: _Part) -> None:
    """Check that the answer's body continues the part; start over if it is the whole file."""
    status, headers = answer.status_code, answer.headers
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    if status in PASSING:
        raise _BrokenError(f"answered {status} {phrase}")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.size:
        part.drop()
        raise _BrokenError("the file on the host has changed")
    if status == HTTPStatus.PARTIAL_CONTENT and part.size:
        place = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if place is None or int(place[1]) != part.size or place[2] not in ("*", str(part.total)):
            part.drop()
            raise _BrokenError("answered with a different part than the one asked for")
        return
    if status != HTTPStatus.OK:
        raise RunError(f"{part.address}: answered {status} {phrase}")
    if headers.get("Content-Type", "").startswith("text/html"):
        raise RunError(f"{part.address}: {_web_page(_next_chunk(answer))}")
    length, etag = headers.get("Content-Length", ""), headers.get("ETag", "")
    # A weak tag says that two versions mean the same, not that their bytes are the same.
    validator = headers.get("Last-Modified", "") if etag.startswith("W/") or not etag else etag
    part.begin(validator, int(length) if re.fullmatch(r"\d{1,18}", length) else None)


def _next_chunk(answer: requests.Response) -> bytes:
    """The bytes that have arrived, at most CHUNK_BYTES; does not wait for a full chunk."""
    try:
        return answer.raw.read1(CHUNK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _BrokenError(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """The innermost cause in a library's nested error, on one line."""
    proxy = "the proxy: " if isinstance(error, exceptions.ProxyError) else ""
    while causes := [
        cause
        for argument in error.args
        for cause in (getattr(argument, "reason", None), argument)
        if isinstance(cause, Exception)
    ]:
        error = causes[0]
    if isinstance(error, http.client.IncompleteRead):
        return "cut off"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = re.sub(r"^\S*Connection(Pool)?\(.*?\): |^<.*?>: ", "", " ".join(text.split()))
    return proxy + shortened(text or repr(error))
