"""drive.py: gdown fetches, its errors become one line. Google itself is not asked."""

import hashlib
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hosts import HASTY, SHORT, Host, Manner, cut_after, in_turn, running_host, silent, status
from hosts import Request as Req

from downloads.drive import fetch_from_drive
from support.errors import RunError

pytestmark = pytest.mark.usefixtures("no_proxy")

CONTENT = random.Random(0).randbytes(1_200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WEB_PAGE = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>"


@pytest.fixture
def host() -> Iterator[Host]:
    with running_host() as running:
        running.files["a.zip"] = CONTENT
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "a.zip"


def test_google_drive_is_left_to_gdown(host: Host, path: Path) -> None:
    host.manner = in_turn(cut_after(700_000), Req.serve)
    fetch_from_drive(f"{host.address}a.zip", path, SHA256, patience=SHORT)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        (status(404), "404"),
        (lambda request, _: request.answer(200, WEB_PAGE), "a web page instead of the file"),
        (silent, "timed out"),
    ],
)
def test_what_google_drive_answers_is_named(
    host: Host, path: Path, manner: Manner, message: str
) -> None:
    host.manner = manner
    with pytest.raises(RunError, match=message):
        fetch_from_drive(f"{host.address}a.zip", path, SHA256, patience=replace(HASTY, tries=0))
    assert not path.exists()


def test_a_missing_gdown_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(RunError, match="pip install gdown"):
        fetch_from_drive("https://drive.google.com/uc?id=x", path)


def test_the_next_run_resumes_the_download(host: Host, path: Path) -> None:
    host.manner = cut_after(700_000)
    with pytest.raises(RunError, match="Download is incomplete"):
        fetch_from_drive(f"{host.address}a.zip", path, SHA256, patience=replace(SHORT, tries=0))
    host.manner = Req.serve
    host.ranges.clear()
    fetch_from_drive(f"{host.address}a.zip", path, SHA256, patience=SHORT)
    assert host.ranges == [None, "bytes=524288-"], "gdown writes chunks of 512 KiB"
    assert path.read_bytes() == CONTENT
