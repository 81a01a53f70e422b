"""All figures of a number of pictures against real images, for evaluate.py and for training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from metrics.duplicates import duplicates
from metrics.frechet import frechet_distance
from metrics.kid import SUBSETS, kernel_distance
from metrics.modes import label_accuracy, modes
from metrics.neighbours import neighbours
from metrics.spaces import LEAST, Features, Space, features_of
from support.errors import UserError
from support.text import counted

SEARCHED = 1000  # pictures that are looked up among all real images, at most


# Of the figures below, those that a training notes of itself: they take no search for neighbours.
EVALUATED = ("frechet", "kid", "kid_error", "modes", "entropy", "label_accuracy")


@dataclass(frozen=True)
class Evaluation:
    """The figures of `samples` pictures against `reals` real images, in the space of that name.

    identity: what decides the space's numbers; figures of two identities cannot be compared.
    figures: by name, in the order of FIGURES; those that were not asked for, or for which there is
    no classifier, are not there. histogram: the share of each class; () without a classifier.
    """

    space: str
    identity: str
    samples: int
    reals: int
    figures: dict[str, float]
    histogram: tuple[float, ...] = ()


# Each figure, with what it says.
FIGURES = {
    "frechet": "Frechet distance of the features: 0 is the best",
    "kid": "kernel distance: 0 is the best, it may come out below",
    "kid_error": "its standard error over the subsets",
    "precision": "share of the pictures that lie among the real images",
    "recall": "share of the real images that lie among the pictures",
    "density": "how densely real images lie about the pictures: 1 as among themselves",
    "coverage": "share of the real images that have a picture close by",
    "modes": "classes that are drawn, at least a tenth as often as in the data",
    "entropy": "of the classes' shares, in nats",
    "label_accuracy": "share of the pictures that show what their label asked for",
    "duplicates": "share as near to a training image as 1 in 100 of these is to another one",
    "duplicate_limit": "how near that is, of 255",
}


def evaluate(
    space: Space,
    real: Features,
    blocks: Iterable[np.ndarray],
    count: int,
    asked: np.ndarray | None = None,
    near: bool = True,
    images: np.ndarray | None = None,
    subsets: int = SUBSETS,
    title: str = "evaluating",
) -> Evaluation:
    """Figures of pictures that are made, or read, as they are measured.

    Args:
        space: that both are compared in.
        real: the features of real images in that space.
        blocks: the pictures, uint8 [n, H, W, C], `count` in all; they are not kept.
        count: how many.
        asked: the class of each picture, int [count], or its tags, [count, tags]; None without
            labels.
        near: whether to compute what takes nearest neighbours, the slowest part.
        images: what was learned from, uint8 [N, H, W, C], among which SEARCHED of the pictures,
            evenly spread, are looked up; None leaves that out.
        subsets: of the kernel distance.
        title: of the bar; "" for none.

    Raises:
        UserError: `real` is of another space; or there are too few pictures.
    """
    _refuse_few(count)
    searched: list[np.ndarray] = []
    fake = features_of(space, _kept(blocks, count, searched), count, title)
    figures = distances(real, fake, near, subsets)
    histogram: tuple[float, ...] = ()
    if space.classes:
        seen = space.classes(fake.values)
        found = modes(space.classes(real.values), seen, space.class_count)
        figures |= {"modes": float(found.modes), "entropy": found.entropy}
        histogram = tuple(found.histogram)
        if asked is not None and asked.ndim == 1:  # not tags
            figures["label_accuracy"] = label_accuracy(asked, seen)
    if images is not None:
        copies = duplicates(np.concatenate(searched), images)
        figures |= {"duplicates": copies.share, "duplicate_limit": copies.limit}
    sizes = len(fake.values), len(real.values)
    return Evaluation(space.name, space.identity, *sizes, figures, histogram)


def suffix_of(weights: str) -> str:
    """What keeps the figures of averaged weights apart from those of raw ones, in names."""
    return "_ema" if weights == "ema" else ""


def distances(
    real: Features, fake: Features, near: bool = True, subsets: int = SUBSETS
) -> dict[str, float]:
    """The figures of two sets of features, by name; without those of neighbours if not `near`.

    Raises:
        UserError: the features are of two spaces; or there are too few.
    """
    if real.space != fake.space:
        raise UserError(f"features of two spaces cannot be compared: {real.space}, {fake.space}")
    _refuse_few(min(len(real.values), len(fake.values)))
    kernel = kernel_distance(real.values, fake.values, subsets)
    figures = {
        "frechet": frechet_distance(real.values, fake.values),
        "kid": kernel.mean,
        "kid_error": kernel.standard_error,
    }
    return figures | (neighbours(real.values, fake.values)._asdict() if near else {})


def _refuse_few(count: int) -> None:
    if count < LEAST:
        raise UserError(f"{counted(count, 'picture')} to compare: {LEAST} or more are needed")


def _kept(blocks: Iterable[np.ndarray], count: int, kept: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The blocks as they come; SEARCHED pictures from all of them are put into `kept`."""
    few = min(SEARCHED, count)
    wanted = np.arange(few) * count // few
    start = 0
    for block in blocks:
        rows = wanted - start
        kept.append(block[rows[(rows >= 0) & (rows < len(block))]])
        start += len(block)
        yield block
