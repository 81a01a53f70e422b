"""What of an image is hidden: a picture or a name; and how much each pixel beside it counts."""

from pathlib import Path

import numpy as np

from datasets.image_files import (
    TRANSPARENT,
    Geometry,
    UnreadableError,
    load_image,
    quiet_pillow,
)
from support.errors import UserError
from support.streams import random_stream

NAMES = ("centre", "left", "right", "top", "bottom", "random")
HIDDEN_BY_RANDOM = 0.8  # of the pixels (Yeh et al. 2017, section 4)
WHITE_FROM = 64  # of 255, after resizing: a pixel that is hidden in part shows the hole's edge
WINDOW = 7  # pixels, the side of the window that decides the weights (section 3.2)


def named_mask(name: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """A usual mask, True where hidden: bool [H, W].

    centre: half of the height and of the width. left and so on: that half. random: four pixels of
    five, which the seed decides.
    """
    height, width = size
    if name == "random":
        return random_stream(seed, "mask").random(size) < HIDDEN_BY_RANDOM
    rows, columns = {
        "centre": (slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)),
        "left": (slice(None), slice(width // 2)),
        "right": (slice(None), slice(width - width // 2, None)),
        "top": (slice(height // 2), slice(None)),
        "bottom": (slice(height - height // 2, None), slice(None)),
    }[name]
    hidden = np.zeros(size, bool)
    hidden[rows, columns] = True
    return hidden


def mask_for(mask: Path, image: Path, seen: tuple[int, int], geometry: Geometry) -> np.ndarray:
    """A picture as the mask of an image, True where hidden: bool [H, W] of the networks' size.

    Hidden is what is transparent, even in part, or, in a picture without transparency, what is
    white. A mask has the image's size or the networks', and is cropped and resized as an image is.

    Args:
        mask: its file.
        image: the image's file, to name it in an error.
        seen: the image's height and width as it is seen (Loaded.seen).
        geometry: how images come to the networks' size.

    Raises:
        UserError: it cannot be read, or has another size.
    """
    try:
        with quiet_pillow():
            grey = load_image(mask, geometry, c_dim=1)
            if grey.seen not in (geometry.output, seen):
                sizes = (grey.seen, seen, geometry.output)
                its, images, networks = ("{1}x{0}".format(*size) for size in sizes)
                raise UserError(
                    f"--mask {mask} is {its}, {image} is {images}: draw the mask on the image, or "
                    f"make it {networks}"
                )
            if TRANSPARENT not in grey.done:
                return grey.pixels[..., 0] >= WHITE_FROM
            # Known is a pixel that is the same on every background, and so shows none of it: an
            # image with holes may be its own mask.
            black, white = (load_image(mask, geometry, 3, (v, v, v)).pixels for v in (0, 255))
            return (black != white).any(2)
    except UnreadableError as reason:
        raise UserError(f"--mask {mask}: {reason}") from reason


def weights_of(hidden: np.ndarray, window: int) -> np.ndarray:
    """How much each known pixel counts: the share of hidden ones around it; float32 [H, W].

    Around it are the pixels of the image in a square of `window` pixels, itself not counted (Yeh
    et al. 2017, section 3.2). Hidden pixels count 0. With a window of 1 all known ones count 1.
    """
    if window == 1:
        return (~hidden).astype(np.float32)
    sums = (_sum_around(values, window) for values in (hidden, np.ones(hidden.shape)))
    share = next(sums) / np.maximum(next(sums), 1)
    return np.where(hidden, 0, share).astype(np.float32)


def _sum_around(values: np.ndarray, window: int) -> np.ndarray:
    """The sum of the other pixels in a square of `window` pixels around each: [H, W]."""
    from scipy import ndimage  # takes 0.1 s, which no other command should wait for

    # Beyond twice the side a square holds all pixels, wherever its centre is.
    window = min(window, 2 * max(values.shape) - 1)
    squares = ndimage.uniform_filter(values.astype(float), window, mode="constant") * window**2
    return np.asarray(np.rint(squares) - values)
