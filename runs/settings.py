"""What was asked for. A setting is written once: a field of Settings, with all that is known of it.

main.py makes its command line from these fields, run.json holds their values, and everything else
goes by what they say of themselves: bounds, choices, whether a run keeps them (runs/flags.py).
"""

import math
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gan.config import (
    ACTIVATIONS,
    ARCHITECTURES,
    INITIALIZERS,
    LARGEST_NOISE,
    LARGEST_RATE,
    OPTIMIZERS,
    PENALTY_WEIGHTS,
    PRECISIONS,
    WEIGHTS,
    NetworkConfig,
    TrainingConfig,
)
from gan.losses import LOSSES, own_weights
from runs.flags import COMMAND, KEPT, LARGEST, flags_of, setting, value_of
from runs.presets import PRESETS, applied
from runs.rules import check
from support.files import DATA_DIR, PATTERN
from support.streams import Z_DISTS

IDX_SETS = ("mnist", "fashion_mnist")  # four idx files of 28x28 grey images with 10 labels
LARGEST_SEED = LARGEST
HEIGHTS = {"input_width": "input_height", "output_width": "output_height"}  # which they follow
SPACES = ("mnist", "efficientnet", "inception", "pixels")  # metrics/spaces.py has a way to each


@dataclass(frozen=True)
class Settings:
    """Everything that can be asked for. It is checked when it is made: one that exists makes sense.

    Sizes that are None are filled in, as the original does: the output's is 64, the crop's 108,
    both 28 for MNIST and its like, and a width is its height. `given` names the settings that were
    typed; the others may be taken from the trained run (see runs.stored.without_followers). It
    includes `by_preset`, those that the preset has set; None where that is still to be done.

    Raises:
        UserError: a value makes no sense; names the flag, its value and what it takes.
    """

    train: bool = setting(
        False,
        "train; without it, make pictures with the trained networks",
        COMMAND,
        was="is_train",
        group="What to do",
    )
    option: int = setting(
        0, "which pictures to make, 0 to 4 (docs/pictures.md)", COMMAND, least=0, most=4
    )
    visualize: bool = setting(False, "make the pictures after training, too", COMMAND)
    generate_test_images: int = setting(
        100, "pictures in a grid, frames in an animation", COMMAND, least=1
    )
    export: bool = setting(
        False, "write the networks as a SavedModel; with --train, when it ends", COMMAND
    )
    freeze: bool = setting(
        False, "write the generator as one frozen graph; with --train, when it ends", COMMAND
    )
    which: str = setting(
        "last",
        "the checkpoint to test, or --init_from's: last, best (of --eval_freq) or a step",
        COMMAND,
        pattern=r"last|best|\d{1,10}",
    )
    weights: str | None = setting(
        None, "what pictures and exports are made by [ema if averaged]", COMMAND, choices=WEIGHTS
    )
    dry_run: bool = setting(False, "show the settings, the data and the sizes, and stop", COMMAND)

    dataset: str = setting(
        "celebA", "mnist, fashion_mnist, or a folder of images in data_dir", group="The data"
    )
    data_dir: Path = setting(DATA_DIR, "where data sets are", by_machine=True)
    input_fname_pattern: str = setting(
        PATTERN, "which files of the folder; **/*.png searches sub-folders", KEPT
    )
    input_height: int = setting(
        None, "centre crop (with --crop) [108; mnist: 28]", KEPT, least=1, was="image_size"
    )
    input_width: int = setting(None, "[input_height]", KEPT, least=1)
    output_height: int = setting(
        None, "size of the pictures to learn [64; mnist: 28]", least=1, was="output_size"
    )
    output_width: int = setting(None, "[output_height]", least=1)
    c_dim: int | None = setting(
        None, "1 for grey, 3 for colour [as the images are]", KEPT, choices=(1, 3)
    )
    crop: bool = setting(False, "cut the centre out before resizing", KEPT, was="is_crop")
    background: str = setting("white", "what is behind transparent images, a name or #rrggbb", KEPT)
    allow_bad: bool = setting(False, "train even if most files are bad, or too few for a batch")
    train_size: float = setting(math.inf, "images in an epoch, at most", KEPT, least=1)
    labels: bool | None = setting(
        None, "a class for each sub-folder; --nolabels: MNIST without labels", KEPT
    )
    labels_file: Path | None = setting(
        None,
        "or from this CSV (file,label), or several: 0 and 1 in a column each, or CelebA's list",
        KEPT,
        by_machine=True,
    )
    flip: bool = setting(False, "show half of the images mirrored, left to right", KEPT)

    preset: str = setting(
        "original",
        "a name for several of the flags below; it prints them",
        COMMAND,
        choices=tuple(PRESETS),
        group="The training",
    )
    epoch: int = setting(25, "epochs in all", least=1)
    optimizer: str = setting(
        "adam", "what the gradients are made into, of both", KEPT, choices=OPTIMIZERS
    )
    g_optimizer: str | None = setting(None, "of G [optimizer]", KEPT, choices=OPTIMIZERS)
    d_optimizer: str | None = setting(None, "of D [optimizer]", KEPT, choices=OPTIMIZERS)
    learning_rate: float = setting(0.0002, "of both", KEPT, above=0, below=LARGEST_RATE)
    g_learning_rate: float | None = setting(
        None, "of G [learning_rate]", KEPT, above=0, below=LARGEST_RATE
    )
    d_learning_rate: float | None = setting(
        None, "of D [learning_rate]", KEPT, above=0, below=LARGEST_RATE
    )
    decay_steps: int = setting(
        0,
        "both rates: half after so many steps, a third after twice as many; 0: they stay",
        KEPT,
        least=0,
    )
    beta1: float = setting(0.5, "of Adam", KEPT, least=0, below=1)
    arch: str | None = setting(
        None,
        "the networks; gan is fully connected [dcgan; mnist with labels: dcgan_mnist]",
        KEPT,
        choices=ARCHITECTURES,
    )
    gf_dim: int = setting(64, "filters of G's last hidden layer", KEPT, least=1)
    df_dim: int = setting(64, "filters of D's first layer", KEPT, least=1)
    gfc_dim: int = setting(1024, "units of G's first layer, dcgan_mnist only", KEPT, least=1)
    dfc_dim: int = setting(1024, "units of D's last hidden layer, the same", KEPT, least=1)
    activation: str | None = setting(
        None, "of the hidden layers [relu in G, lrelu in D]", KEPT, choices=ACTIVATIONS
    )
    initializer: str | None = setting(
        None, "of the first weights [normal, 0.02]", KEPT, choices=INITIALIZERS
    )
    spectral_norm: bool = setting(
        False, "D's weights divided by their largest singular value; with --loss=hinge", KEPT
    )
    d_batch_norm: bool = setting(
        True, "batch norm in D; without it --loss=wgan-gp and hinge are as in their papers", KEPT
    )
    g_dropout: float = setting(
        0.0, "drop this share of G's hidden values in training; try 0.5", KEPT, least=0, below=1
    )
    sample_dropout: bool = setting(False, "and when pictures are made, too", KEPT)
    loss: str = setting("gan", "what D and G are trained by", KEPT, choices=tuple(LOSSES))
    d_updates: int | None = setting(
        None, "updates of D in a step [as the loss has it; gan: 1]", KEPT, least=1, most=100
    )
    g_updates: int | None = setting(
        None, "updates of G in a step [as the loss has it; gan: 2]", KEPT, least=1, most=100
    )
    penalty_weight: float | None = setting(
        None,
        f"of the penalty in D's loss, where it has one [{own_weights()}]",
        KEPT,
        **PENALTY_WEIGHTS,
    )
    ema: float = setting(
        0.0,
        "average G's weights over this share of the steps made, to sample by; try 0.1",
        KEPT,
        least=0,
        below=1,
    )
    label_smoothing: float = setting(
        0.0, "reals are to be 1 less this for D; try 0.1", KEPT, least=0, below=1
    )
    instance_noise: float = setting(
        0.0,
        "noise of this deviation on all that D sees, falling to 0; try 0.1",
        KEPT,
        least=0,
        below=LARGEST_NOISE,
    )
    augment: bool = setting(False, "DiffAugment: D sees all images altered, for small sets", KEPT)
    precision: str = setting(
        "float32", "bfloat16 is faster if the processor has it", KEPT, choices=PRECISIONS
    )
    batch_size: int = setting(64, "images in a step", least=1)
    z_dim: int = setting(100, "length of the latent vector", KEPT, least=1)
    z_dist: str = setting("uniform_signed", "what z is drawn from", KEPT, choices=tuple(Z_DISTS))
    seed: int | None = setting(
        None,
        "the same seed gives the same run [drawn and printed]",
        KEPT,
        least=0,
        most=LARGEST_SEED,
    )
    device: str = setting(
        "auto", "auto, cpu, gpu or gpu:N", by_machine=True, pattern=r"auto|cpu|gpu(:\d{1,4})?"
    )
    strategy: str = setting(
        "none",
        "mirrored: all GPUs here; multiworker: all machines of TF_CONFIG",
        COMMAND,
        choices=("none", "mirrored", "multiworker"),
    )
    deterministic: bool = setting(False, "bit for bit the same on a GPU, too; slower there")
    xla: bool = setting(False, "have XLA compile the training step; slower on most CPUs", COMMAND)
    init_from: Path | None = setting(
        None, "start with the weights of the checkpoint in this folder", COMMAND
    )
    freeze_d: int = setting(
        0,
        "fine-tuning from --init_from: so many of D's layers keep their weights; try 2",
        KEPT,
        least=0,
    )

    checkpoint_dir: Path = setting(
        Path("checkpoint"), "where checkpoints are", COMMAND, group="What is written"
    )
    sample_dir: Path = setting(Path("samples"), "where pictures are", COMMAND)
    out_dir: Path = setting(Path("."), "the folder above checkpoint, samples and logs", COMMAND)
    out_name: str = setting("", "a folder between out_dir and those", COMMAND)
    max_to_keep: int = setting(5, "checkpoints to keep", least=1)
    ckpt_freq: int = setting(
        500, "a checkpoint every so many steps, and at the end; small sets: more", least=1
    )
    ckpt_minutes: float = setting(10.0, "and one when the last is so many minutes old", above=0)
    sample_freq: int = setting(
        100, "a sample picture every so many steps; small sets: more", least=1
    )
    sample_num: int | None = setting(
        None, "images in a sample picture [batch_size]", least=1, most=10_000
    )
    log_freq: int = setting(1, "a line with the losses every so many steps", least=1)
    summary_freq: int = setting(10, "TensorBoard summaries every so many steps", least=1)
    eval_freq: int = setting(
        0,
        "measure 2,000 pictures every so many steps, and keep the best checkpoint apart; 0: never",
        least=0,
    )
    eval_space: str | None = setting(
        None, "what they are measured in [mnist, else efficientnet]", choices=SPACES
    )
    G_img_sum: bool = setting(False, "fakes in every summary, not only with the sample pictures")
    verbose: bool = setting(False, "show TensorFlow's own messages", COMMAND)

    given: frozenset[str] = frozenset()
    by_preset: frozenset[str] | None = None

    def __post_init__(self) -> None:
        read = {name: value_of(f, getattr(self, name)) for name, f in flags_of(self).items()}
        read["dataset"] = Path(read["dataset"]).expanduser().as_posix()
        own_size = 28 if read["dataset"] in IDX_SETS else None
        read["input_height"] = read["input_height"] or own_size or 108
        read["output_height"] = read["output_height"] or own_size or 64
        for width, height in HEIGHTS.items():
            read[width] = read[width] or read[height]
        for name, value in read.items():
            object.__setattr__(self, name, value)
        # A preset that differs by architecture names nothing that decides it; none names a size.
        if self.by_preset is None:
            for name, value in applied(self, self.architecture).items():
                object.__setattr__(self, name, value)
        check(self)

    @property
    def is_idx_set(self) -> bool:
        """Whether the data are idx files, MNIST's or the like, which hold labels."""
        return self.dataset in IDX_SETS

    @property
    def with_labels(self) -> bool:
        """Whether to train with labels: idx sets do by default, folders if asked."""
        default = self.is_idx_set or self.labels_file is not None
        return default if self.labels is None else self.labels

    @property
    def architecture(self) -> str:
        """Which networks: MNIST with labels has its own, if --arch does not say another."""
        return self.arch or ("dcgan_mnist" if self.is_idx_set and self.with_labels else "dcgan")

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

    def network(self, c_dim: int, y_dim: int | None, tags: bool = False) -> NetworkConfig:
        """The networks that are asked for, with the data's channels and number of classes or tags.

        Raises:
            ValueError: two settings do not go together.
        """
        decided = {
            "architecture": self.architecture,
            "c_dim": c_dim,
            "y_dim": y_dim,
            "tags": tags,
        }
        return NetworkConfig(**{**self._fields_of(NetworkConfig), **decided})

    def training(self, **instead: Any) -> TrainingConfig:
        """What else decides a training step, with other values where they are given.

        Raises:
            ValueError: two settings do not go together.
        """
        return TrainingConfig(**{**self._fields_of(TrainingConfig), **instead})

    def _fields_of(self, config: type) -> dict[str, Any]:
        """The values of the settings that are fields of a config, too."""
        return {f.name: getattr(self, f.name) for f in fields(config) if hasattr(self, f.name)}

    def typed(self) -> dict[str, Any]:
        """The values of `given`, by name."""
        return {name: getattr(self, name) for name in sorted(self.given)}

    def as_json(self) -> dict[str, Any]:
        """All settings as JSON values; an infinite one is "inf", as it is typed."""
        values = {name: getattr(self, name) for name in flags_of(self)}
        for name, value in values.items():
            if isinstance(value, Path) or value == math.inf:  # which JSON does not know
                values[name] = str(value)
        return values
