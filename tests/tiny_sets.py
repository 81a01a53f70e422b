"""Made-up data sets as small as they get, and a look at what download.py made of them."""

import gzip
import hashlib
import io
import random
import zipfile
from pathlib import Path

import download
from datasets.idx import IDX_FILES
from download import ImageSet
from downloads.mnist import IdxSet, by_name


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


PLAIN = {name: random.Random(name).randbytes(3000) for name in IDX_FILES}
GZIPPED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in PLAIN.items()}
IMAGES = {f"{k}.jpg": random.Random(k).randbytes(2000) for k in range(5)}
ARCHIVE = zipped({f"img_align_celeba/{name}": content for name, content in IMAGES.items()})


def data_sets(address: str) -> dict[str, IdxSet | ImageSet]:
    """What download.py has to know of the made-up ones, when they are at this address."""
    packed = by_name(*map(sha256, GZIPPED.values()))
    return {
        "mnist": IdxSet(by_name(*map(sha256, PLAIN.values())), (address,)),
        "fashion_mnist": IdxSet(packed, (address,), gzipped=True),
        "celebA": ImageSet("a.zip", (f"{address}a.zip",), sha256(ARCHIVE), len(ARCHIVE), 5),
        "lsun": ImageSet("l.zip", (f"{address}l.zip",), is_lmdb=True),
    }


def change(name: str, **values: object) -> None:
    """Change what download.py knows of a data set; the fixture `host` undoes it."""
    known = download.DATA_SETS[name]
    download.DATA_SETS[name] = type(known)(**{**vars(known), **values})


def files_in(folder: Path | str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in Path(folder).iterdir()}


def visible(folder: Path | str) -> list[str]:
    return sorted(p.name for p in Path(folder).iterdir() if not p.name.startswith("."))
