"""Fill in what a mask hides of an image by the picture that fits the rest (Yeh et al. 2017)."""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.image_files import Loaded
from generation.blending import BLENDS
from generation.flags import number, refuse_to_replace_inputs
from generation.inputs import input_geometry
from generation.masks import NAMES, WINDOW, mask_for, named_mask, weights_of
from generation.search import (
    Found,
    Search,
    add_search,
    as_loaded,
    begin,
    check_search,
    command_of,
    descend,
    found_of,
    results_of,
    with_gradient,
    write_z,
)
from support.console import nearest, positive, say, say_written
from support.errors import UserError
from support.files import refuse_to_replace, remove_old
from utils import sample_pixels, save_picture, save_sheet, to_range

if TYPE_CHECKING:
    import tensorflow as tf

    from model import DCGAN
    from runs.opened import Trained

FOLDER = "completed"
KINDS = "completed", "completion"
PRIOR = 0.003  # Yeh et al. 2017, section 3.3: lambda
LARGEST_PRIOR = 1e6  # D's opinion alone would count, long before float32 ends
GREY = 128  # what the sheet shows for hidden pixels


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_search(parser)
    kinds = f"what is hidden: a picture (white or transparent there), or {', '.join(NAMES)}"
    parser.add_argument("--mask", metavar="MASK", help=kinds)
    parser.add_argument(
        "--blend",
        choices=tuple(BLENDS),
        default=next(iter(BLENDS)),
        help="how the hole is filled: by the found picture's slopes, or its pixels [poisson]",
    )
    weight = f"lambda, how much D's opinion counts [{PRIOR}]"
    parser.add_argument(
        "--prior", type=number(0, LARGEST_PRIOR), default=PRIOR, metavar="L", help=weight
    )
    window = f"pixels so near to the hole count; 1: all, equally [{WINDOW}]"
    parser.add_argument("--window", type=_odd, default=WINDOW, metavar="N", help=window)


def _odd(text: str) -> int:
    value = positive(text)
    if value % 2 == 0:
        raise argparse.ArgumentTypeError(f"{text}: it must be an odd number, the side of a square")
    return value


def check(arguments: argparse.Namespace) -> None:
    """As check_search; also refuse a mask that is not there."""
    if arguments.mask is None:
        raise UserError(f"--mask is missing: a picture, or one of {', '.join(NAMES)}")
    if arguments.mask not in NAMES and not Path(arguments.mask).is_file():
        guess = nearest(arguments.mask, NAMES)
        there = f"{', '.join(NAMES)}{'.' if guess else ''}{guess}"
        raise UserError(f"--mask {arguments.mask}: no such file, and none of {there}")
    check_search(arguments)


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write for each image the completed picture, a sheet and the z; print where they are."""
    for path in arguments.images:
        results = results_of(path, arguments.out, *KINDS)
        refuse_to_replace_inputs(arguments, *results)
        if arguments.mask not in NAMES:
            for result in results:
                refuse_to_replace(result, [Path(arguments.mask)])
    search, images = begin(trained, arguments, say)
    masks = [_mask(trained, arguments, path, image) for path, image in images]
    for (path, image), hidden in zip(images, masks, strict=True):
        say(f"completing {as_loaded(path, image)}: {hidden.mean():.0%} of it is hidden")
        weights = weights_of(hidden, arguments.window)
        found, drawn = complete(trained.dcgan, image.pixels, weights, arguments.prior, search)
        blended = BLENDS[arguments.blend](image.pixels, drawn, hidden)
        picture, sheet, z_file = results_of(path, arguments.out, *KINDS)
        remove_old(sheet, z_file)
        say_written(save_picture(blended, picture))
        masked = np.where(hidden[..., np.newaxis], GREY, image.pixels).astype(np.uint8)
        tiles = np.stack([image.pixels, masked, drawn, blended])
        captions = ["given", "known", "found", arguments.blend]
        say_written(save_sheet(tiles, captions, sheet, (1, len(tiles))))
        say_written(write_z(found, z_file))
        say(f"the found picture alone: {command_of(trained, arguments, z_file, found)}")


def _mask(
    trained: "Trained", arguments: argparse.Namespace, path: Path, image: Loaded
) -> np.ndarray:
    """The mask of the image of a path, bool [H, W].

    Raises:
        UserError: as mask_for; or it hides nothing or everything.
    """
    size, mask = trained.dcgan.config.size, arguments.mask
    if mask in NAMES:
        hidden = named_mask(mask, size, arguments.seed or 0)
    else:
        hidden = mask_for(Path(mask), path, image.seen, input_geometry(trained.settings, size))
    if hidden.all() or not hidden.any():
        amount = "everything" if hidden.all() else "nothing"
        raise UserError(
            f"--mask {mask} hides {amount} of {path}, as it is cropped and resized: white or "
            "transparent is hidden, the rest is known"
        )
    return hidden


def complete(
    dcgan: "DCGAN", pixels: np.ndarray, weights: np.ndarray, prior: float, search: Search
) -> tuple[Found, np.ndarray]:
    """Find the z whose picture fits the known part of an image, uint8 [H, W, C].

    weights: what each pixel counts, float32 [H, W], 0 where it is hidden. prior: lambda. Returns
    what was found, and its picture uint8 [H, W, C].
    """
    loss, image = _loss_of(dcgan), to_range(pixels, dcgan.value_range)
    given = image, weights[..., np.newaxis], np.float32(prior)
    z, y = descend(dcgan, lambda z, y: loss(z, y, *given), search, "loss {:.3f}".format)
    k = int(np.argmin(loss(z, y, *given)[0]))
    found = found_of(z, y, k)
    return found, sample_pixels(dcgan, found.z, None if y is None else y[[k]])[0]


@functools.lru_cache(maxsize=1)  # tracing takes seconds, and one serves for many images
def _loss_of(dcgan: "DCGAN") -> Callable:
    """A function of z [N, z_dim], y [N, y_dim] or None, an image, weights [H, W, 1] and lambda.

    It returns each z's loss [N], contextual and prior (Yeh et al. 2017, equations 3 and 4), and its
    gradient by z. The contextual one is for values in -1 ... 1, as in the paper.
    """
    import tensorflow as tf

    low, high = dcgan.value_range

    def loss(
        z: "tf.Tensor",
        y: "tf.Tensor | None",
        image: "tf.Tensor",
        weights: "tf.Tensor",
        prior: "tf.Tensor",
    ) -> "tf.Tensor":
        pictures = dcgan.sampler(z, y)
        difference = weights * tf.abs(pictures - image) * (2 / (high - low))
        contextual = tf.reduce_sum(difference, [1, 2, 3])
        # log(1 - D), of a logit without rounding D to 1.
        realness = -tf.nn.softplus(dcgan.discriminate(pictures, y)[:, 0])
        return contextual + prior * realness

    return with_gradient(loss)
