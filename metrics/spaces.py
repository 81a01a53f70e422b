"""The spaces that pictures are compared in: what turns pixels into features.

A figure belongs to its space: the same pictures have other figures in another one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from datasets.dataset import folder_of
from datasets.idx import MNIST_CLASSES, load_parts
from datasets.image_files import Geometry
from metrics.kept import digest_of, read_arrays, write_arrays
from runs.settings import Settings
from support.console import Say
from support.errors import UserError
from support.parallel import in_parallel
from support.progress import Progress
from utils import image_of

LEAST = 10  # pictures, or their neighbours and covariances mean nothing
SMALL_SIDE = 32  # of `pixels`: larger pictures are made smaller, or their covariance fills memory


@dataclass(frozen=True)
class Space:
    """A way from pictures to features.

    name: as typed, but for `mnist`: the data set whose labels were learned. identity: the name, and
    what else decides the numbers. features: pictures uint8 [n, H, W, C] -> float32 [n, D]. at_once:
    how many pictures it takes at a time. classes: features [n, D] -> class numbers [n] below
    class_count, where the space comes from a classifier of the data's labels.
    """

    name: str
    identity: str
    features: Callable[[np.ndarray], np.ndarray]
    at_once: int = 500
    classes: Callable[[np.ndarray], np.ndarray] | None = None
    class_count: int = 0


class Features(NamedTuple):
    """Features float32 [N, D], and the identity of their space."""

    space: str
    values: np.ndarray


def features_of(
    space: Space, blocks: Iterable[np.ndarray], total: int, title: str = "evaluating"
) -> Features:
    """The features of `total` pictures that come in blocks, uint8 [n, H, W, C].

    With a bar of that title; "" for none.
    """
    values: list[np.ndarray] = []
    with Progress(title, total, "images", shown=bool(title)) as progress:
        for block in blocks:
            for start in range(0, len(block), space.at_once):
                some = block[start : start + space.at_once]
                values.append(space.features(some))
                progress.update(len(some))
    return Features(space.identity, np.concatenate(values))


def blocks_of(images: np.ndarray, size: int = 500) -> Iterable[np.ndarray]:
    """Images uint8 [N, H, W, C], in memory or mapped from disk, some at a time."""
    return (images[start : start + size] for start in range(0, len(images), size))


def suiting(settings: Settings, asked: str | None = None) -> str:
    """The space that is asked for, else the one for a data set."""
    return asked or ("mnist" if settings.is_idx_set else "efficientnet")


def refuse_unopenable(name: str, settings: Settings) -> None:
    """Refuse what open_space would refuse: before any work is done, and any file is written.

    Raises:
        UserError: the data cannot be compared in this space.
        RunError: weights are missing; says how to get them.
    """
    if name == "mnist":
        _refuse_folder(settings)
    elif name == "efficientnet":
        from metrics import efficientnet

        efficientnet.weights_file()
    elif name == "inception":
        from metrics import inception

        inception.load_network()


def open_space(name: str, settings: Settings, arrays: Path, say: Say) -> Space:
    """The space of that name, one of SPACES, for pictures like those of a data set.

    What it trains for itself is kept in the folder `arrays`; `say` gets a line about it.

    Raises:
        UserError, RunError: as refuse_unopenable.
    """
    return SPACES[name](settings, arrays, say)


def _refuse_folder(settings: Settings) -> None:
    if not settings.is_idx_set:
        raise UserError(
            f"the space mnist is a classifier of an idx set's labels, and {settings.dataset} is a "
            "folder: take another, or leave it out"
        )


def _mnist(settings: Settings, arrays: Path, say: Say) -> Space:
    from metrics import classifier

    _refuse_folder(settings)
    size = (classifier.SIDE, classifier.SIDE)
    (images, labels), test = load_parts(folder_of(settings), Geometry(None, size))
    key = digest_of(images, labels, f"classifier {classifier.VERSION}")
    path = arrays / f"{Path(settings.dataset).name}-classifier-{key}.npz"
    weights = read_arrays(path, say)
    if not weights:
        say(
            f"the space {settings.dataset} needs a classifier of its labels: it is trained now, "
            f"once, and kept as {path} (the space pixels does without)"
        )
        weights = classifier.trained(images, labels)
        right = classifier.classes_of(weights, classifier.hidden_of(weights, test[0])) == test[1]
        say(f"the classifier knows {right.mean():.2%} of {len(right):,} test images")
        write_arrays(path, weights, say)

    def features(pictures: np.ndarray) -> np.ndarray:
        if pictures.shape[-1] != 1:
            raise UserError("the space mnist is for grey pictures, these are in colour")
        return classifier.hidden_of(weights, resized(pictures, size, Image.Resampling.BILINEAR))

    identity = f"mnist {digest_of(*(weights[name] for name in sorted(weights)))}"

    def classes(hidden: np.ndarray) -> np.ndarray:
        return classifier.classes_of(weights, hidden)

    # `mnist` is typed for all of these sets, but each has a scale of its own.
    return Space(settings.dataset, identity, features, 500, classes, MNIST_CLASSES)


def _efficientnet(settings: Settings, arrays: Path, say: Say) -> Space:
    from metrics import efficientnet

    weights = efficientnet.load_weights()
    size = (efficientnet.SIDE, efficientnet.SIDE)

    def features(pictures: np.ndarray) -> np.ndarray:
        images = resized(in_colour(pictures), size, Image.Resampling.BICUBIC)
        return efficientnet.features(weights, images).numpy()

    identity = f"efficientnet {efficientnet.SHA256[:16]} bicubic"
    return Space("efficientnet", identity, features, efficientnet.AT_ONCE)


def _inception(settings: Settings, arrays: Path, say: Say) -> Space:
    from metrics import inception

    network = inception.load_network()
    size = (inception.SIDE, inception.SIDE)

    def features(pictures: np.ndarray) -> np.ndarray:
        images = resized(in_colour(pictures), size, Image.Resampling.BILINEAR)
        return inception.features(network, images)

    identity = f"inception {digest_of(*network.get_weights())} bilinear"
    return Space("inception", identity, features, inception.AT_ONCE)


def _pixels(settings: Settings, arrays: Path, say: Say) -> Space:
    def features(pictures: np.ndarray) -> np.ndarray:
        height, width = pictures.shape[1:3]
        size = min(height, SMALL_SIDE), min(width, SMALL_SIDE)
        small = resized(pictures, size, Image.Resampling.BOX)
        return small.reshape(len(small), -1).astype(np.float32) / 255

    return Space("pixels", f"pixels {SMALL_SIDE}", features)


SPACES: dict[str, Callable[[Settings, Path, Say], Space]] = {
    "mnist": _mnist,
    "efficientnet": _efficientnet,
    "inception": _inception,
    "pixels": _pixels,
}


def resized(pictures: np.ndarray, size: tuple[int, int], by: Image.Resampling) -> np.ndarray:
    """Pictures uint8 [N, H, W, C] in another size (height, width), by one of Pillow's filters."""
    if pictures.shape[1:3] == size:
        return pictures

    def one(picture: np.ndarray) -> np.ndarray:
        return np.asarray(image_of(picture).resize(size[::-1], by)).reshape(*size, -1)

    return np.stack([result for _, result in in_parallel(one, pictures)])


def in_colour(pictures: np.ndarray) -> np.ndarray:
    """Grey pictures [N, H, W, 1] with three equal channels; others as they are."""
    return np.repeat(pictures, 3, axis=3) if pictures.shape[-1] == 1 else pictures
