"""One immutable object with everything that was asked for, and the folders that follow from it."""

import math
import re
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import ImageColor

from support.errors import UserError
from support.streams import Z_DISTS

IDX_SETS = ("mnist", "fashion_mnist")  # four idx files of 28x28 grey images with 10 labels
OPTIONS = range(5)
PRECISIONS = ("float32", "bfloat16")
STRATEGIES = ("none", "mirrored", "multiworker")


@dataclass(frozen=True)
class Settings:
    """What main.py made of the command line; the fields are its flags, explained there.

    `given` names the flags that were typed; the others may be taken from the trained run.
    """

    dataset: str
    data_dir: Path
    input_fname_pattern: str
    input_height: int
    input_width: int
    output_height: int
    output_width: int
    c_dim: int | None
    crop: bool
    background: str
    allow_bad: bool
    train_size: float
    labels: bool | None
    labels_file: Path | None
    flip: bool
    train: bool
    epoch: int
    learning_rate: float
    beta1: float
    augment: bool
    precision: str
    batch_size: int
    z_dim: int
    z_dist: str
    seed: int | None
    device: str
    strategy: str
    deterministic: bool
    xla: bool
    visualize: bool
    option: int
    generate_test_images: int
    export: bool
    freeze: bool
    checkpoint_dir: Path
    init_from: Path | None
    sample_dir: Path
    out_dir: Path
    out_name: str
    max_to_keep: int
    ckpt_freq: int
    ckpt_minutes: float
    sample_freq: int
    log_freq: int
    summary_freq: int
    G_img_sum: bool
    dry_run: bool
    verbose: bool
    given: frozenset[str] = frozenset()

    @property
    def is_idx_set(self) -> bool:
        """Whether the data are idx files, MNIST's or alike, which hold labels."""
        return self.dataset in IDX_SETS

    @property
    def with_labels(self) -> bool:
        """Whether to train with labels: idx sets are unless told otherwise, folders if told."""
        default = self.is_idx_set or self.labels_file is not None
        return default if self.labels is None else self.labels

    @property
    def convolutions(self) -> int:
        """Of each network: MNIST's with labels, the original's, has two, all others four."""
        return 2 if self.is_idx_set and self.with_labels else 4

    @property
    def run_name(self) -> str:
        """The original's name of a run: data set, batch size and output size.

        A data set given as a path is named by its last part and a checksum of the whole.
        """
        folder = Path(self.dataset)
        dataset = folder.name
        if dataset != self.dataset:  # a path: faces/train and cats/train are different data
            dataset += f"-{zlib.crc32(self.dataset.encode(errors='surrogateescape')):08x}"
        return f"{dataset}_{self.batch_size}_{self.output_height}_{self.output_width}"

    def run_folder(self, kind: str | Path) -> Path:
        """This run's folder below `kind` (checkpoint_dir, sample_dir or "logs")."""
        return self.out_dir / self.out_name / kind / self.run_name

    def as_json(self) -> dict[str, Any]:
        """The flags as JSON values; an infinite one is "inf", as it is typed."""
        values = asdict(self)
        del values["given"]
        for name in ("train_size", "ckpt_minutes"):
            if math.isinf(values[name]):  # which JSON does not know
                values[name] = "inf"
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}


def check(settings: Settings) -> None:
    """Refuse values that make no sense, before anything is opened.

    Raises:
        UserError: names the flag, its value and what it takes.
    """
    for name in (
        *("input_height", "input_width", "output_height", "output_width", "epoch", "batch_size"),
        *("z_dim", "generate_test_images", "max_to_keep", "train_size"),
        *("ckpt_freq", "sample_freq", "log_freq", "summary_freq"),
    ):
        if not getattr(settings, name) >= 1:
            raise UserError(f"--{name}={getattr(settings, name)}: it must be 1 or more")
    if not (math.isinf(settings.train_size) or settings.train_size.is_integer()):
        raise UserError(f"--train_size={settings.train_size}: a whole number of images, or inf")
    if not 0 < settings.learning_rate < math.inf:
        raise UserError(f"--learning_rate={settings.learning_rate}: it must be above 0")
    if not settings.ckpt_minutes > 0:
        raise UserError(f"--ckpt_minutes={settings.ckpt_minutes}: it must be above 0 (or inf)")
    if not 0 <= settings.beta1 < 1:
        raise UserError(f"--beta1={settings.beta1}: it must be in [0, 1)")
    if settings.option not in OPTIONS:
        raise UserError(f"--option={settings.option}: there are 0, 1, 2, 3 and 4")
    if settings.z_dist not in Z_DISTS:
        raise UserError(f"--z_dist={settings.z_dist}: there are {', '.join(Z_DISTS)}")
    if settings.precision not in PRECISIONS:
        raise UserError(f"--precision={settings.precision}: there are {', '.join(PRECISIONS)}")
    if settings.c_dim not in (None, 1, 3):
        raise UserError(f"--c_dim={settings.c_dim}: 1 (grey) or 3 (colour)")
    if settings.is_idx_set and settings.c_dim == 3:
        raise UserError(f"--c_dim=3: {settings.dataset} is grey; leave --c_dim away")
    if settings.labels_file and settings.is_idx_set:
        raise UserError(f"--labels_file: {settings.dataset} holds its own labels; leave it away")
    if settings.labels is False and "labels_file" in settings.given:
        raise UserError("--nolabels and --labels_file: give one of them")
    try:
        ImageColor.getrgb(settings.background)
    except ValueError as error:
        raise UserError(
            f"--background={settings.background}: give a colour's name or #rrggbb"
        ) from error
    if settings.seed is not None and not 0 <= settings.seed < 2**31:
        raise UserError(f"--seed={settings.seed}: it must be in 0 ... 2147483647")
    folder = str(settings.run_folder(settings.checkpoint_dir))
    if re.search(r"[*?\[\]]", folder):
        raise UserError(f"{folder}: TensorFlow cannot load checkpoints from names with * ? [ or ]")
    if not re.fullmatch(r"auto|cpu|gpu(:\d+)?", settings.device):
        raise UserError(f"--device={settings.device}: there are auto, cpu, gpu, gpu:0, gpu:1, ...")
    if settings.strategy not in STRATEGIES:
        raise UserError(f"--strategy={settings.strategy}: there are {', '.join(STRATEGIES)}")
    if settings.strategy != "none" and settings.train:
        if settings.xla:
            raise UserError(f"--xla does not go with --strategy={settings.strategy}: leave it away")
        if ":" in settings.device:
            raise UserError(
                f"--device={settings.device}: --strategy={settings.strategy} takes every GPU; to "
                "choose some, set CUDA_VISIBLE_DEVICES"
            )
    if not settings.dataset.strip("/.") or settings.dataset.startswith("-"):
        raise UserError(f"--dataset={settings.dataset!r}: name a folder below --data_dir, or mnist")
