"""http.py against a server that misbehaves: the right file, or one line and no file."""

import errno
import hashlib
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hosts import (
    HASTY,
    NO_SUCH_HOST,
    SHORT,
    Host,
    Manner,
    chunked,
    cut_after,
    dated,
    dripping_body,
    dripping_head,
    in_turn,
    running_host,
    silent,
    silent_midway,
    status,
    without_ranges,
)
from hosts import Request as Req
from makers import PROJECT

from downloads.http import Patience, fetch
from support.errors import RunError

CONTENT = random.Random(0).randbytes(10_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WEB_PAGE = b"\n<!DOCTYPE html><html><title>Google Drive -\n Quota exceeded</title>" + b" " * 9999


pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture
def host() -> Iterator[Host]:
    with running_host() as running:
        running.files["a.zip"] = CONTENT
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "a.zip"


def get(
    host: Host,
    path: Path,
    sha256: str | None = SHA256,
    size: int | None = None,
    patience: Patience = SHORT,
    warn: Callable[[str], object] = print,
) -> None:
    fetch(f"{host.address}a.zip", path, sha256, size, patience=patience, warn=warn)


def assert_only_the_file(path: Path) -> None:
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def assert_nothing(path: Path) -> None:
    assert not path.parent.exists() or not list(path.parent.iterdir())


def test_a_file_is_fetched_and_nothing_else_is_left(host: Host, path: Path) -> None:
    get(host, path)
    assert_only_the_file(path)


@pytest.mark.parametrize("code", [401, 403, 404, 410, 204, 301])
def test_an_answer_that_will_not_change_is_named_at_once(host: Host, path: Path, code: int) -> None:
    host.manner = status(code)
    with pytest.raises(RunError, match=f"a.zip: answered {code} "):
        get(host, path)
    assert len(host.paths) == 1
    assert_nothing(path)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_an_answer_that_may_change_is_asked_for_again(host: Host, path: Path, code: int) -> None:
    host.manner = in_turn(status(code), status(code), Req.serve)
    get(host, path)
    assert_only_the_file(path)


def test_a_host_that_never_recovers_is_given_up(host: Host, path: Path) -> None:
    host.manner = status(503)
    with pytest.raises(RunError, match="answered 503 Service Unavailable, 3 times in a row"):
        get(host, path)


def test_redirects_are_followed(host: Host, path: Path) -> None:
    host.files["b.zip"] = CONTENT
    host.manner = in_turn(status(302, Location="/b.zip"), Req.serve)
    get(host, path)
    assert host.paths == ["/a.zip", "/b.zip"]
    assert_only_the_file(path)


@pytest.mark.parametrize("target", ["/a.zip", "file:///etc/passwd", "http://", "ftp://127.0.0.1/"])
def test_redirects_that_lead_nowhere_are_named(host: Host, path: Path, target: str) -> None:
    host.manner = status(302, Location=target)
    with pytest.raises(RunError, match=f"^{host.address}a.zip: "):
        get(host, path)
    assert_nothing(path)


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        (silent, "no answer within 0.4 s|timed out.*"),
        (dripping_head, "no answer within 0.4 s"),
        (dripping_body, "stalled: .* bytes in 0 s"),
    ],
)
def test_a_host_that_stalls_is_given_up(
    host: Host, path: Path, manner: Manner, message: str
) -> None:
    host.manner = manner
    with pytest.raises(RunError, match=f"({message}), [23] times in a row"):
        get(host, path, patience=HASTY)
    assert not path.exists()


def test_a_download_is_resumed_after_the_host_falls_silent(host: Host, path: Path) -> None:
    host.manner = in_turn(silent_midway, Req.serve)
    get(host, path, patience=replace(HASTY, answer_seconds=10, window_seconds=0.5))
    assert host.ranges == [None, "bytes=5000-"]
    assert_only_the_file(path)


def test_a_download_is_resumed_however_often_it_is_cut_off(host: Host, path: Path) -> None:
    host.manner = cut_after(1000)
    warnings: list[str] = []
    get(host, path, warn=warnings.append)
    assert host.ranges == [None, *(f"bytes={k}000-" for k in range(1, 10))]
    assert_only_the_file(path)
    assert len(warnings) == 9
    assert warnings[-1].endswith("a.zip: cut off, 9.0 kB are here; trying again in 0 s")


def test_without_ranges_the_file_is_fetched_again_from_the_start(host: Host, path: Path) -> None:
    host.manner = in_turn(partial(without_ranges, upto=3000), without_ranges)
    get(host, path)
    assert_only_the_file(path)


def test_a_host_that_always_breaks_at_the_same_place_is_given_up(host: Host, path: Path) -> None:
    host.manner = partial(without_ranges, upto=3000)
    with pytest.raises(RunError, match="3 times in a row"):
        get(host, path)
    assert not path.exists()


def test_a_file_that_changed_meanwhile_is_fetched_again(host: Host, path: Path) -> None:
    def other_first(request: Req, content: bytes) -> None:
        request.serve(b"old" * 3000, upto=4000)

    host.manner = in_turn(other_first, Req.serve)
    get(host, path, sha256=None)
    assert_only_the_file(path)


def test_pieces_that_do_not_fit_are_fetched_in_one(host: Host, path: Path) -> None:
    def untagged(content: bytes, upto: int | None = None) -> Manner:
        def manner(request: Req, _: bytes) -> None:
            if request.headers.get("Range"):
                place = f"bytes 4000-{len(content) - 1}/{len(content)}"
                request.answer(206, content[4000:], Content_Range=place)
            else:
                request.answer(200, content[:upto], len(content))

        return manner

    host.manner = in_turn(untagged(b"o" * 10_000, upto=4000), untagged(CONTENT))
    get(host, path)
    assert host.ranges == [None, "bytes=4000-", None]
    assert_only_the_file(path)


@pytest.mark.parametrize("place", ["bytes 0-9999/10000", "bytes 3000-9999/9999", "nonsense", ""])
def test_a_different_part_than_the_requested_one_is_refused(
    host: Host, path: Path, place: str
) -> None:
    def wrong_part(request: Req, content: bytes) -> None:
        request.answer(206, content[3000:], Content_Range=place)

    host.manner = in_turn(cut_after(3000), wrong_part, Req.serve)
    get(host, path, sha256=None)
    assert_only_the_file(path)


def test_a_part_longer_than_the_file_is_dropped(host: Host, path: Path) -> None:
    host.manner = in_turn(cut_after(3000), status(416), Req.serve)
    get(host, path)
    assert_only_the_file(path)


def broken_off(host: Host, path: Path, manner: Manner) -> None:
    """Let a first run end early, with an unfinished download."""
    host.manner = in_turn(manner, status(403))
    with pytest.raises(RunError, match="answered 403"):
        get(host, path)
    assert not path.exists()
    assert path.with_name(".a.zip.part").stat().st_size
    host.manner = Req.serve
    host.ranges.clear()


def test_the_next_run_resumes_where_the_last_one_ended(host: Host, path: Path) -> None:
    broken_off(host, path, cut_after(7000))
    get(host, path, sha256=None)
    assert host.ranges == ["bytes=7000-"]
    assert_only_the_file(path)


def test_a_date_is_used_if_there_is_no_tag(host: Host, path: Path) -> None:
    broken_off(host, path, dated)
    get(host, path, sha256=None)  # the date is no tag of the host's, so it sends the whole
    assert host.ranges == ["bytes=500-"]
    assert_only_the_file(path)


@pytest.mark.parametrize("spoil", ["address", "note", "json"])
def test_a_part_of_unknown_origin_is_not_resumed(host: Host, path: Path, spoil: str) -> None:
    broken_off(host, path, cut_after(7000))
    note = path.with_name(".a.zip.part.json")
    if spoil == "address":
        note.write_text(note.read_text().replace("a.zip", "b.zip"))
    elif spoil == "json":
        note.write_text("{")
    else:
        note.unlink()
    get(host, path)
    assert host.ranges == [None]
    assert_only_the_file(path)


def test_a_complete_part_is_not_fetched_again(host: Host, path: Path) -> None:
    broken_off(host, path, cut_after(7000))
    path.with_name(".a.zip.part").write_bytes(CONTENT)
    get(host, path)
    assert host.ranges == []
    assert_only_the_file(path)


@pytest.mark.parametrize(
    ("manner", "size", "message"),
    [
        (Req.serve, 9_999, "10,000 bytes, the right file has 9,999"),
        (chunked(CONTENT), 9_999, "more than the 9,999 bytes of the right file"),
        (chunked(CONTENT), 10_001, "the file has 10,000 bytes, the right one 10,001"),
        (chunked(b""), None, "an empty answer"),
    ],
)
def test_a_wrong_length_is_named(
    host: Host, path: Path, manner: Manner, size: int | None, message: str
) -> None:
    host.manner = manner
    with pytest.raises(RunError, match=message):
        get(host, path, None, size)
    assert not path.exists()


def test_a_file_that_is_too_long_is_not_resumed(host: Host, path: Path) -> None:
    host.manner = in_turn(chunked(CONTENT + b"!"), Req.serve)
    with pytest.raises(RunError, match="more than"):
        get(host, path, size=10_000)
    assert_nothing(path)
    get(host, path, size=10_000)
    assert_only_the_file(path)


def test_an_answer_without_a_length_is_accepted(host: Host, path: Path) -> None:
    host.manner = in_turn(chunked(CONTENT, whole=False), chunked(CONTENT))
    get(host, path, sha256=None)
    assert_only_the_file(path)


def test_a_length_that_is_no_number_of_bytes_counts_as_none(host: Host, path: Path) -> None:
    """Python refuses to read 5,000 digits."""
    host.manner = lambda request, content: request.answer(200, content, "9" * 5000)
    get(host, path)
    assert_only_the_file(path)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip"])
def test_a_web_page_is_named_by_its_title(host: Host, path: Path, kind: str) -> None:
    host.manner = lambda request, _: request.answer(200, WEB_PAGE, Content_Type=kind)
    with pytest.raises(RunError, match="a web page instead of the file, titled 'Google Drive - Q"):
        get(host, path, sha256=None)
    assert_nothing(path)


def test_a_wrong_hash_is_named_and_nothing_is_left(host: Host, path: Path) -> None:
    with pytest.raises(
        RunError, match=r"wrong content: its sha256 begins .*, the right one's 0000"
    ):
        get(host, path, sha256="0" * 64)
    assert_nothing(path)
    assert len(host.paths) == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (NO_SUCH_HOST, "Connection refused.*, 2 times in a row"),
        ("nonsense", "Invalid URL"),
        ("ftp://127.0.0.1/a", "No connection adapters"),
    ],
)
def test_an_address_without_a_host_is_named(path: Path, address: str, message: str) -> None:
    with pytest.raises(RunError, match=message) as caught:
        fetch(address, path, patience=SHORT)
    assert "0x" not in str(caught.value), "no addresses of Python objects"


def test_a_dead_proxy_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", NO_SUCH_HOST)
    with pytest.raises(RunError, match="proxy"):
        fetch("http://example.invalid/a.zip", path, patience=SHORT)


def test_too_little_room_is_said_before_anything_is_fetched(
    host: Host, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 25_000))
    with pytest.raises(RunError, match=r"25\.0 kB free, 30\.0 kB are needed"):
        fetch(f"{host.address}a.zip", path, copies=3, patience=SHORT)
    fetch(f"{host.address}a.zip", path, copies=2, patience=SHORT)
    assert_only_the_file(path)


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {project!r})
from downloads.http import fetch
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    fetch({address!r}, Path({path!r}))
except OSError as error:
    print(error.errno)
"""


def test_a_failed_write_is_not_blamed_on_the_host(host: Host, path: Path) -> None:
    """A limit on the size of files takes the place of a full disk, which may not be mountable."""
    program = LIMITED.format(project=str(PROJECT), address=f"{host.address}a.zip", path=str(path))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(errno.EFBIG), done.stderr
    assert not path.exists()
    assert len(host.paths) == 1
    get(host, path)
    assert host.ranges[1] is not None, "the download is resumed"
    assert_only_the_file(path)


def test_a_disk_that_fills_up_leaves_no_file(
    host: Host, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.files["a.zip"] = bytes(100_000)
    with pytest.raises(RunError, match=r"free, 100\.0 kB are needed"):
        get(host, small_disk / "a.zip", sha256=None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1 << 40))
    with pytest.raises(OSError, match="No space left"):
        get(host, small_disk / "a.zip", sha256=None)
    assert not (small_disk / "a.zip").exists()


def test_a_file_that_cannot_be_written_is_named(host: Host, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(OSError, match="data"):
        get(host, tmp_path / "data" / "a.zip")
