"""How the hole of an image is filled with a picture that was found for it."""

import numpy as np


def plain(pixels: np.ndarray, drawn: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The image, uint8 [H, W, C], with the drawn pixels where it is hidden, bool [H, W]."""
    return np.where(hidden[..., np.newaxis], drawn, pixels)


def poisson(pixels: np.ndarray, drawn: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """As plain, but with the slopes of the drawn picture, not its values (Perez et al. 2003).

    At each hidden pixel the differences to its neighbours add up to those of the drawn picture,
    and at the edge of the hole the values are the image's (Yeh et al. 2017, section 3.4). So the
    hole has the light of what is around it.
    """
    from scipy import sparse  # these take 0.2 s, which no other command should wait for
    from scipy.sparse.linalg import spsolve

    height, width = hidden.shape
    number = np.full(hidden.shape, -1)  # of each hidden pixel: its row of the equations
    number[hidden] = np.arange(hidden.sum())
    rows, columns, factors = [], [], []
    sums = np.zeros((hidden.sum(), pixels.shape[2]))
    known, guide = pixels.astype(float), drawn.astype(float)
    at_y, at_x = np.nonzero(hidden)
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = at_y + down, at_x + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        row, y, x = np.flatnonzero(inside), y[inside], x[inside]
        sums[row] += guide[at_y[row], at_x[row]] - guide[y, x]
        unknown = hidden[y, x]
        sums[row[~unknown]] += known[y[~unknown], x[~unknown]]
        rows += [row, row[unknown]]
        columns += [row, number[y[unknown], x[unknown]]]
        factors += [np.ones(len(row)), -np.ones(unknown.sum())]
    entries = np.concatenate(factors), (np.concatenate(rows), np.concatenate(columns))
    equations = sparse.csc_matrix(entries, shape=(len(sums), len(sums)))
    blended = known.copy()
    blended[hidden] = spsolve(equations, sums).reshape(sums.shape)
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8)


BLENDS = {"poisson": poisson, "plain": plain}
