"""2,000 damaged files of every common kind: each is used or skipped, none is lost.

python -m pytest -s tests/datasets/test_fuzz_images.py shows the count.
"""

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from makers import encoded, png_chunk
from PIL import Image

from datasets.arrays import open_array
from datasets.folder import find_images, load_folder
from datasets.image_files import Geometry

FILES = 2_000
SEED = 1
SECONDS = 120.0  # it takes about ten; more means that a file hangs
ORIENTATION = 0x0112
INTERLACE = (  # of a PNG: first row, first column, steps down and right of each pass
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)

Stream = np.random.Generator
SMOOTH = Image.fromarray(
    np.random.default_rng(0).integers(0, 256, (4, 4, 4), np.uint8), "RGBA"
).resize((24, 20), Image.Resampling.BICUBIC)


def sound_files() -> list[tuple[str, bytes]]:
    """(suffix, bytes) of small files in the ways that images are written."""
    rgb, rgba, grey = SMOOTH.convert("RGB"), SMOOTH, SMOOTH.convert("L")
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = 6, "maker"
    text = {"exif": exif.tobytes(), "icc_profile": bytes(200)}
    palette = rgb.quantize(16)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    frames = {"save_all": True, "append_images": [rgb.rotate(90 * k) for k in (1, 2)]}
    return [
        (".jpg", encoded(rgb, "JPEG", **text)),
        (".jpg", encoded(rgb, "JPEG", progressive=True, subsampling=2)),
        (".jpg", encoded(rgb, "JPEG", restart_marker_blocks=1)),
        (".jpg", encoded(grey, "JPEG", optimize=True)),
        (".jpg", encoded(rgb.convert("CMYK"), "JPEG")),
        (".png", encoded(rgb, "PNG", **text)),
        (".png", encoded(rgba, "PNG")),
        (".png", encoded(grey.convert("LA"), "PNG")),
        (".png", encoded(palette, "PNG", transparency=b"\0\x80\xff")),
        (".png", encoded(rgb.convert("1"), "PNG", transparency=0)),
        (".png", encoded(deep, "PNG")),
        (".png", encoded(rgb, "PNG", **frames)),
        (".png", interlaced(rgb)),
        (".gif", encoded(rgb, "GIF", comment=b"made for this test")),
        (".gif", encoded(palette, "GIF", transparency=3, interlace=1)),
        (".gif", encoded(rgb, "GIF", disposal=2, **frames)),
        (".tif", encoded(rgb, "TIFF", compression="tiff_lzw", exif=exif)),
        (".bmp", encoded(rgb, "BMP")),
        (".webp", encoded(rgb, "WEBP", **text)),
        (".webp", encoded(rgba, "WEBP", lossless=True)),
        (".webp", encoded(rgba, "WEBP", quality=40)),
        (".webp", encoded(rgb, "WEBP", **frames)),
    ]


def interlaced(image: Image.Image) -> bytes:
    """An RGB PNG in seven passes, which Pillow reads but does not write."""
    pixels, rows = np.asarray(image), b""
    for top, left, down, right in INTERLACE:
        part = pixels[top::down, left::right]
        rows += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def with_true_checksums(content: bytes) -> bytes:
    """A PNG whose chunks all pass their check, so that the damage reaches the parsers."""
    result, at = content[:8], 8
    while at + 8 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        result += png_chunk(content[at + 4 : at + 8], content[at + 8 : at + 8 + length])
        at += 12 + length
    return result


def flipped_bits(content: bytes, stream: Stream) -> bytes:
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    bits[stream.integers(0, len(bits), stream.integers(1, 8))] ^= 1
    return np.packbits(bits).tobytes()


def cut_short(content: bytes, stream: Stream) -> bytes:
    return content[: stream.integers(0, len(content))]


def zeroed(content: bytes, stream: Stream) -> bytes:
    start, length = stream.integers(0, len(content)), stream.integers(1, 24)
    return content[:start] + bytes(length) + content[start + length :]


def with_garbage(content: bytes, stream: Stream) -> bytes:
    at = stream.integers(0, len(content))
    return content[:at] + stream.bytes(int(stream.integers(1, 40))) + content[at:]


def with_extreme_numbers(content: bytes, stream: Stream) -> bytes:
    """Sizes, counts and offsets of 0, 1, -1 or the largest, near the beginning."""
    number = (b"\0\0", b"\0\1", b"\1\0", b"\xff\xff", b"\x7f\xff", b"\xff" * 4, bytes(4))
    new, at = (
        number[stream.integers(len(number))],
        stream.integers(4, min(len(content), 120), endpoint=True),
    )
    return content[:at] + new + content[at + len(new) :]


def without_a_span(content: bytes, stream: Stream) -> bytes:
    start = stream.integers(0, len(content))
    return content[:start] + content[start + stream.integers(1, 40) :]


MUTATIONS: tuple[Callable[[bytes, Stream], bytes], ...] = (
    flipped_bits,
    cut_short,
    zeroed,
    with_garbage,
    with_extreme_numbers,
    without_a_span,
)


def mutated_files(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(suffix, bytes) of damaged files, the same for the same seed. Some are sound by chance."""
    stream = np.random.default_rng(seed)
    sound = sound_files()
    for number in range(count):
        suffix, content = sound[number % len(sound)]
        if stream.random() < 0.1:  # two files glued together
            _, other = sound[stream.integers(len(sound))]
            content = (
                content[: stream.integers(len(content))] + other[stream.integers(len(other)) :]
            )
        for _ in range(stream.choice([1, 1, 1, 2, 3])):
            if len(content) > 4:
                mutate = MUTATIONS[stream.integers(len(MUTATIONS))]
                content = mutate(content, stream)
        if suffix == ".png" and stream.random() < 0.7:
            content = with_true_checksums(content)
        yield suffix, content


def in_time(work: Callable[[], np.ndarray]) -> np.ndarray:
    """What `work` returns; fails where it would hang."""
    results: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive(), f"still not done after {SECONDS:.0f} seconds"
    assert results, "it raised, see above"
    return results[0]


def test_every_damaged_file_is_used_or_skipped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "damaged"
    data.mkdir()
    names = []
    for number, (suffix, content) in enumerate(mutated_files(FILES, SEED)):
        names.append(f"{number:05}{suffix}")
        (data / names[-1]).write_bytes(content)
    form = Geometry((30, 30), (8, 8))
    arrays = tmp_path / "arrays"
    found = find_images(data, "*")
    array = in_time(
        lambda: load_folder(data, found, form, 3, arrays, allow_bad=True, say=print).pixels
    )

    assert array.dtype == np.uint8
    assert array.shape[1:] == (8, 8, 3)
    (path,) = arrays.glob("*.u8")
    stored = open_array(path)
    assert stored is not None
    report = stored[1]["files"]
    skipped = [name for name, _ in report["skipped"]]
    assert len(array) == report["used"] == FILES - len(skipped)
    assert skipped == sorted(set(skipped) & set(names)), "each once, in order, none made up"
    (listed,) = arrays.glob("*.skipped.txt")
    lines = listed.read_text().splitlines()
    assert [line.split("\t")[1] for line in lines] == skipped
    assert array.std(axis=(1, 2, 3)).max() > 0, "some show something"

    said, complaints = capfd.readouterr()
    assert not complaints, "Pillow's warnings stay away from the terminal"
    accounted = len(array) + len(skipped)
    assert f"{FILES:,} files found, {len(array):,} used, {len(skipped):,} skipped" in said
    with capfd.disabled():
        print(
            f"\nfuzz: {accounted:,} of {FILES:,} mutated files accounted for: "
            f"{len(array):,} used, {len(skipped):,} skipped"
        )
