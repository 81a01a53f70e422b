"""Every random number of a run, as a function of (seed, purpose, index).

Nothing here has hidden state: the z of step 700 is the same whether the run reached step 700 in
one go or was resumed at 699.
"""

import zlib
from collections.abc import Callable

import numpy as np

# The original's --z_dist.
Z_DISTS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "uniform_signed": lambda stream, shape: stream.uniform(-1, 1, shape),  # U(-1,1)
    "normal01": lambda stream, shape: stream.standard_normal(shape),  # N(0,1)
    "uniform_unsigned": lambda stream, shape: stream.uniform(0, 1, shape),  # U(0,1)
}
# The standard deviation of a coordinate of each.
DEVIATIONS = {"uniform_signed": 3**-0.5, "normal01": 1.0, "uniform_unsigned": 12**-0.5}

# No coordinate of z is that far out, whatever it is drawn from. G computes in float32: far beyond,
# products overflow, and its last activation would turn infinities into pictures.
FARTHEST_Z = 1e6


def random_stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The random numbers of a run's `seed` for one purpose ("z", "order") at one step or epoch.

    `seed` and `index` are 0 or more.
    """
    key = np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), index])
    return np.random.Generator(np.random.Philox(key))


def draw_z(stream: np.random.Generator, z_dist: str, count: int, z_dim: int) -> np.ndarray:
    """`count` latent vectors, float32 [count, z_dim], from one of Z_DISTS."""
    return Z_DISTS[z_dist](stream, (count, z_dim)).astype(np.float32)
