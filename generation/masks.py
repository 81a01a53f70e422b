"""What of an image is hidden: a picture or a name; and how much each pixel beside it counts."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from datasets.image_files import (
    ORIENTATION,
    Geometry,
    UnreadableError,
    fit,
    load_image,
    opened,
    quiet_pillow,
)
from support.errors import UserError
from support.streams import random_stream

NAMES = ("centre", "left", "right", "top", "bottom", "random")
HIDDEN_BY_RANDOM = 0.8  # of the pixels (Yeh et al. 2017, section 4)
# Of white in a mask that was resized: a pixel that is hidden in part shows the hole's edge.
HIDDEN_ABOVE = 64
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


def mask_for(
    mask: Path, image: Path, size: tuple[int, int], crop: tuple[int, int] | None
) -> np.ndarray:
    """A picture as the mask of an image, True where hidden: bool [H, W] of the networks' size.

    Hidden is what is transparent, or, in a picture without transparency, what is white. A mask of
    the networks' size is used as it is; one of the image's size is cropped and resized as that.

    Raises:
        UserError: it cannot be read, or has another size.
    """
    try:
        with quiet_pillow():
            own, of_image = (_size_of(path) for path in (mask, image))
            if own not in (size, of_image):
                its, images, networks = ("{1}x{0}".format(*s) for s in (own, of_image, size))
                raise UserError(
                    f"--mask {mask} is {its}, {image} is {images}: draw the mask on the image, or "
                    f"make it {networks}"
                )
            geometry = Geometry(None if own == size else crop, size)
            return _whiteness(mask, geometry) >= HIDDEN_ABOVE
    except UnreadableError as reason:
        raise UserError(f"--mask {mask}: {reason}") from reason


def _size_of(path: Path) -> tuple[int, int]:
    """Height and width of an image as it is seen, turned by its EXIF data."""
    with opened(path) as image:
        turned = image.getexif().get(ORIENTATION, 1) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)


def _whiteness(path: Path, geometry: Geometry) -> np.ndarray:
    """Where a mask is transparent, or else white: uint8 [H, W]."""
    with opened(path) as image:
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA").getchannel("A"))
            if alpha.min() < 255:
                return np.asarray(fit(Image.fromarray(255 - alpha), geometry))
    return load_image(path, geometry, c_dim=1).pixels[..., 0]


def weights_of(hidden: np.ndarray, window: int) -> np.ndarray:
    """How much each known pixel counts: the share of hidden ones around it; float32 [H, W].

    Around it are the pixels of the image in a square of `window` pixels, itself not counted (Yeh
    et al. 2017, section 3.2). Hidden pixels count 0. With a window of 1 all known ones count 1.
    """
    if window == 1:
        return (~hidden).astype(np.float32)
    around = np.ones((window, window))
    around[window // 2, window // 2] = 0
    share = ndimage.convolve(hidden.astype(float), around, mode="constant")
    share /= ndimage.convolve(np.ones(hidden.shape), around, mode="constant")
    return np.where(hidden, 0, share).astype(np.float32)
