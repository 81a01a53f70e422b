"""z: one stream a seed, truncation, files, and the ways between."""

import os
from pathlib import Path

import numpy as np
import pytest

from generation.latent import (
    along,
    labels_of_seeds,
    lerp,
    numbers_of,
    read_z,
    slerp,
    suiting,
    within,
    z_of_seeds,
)
from support.errors import UserError
from support.streams import Z_DISTS


def test_lists_of_ranges() -> None:
    assert numbers_of("0-3,300", "--seeds") == [0, 1, 2, 3, 300]
    assert numbers_of("7, 5-5", "--seeds") == [7, 5]


@pytest.mark.parametrize(
    "text", ["", "3-1", "a", "1,,2", "-1", "0-9999999999", "1.5", "0-10000000"]
)
def test_text_that_is_not_a_list_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--seeds"):
        numbers_of(text, "--seeds")


@pytest.mark.parametrize("z_dist", Z_DISTS)
@pytest.mark.parametrize("truncation", [None, 0.5])
def test_a_seed_has_its_z_in_any_company(z_dist: str, truncation: float | None) -> None:
    z = z_of_seeds([5, 6, 7], z_dist, 9, truncation)
    assert z.dtype == np.float32
    assert (z_of_seeds([7], z_dist, 9, truncation) == z[2:]).all()
    assert (z_of_seeds([9, 6, 1], z_dist, 9, truncation)[1] == z[1]).all()
    assert len(np.unique(z)) == z.size
    assert (labels_of_seeds([6], 10) == labels_of_seeds([5, 6, 7], 10)[1]).all()


def test_labels_of_seeds_are_spread_evenly() -> None:
    counts = np.bincount(labels_of_seeds(range(1000), 10), minlength=10)
    assert counts.min() > 70
    assert counts.max() < 130


def test_truncation_draws_normal_z_again_and_keeps_the_others() -> None:
    plain, cut = z_of_seeds(range(50), "normal01", 100), z_of_seeds(range(50), "normal01", 100, 1.0)
    assert np.abs(plain).max() > 3
    assert np.abs(cut).max() <= 1
    inside = np.abs(plain) <= 1
    assert (cut[inside] == plain[inside]).all()
    assert not (np.abs(cut[~inside]) == 1).any(), "drawn again, not clamped"


def test_truncation_scales_uniform_z_about_their_centre() -> None:
    signed = z_of_seeds([1], "uniform_signed", 100, 0.5)
    np.testing.assert_allclose(signed, z_of_seeds([1], "uniform_signed", 100) / 2, rtol=1e-6)
    unsigned = z_of_seeds([1], "uniform_unsigned", 1000, 0.5)
    assert 0.25 <= unsigned.min() < 0.26
    assert 0.74 < unsigned.max() <= 0.75


def npy(header: str, values: bytes = b"\0" * 60, version: int = 1) -> bytes:
    """A .npy file with a header that NumPy need not have written."""
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + values


def test_z_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "z.npy"
    values = np.arange(15, dtype=np.float64).reshape(3, 5)
    for kind in ("<f8", ">f4", "<f2", "g"):
        for array in (values.astype(kind), np.asfortranarray(values.astype(kind))):
            np.save(path, array)
            np.testing.assert_array_equal(read_z(path, 5), values)
    for version in (1, 2, 3):
        with path.open("wb") as file:
            np.lib.format.write_array(file, values, (version, 0))
        np.testing.assert_array_equal(read_z(path, 5), values)


def test_z_files_that_hold_something_else_are_named(tmp_path: Path) -> None:
    path = tmp_path / "z.npy"
    for array, message in (
        (np.ones((3, 4), np.float32), "float32 3x4; it must be floats Nx5"),
        (np.ones(5, np.float32), "float32 5; it must be floats Nx5"),
        (np.ones((0, 5), np.float32), "float32 0x5"),
        (np.ones((3, 5), int), "int64 3x5"),
        (np.ones((3, 5), complex), "complex128 3x5"),
        (np.array([[None]]), "object 1x1"),
        (np.zeros((3, 5), "f4,f4"), "does not describe an array of numbers"),
    ):
        np.save(path, array)
        with pytest.raises(UserError, match=f"--z {path}.*{message}"):
            read_z(path, 5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("kind", "bad"),
    [("<f4", np.nan), ("<f4", 1e38), ("<f2", -np.inf), (">f8", np.inf), ("<f8", 1e300)],
)
def test_z_that_no_picture_can_be_made_of_are_named(kind: str, bad: float, tmp_path: Path) -> None:
    values = np.ones((2, 5), kind)
    values[1, 2] = bad
    np.save(tmp_path / "z.npy", values)
    with pytest.raises(UserError, match=r"row 1 has NaN, or a number beyond 1,000,000"):
        read_z(tmp_path / "z.npy", 5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as a .npy"),
        (b"no array", "does not begin as a .npy"),
        (
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5)}", version=9),
            "does not begin",
        ),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 5)}"), "does not describe"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2+3)}"), "does not describe"),
        (npy("{'descr': '<f3', 'fortran_order': False, 'shape': (3, 5)}"), "cannot be read"),
        (npy("[" * 5000), "does not describe"),
        (npy("__import__('os').abort()"), "does not describe"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5)}", b""), "60 bytes are mis"),
        (npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 5)}"), "does not describe"),
        (npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**17}, 5)}}"), "cut short"),
        (
            npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 5000}, 5)}}"),
            "does not describe",
        ),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff{}", "does not describe"),
    ],
)
def test_z_files_that_are_broken_end_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "z.npy"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"--z {path}.*{message}"):
        read_z(path, 5)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="it is not a file"):
            read_z(path, 5)
    with pytest.raises(UserError, match="there is no such file"):
        read_z(tmp_path / "none.npy", 5)


@pytest.mark.filterwarnings("error")
def test_z_files_with_bytes_changed_are_read_or_refused(tmp_path: Path) -> None:
    """A thousand of them: whatever happens, it is z or one line."""
    path = tmp_path / "z.npy"
    np.save(path, np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5))
    whole, stream, read = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(1000):
        content = bytearray(whole)
        for _ in range(stream.integers(1, 4)):
            content[stream.integers(len(content))] = stream.integers(256)
        path.write_bytes(
            content[: stream.integers(len(content)) if stream.random() < 0.1 else None]
        )
        try:
            z = read_z(path, 5)
        except UserError:
            continue
        read += 1
        assert z.shape[1] == 5
        assert np.isfinite(z.astype(np.float32)).all()
    assert 50 < read < 900


def test_lerp_stays_in_the_cube_and_slerp_on_the_shell() -> None:
    a, b = z_of_seeds([1, 2], "normal01", 100)
    middle = np.linalg.norm(slerp(a, b, 0.5))
    assert min(map(np.linalg.norm, (a, b))) * 0.97 < middle
    assert np.linalg.norm(lerp(a, b, 0.5)) < 0.85 * middle, "a line cuts through"
    for way in (lerp, slerp):
        np.testing.assert_allclose(way(a, b, 0), a, atol=1e-6)
        np.testing.assert_allclose(way(a, b, 1), b, atol=1e-6)
    np.testing.assert_allclose(slerp(a, -a, 0.5), 0, atol=1e-6)
    np.testing.assert_allclose(slerp(a, a, 0.3), a, atol=1e-6)
    np.testing.assert_allclose(slerp(0 * a, b, 0.5), b / 2, atol=1e-6)
    assert [suiting(z_dist) for z_dist in Z_DISTS] == ["lerp", "slerp", "lerp"]


def test_a_way_goes_through_all_points_and_a_loop_closes() -> None:
    points = np.array([[0.0, 0], [2, 0], [2, 2]])
    way = along(points, 5, False, "lerp")
    np.testing.assert_allclose(way, [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2]])
    loop = along(points, 6, True, "lerp")
    np.testing.assert_allclose(loop[::2], points)
    np.testing.assert_allclose(loop[-1], [1, 1], atol=1e-6)  # one step before the first again


def test_z_outside_of_the_prior_is_moved_back() -> None:
    out = np.array([[3.0, -2, 0.5]])
    assert within(out, "uniform_signed").tolist() == [[1, -1, 0.5]]
    assert within(out, "uniform_unsigned").tolist() == [[1, 0, 0.5]]
    long = np.full((1, 100), 2.0)
    assert np.linalg.norm(within(long, "normal01")) == pytest.approx(12)
    drawn = z_of_seeds(range(200), "normal01", 100)
    assert (within(drawn, "normal01") == drawn).all(1).mean() > 0.97
