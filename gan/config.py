"""What decides the networks and a training step. Without TensorFlow, as command lines need it."""

import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, TypeVar

from gan.losses import LOSSES
from support.errors import UserError
from support.text import shortened

Config = TypeVar("Config", "NetworkConfig", "TrainingConfig")
ARCHITECTURES = ("dcgan", "dcgan_mnist", "gan")  # gan/networks.py has a pair for each
PRECISIONS = ("float32", "bfloat16")
ACTIVATIONS = ("relu", "lrelu", "elu", "selu", "gelu", "tanh")  # but for lrelu, tf.nn's names
INITIALIZERS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "orthogonal")
OPTIMIZERS = ("adam", "rmsprop", "sgd")  # gan/optimizers.py
WEIGHTS = ("raw", "ema")  # what there is to sample by: as trained, or averaged
SHAPING_NOTHING = {"precision", "initializer", "tags"}  # of the fields of NetworkConfig
LARGEST_RATE = 1e38  # within float32's range
LARGEST_NOISE = 100.0  # images are between -1 and 1
PENALTY_WEIGHTS = {"above": 0, "below": LARGEST_RATE}  # 0 would be a loss without its penalty
ANOTHER_RUN = "Give the stored values, or another --out_name or --checkpoint_dir"
# Files written before architectures had names hold the number of convolutions instead.
BY_CONVOLUTIONS = {"2": "dcgan_mnist", "4": "dcgan"}


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides which networks are built; what is not given is the original's.

    architecture: a name from ARCHITECTURES; "" takes the original's choice, "dcgan_mnist"
    with labels and "dcgan" without. output_height, output_width: of the images, any size, also odd
    and not square. c_dim: colour channels. y_dim: number of classes, None without labels. tags:
    whether these are tags, of which an image may have several, or none; it shapes nothing. z_dim:
    length of the latent vector. gf_dim, df_dim: filters of G's last hidden layer and of D's first
    (not for "gan"). gfc_dim, dfc_dim: units of the fully connected layers ("dcgan_mnist" only).
    precision: "float32" or "bfloat16", what training computes in. activation: of the hidden layers,
    from ACTIVATIONS; None for the usual ones, which are the original's ReLU in G and leaky ReLU in
    D, and leaky ReLU in both of "gan". spectral_norm: whether D's weights are divided by their
    largest singular value (ops.divided). d_batch_norm: whether D has the original's batch norm; D
    of "gan" never has any. g_dropout: the share of G's hidden values that is dropped in training;
    sample_dropout: whether it is in sampling, too. initializer: what the first weights are drawn
    by, from INITIALIZERS; None for the original's way.

    Raises:
        ValueError: a field makes no sense, or two of them together; names it.
    """

    architecture: str = ""
    output_height: int = 64
    output_width: int = 64
    c_dim: int = 3
    y_dim: int | None = None
    z_dim: int = 100
    gf_dim: int = 64
    df_dim: int = 64
    gfc_dim: int = 1024
    dfc_dim: int = 1024
    precision: str = field(default="float32", metadata={"choices": PRECISIONS})
    activation: str | None = field(default=None, metadata={"choices": ACTIVATIONS})
    spectral_norm: bool = False
    d_batch_norm: bool = True
    g_dropout: float = field(default=0.0, metadata={"below": 1})
    sample_dropout: bool = False
    initializer: str | None = field(default=None, metadata={"choices": INITIALIZERS})
    tags: bool = False

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.sample_dropout and not self.g_dropout:
            raise ValueError("sample_dropout keeps on the dropout of g_dropout: give that, too")
        if not self.architecture:
            object.__setattr__(self, "architecture", "dcgan_mnist" if self.y_dim else "dcgan")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.output_height, self.output_width

    def shape(self) -> dict[str, Any]:
        """The fields that decide the variables and what is made of them: all that a run keeps."""
        return {name: value for name, value in asdict(self).items() if name not in SHAPING_NOTHING}


@dataclass(frozen=True)
class TrainingConfig:
    """What else decides a training step; what is not given is the original's.

    batch_size: images in a step; part of a run's name, not of the networks. optimizer: of both
    networks, from OPTIMIZERS; g_optimizer, d_optimizer: of one, in its place. learning_rate: of
    both optimizers; g_learning_rate, d_learning_rate: of one, in its place. beta1: of Adam. loss:
    what D and G are trained by, a name from losses.LOSSES. d_updates, g_updates: of one iteration;
    None for the loss's own. decay_steps: after so many steps the learning rates are half of what
    they were at first, after twice as many a third, and so on (`rate_share`); 0 for rates that
    stay. penalty_weight: of a loss that has a penalty; None for its own. ema: the share of the
    steps made that G's weights are averaged over (average.Average); 0 for no average.
    label_smoothing: D's target for reals is 1 less this, where the loss has a target.
    instance_noise: the deviation at first of the noise on what D sees. freeze_d: how many of D's
    layers, from the images on, keep their weights (Mo et al. 2020).

    Raises:
        ValueError: a field makes no sense, or two of them together; names it.
    """

    batch_size: int = 64
    learning_rate: float = field(default=2e-4, metadata={"below": LARGEST_RATE})
    beta1: float = field(default=0.5, metadata={"below": 1})
    loss: str = field(default="gan", metadata={"choices": LOSSES})
    d_updates: int | None = None
    g_updates: int | None = None
    g_learning_rate: float | None = field(default=None, metadata={"below": LARGEST_RATE})
    d_learning_rate: float | None = field(default=None, metadata={"below": LARGEST_RATE})
    decay_steps: int = field(default=0, metadata={"least": 0})
    ema: float = field(default=0.0, metadata={"below": 1})
    optimizer: str = field(default="adam", metadata={"choices": OPTIMIZERS})
    g_optimizer: str | None = field(default=None, metadata={"choices": OPTIMIZERS})
    d_optimizer: str | None = field(default=None, metadata={"choices": OPTIMIZERS})
    label_smoothing: float = field(default=0.0, metadata={"below": 1})
    instance_noise: float = field(default=0.0, metadata={"below": LARGEST_NOISE})
    freeze_d: int = field(default=0, metadata={"least": 0})
    penalty_weight: float | None = field(default=None, metadata=PENALTY_WEIGHTS)

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.label_smoothing and not LOSSES[self.loss].has_target:
            raise ValueError(
                f"label_smoothing={self.label_smoothing:g} does not go with loss={self.loss}, "
                "which has no target for reals: leave it out, or take the loss gan"
            )
        if self.penalty_weight is not None and not LOSSES[self.loss].penalty:
            others = " or ".join(name for name, loss in LOSSES.items() if loss.penalty)
            raise ValueError(
                f"penalty_weight={self.penalty_weight:g} does not go with loss={self.loss}, which "
                f"has no penalty: leave it out, or take the loss {others}"
            )

    @property
    def updates(self) -> tuple[int | None, int | None]:
        """Of D and of G in one iteration; None for the loss's own."""
        return self.d_updates, self.g_updates

    @property
    def rates(self) -> tuple[float, float]:
        """The learning rates of D and of G."""
        d, g = self.d_learning_rate, self.g_learning_rate
        return self.learning_rate if d is None else d, self.learning_rate if g is None else g

    def rate_share(self, step: int) -> float:
        """What the learning rates are multiplied by after `step` steps.

        1 / (1 + step / decay_steps), so it depends on the steps made and not on how long the
        training is to be. (Robbins and Monro 1951; tf.keras' InverseTimeDecay.)
        """
        return 1 / (1 + step / self.decay_steps) if self.decay_steps else 1.0

    @property
    def optimizers(self) -> tuple[str, str]:
        """The optimizers of D and of G."""
        return self.d_optimizer or self.optimizer, self.g_optimizer or self.optimizer

    def deciding(self, name: str) -> dict[str, Any]:
        """Of `name` ("optimizer"), `g_name` and `d_name`: those that decide, with their values."""
        own = {one: getattr(self, one) for one in (f"g_{name}", f"d_{name}")}
        given = {one: value for one, value in own.items() if value is not None}
        return given if len(given) == len(own) else {name: getattr(self, name), **given}


def with_architecture(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A description in today's form: earlier ones hold a number of convolutions, or neither.

    Raises:
        ValueError: it is another number.
    """
    named = dict(stored)
    if "convolutions" in named:
        convolutions = str(named.pop("convolutions"))
        if "architecture" not in named and convolutions not in BY_CONVOLUTIONS:
            raise ValueError(f"convolutions is {convolutions}, it must be 2 or 4")
        named.setdefault("architecture", BY_CONVOLUTIONS.get(convolutions, ""))
    return named


def configs_of(
    config: NetworkConfig | None, training: TrainingConfig | None, values: Mapping[str, Any]
) -> tuple[NetworkConfig, TrainingConfig]:
    """Both configs, where one that is not given is made of the `values` that are its fields.

    Raises:
        ValueError: a value makes no sense; names it.
        TypeError: there is no such field, or it is given twice, or a config is something else.
    """
    for given, kind in ((config, NetworkConfig), (training, TrainingConfig)):
        if given is not None and not isinstance(given, kind):
            raise TypeError(f"{given!r} is no {kind.__name__}: give its fields as keywords")
    of_networks = with_architecture(values)
    names = {one.name for one in fields(TrainingConfig)}
    of_step = {name: of_networks.pop(name) for name in names & of_networks.keys()}
    if (config and of_networks) or (training and of_step):
        raise TypeError(f"given twice: {', '.join({**of_networks, **of_step})} and a config")
    return config or NetworkConfig(**of_networks), training or TrainingConfig(**of_step)


def read_config(kind: type[Config], stored: Mapping[str, Any]) -> Config:
    """A config of the fields that a JSON file holds; those that are missing have the defaults.

    Raises:
        ValueError: one makes no sense; names it.
    """
    return kind(**{one.name: stored[one.name] for one in fields(kind) if one.name in stored})


def _check_fields(config: "NetworkConfig | TrainingConfig") -> None:
    """Hold every field against its type and choices; NumPy's numbers become Python's.

    Raises:
        ValueError: one makes no sense; names it.
    """
    for one in fields(config):
        value = getattr(config, one.name)
        if not isinstance(value, bool) and isinstance(value, Integral):
            value = int(value)
        wanted, fits = _wanted(one, value)
        if not fits:
            raise ValueError(f"{one.name} is {shortened(repr(value))}, it must be {wanted}")
        is_float = "below" in one.metadata and value is not None
        object.__setattr__(config, one.name, float(value) if is_float else value)


def _wanted(one: Field, value: Any) -> tuple[str, bool]:
    """What a field takes, in words, and whether a value is that."""
    or_none, is_none = (", or None", value is None) if one.default is None else ("", False)
    if choices := one.metadata.get("choices"):
        return " or ".join(choices) + or_none, is_none or value in tuple(choices)
    if one.type is str:
        return "a name", isinstance(value, str)
    if one.type is bool:
        return "true or false", isinstance(value, bool)
    if below := one.metadata.get("below"):
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        above = one.metadata.get("above")
        lowest = "0 or more" if above is None else f"above {above}"
        reaches = is_number and (value >= 0 if above is None else value > above)
        fits = is_none or (reaches and value < below)
        return f"a number, {lowest} and below {below:g}{or_none}", fits
    least = one.metadata.get("least", 1)
    fits = is_none or (type(value) is int and value >= least)
    return f"a whole number, {least} or more{or_none}", fits


def refuse_other_shape(
    stored: Mapping[str, Any], wanted: Mapping[str, Any], where: object, advice: str = ANOTHER_RUN
) -> None:
    """Compare the shape() of the networks stored in `where` with what `wanted` holds of its names.

    Raises:
        UserError: they differ; names each difference, and gives the advice.
    """
    differences = [
        f"{name} is {value}, not {wanted[name]}"
        for name, value in stored.items()
        if name in wanted and wanted[name] != value
    ]
    if differences:
        raise UserError(
            f"the networks in {where} have another shape: {', '.join(differences)}. {advice}"
        )


def halved(size: tuple[int, int], times: int) -> tuple[int, int]:
    """Height and width after `times` convolutions of stride 2, SAME: halved, rounded up."""
    height, width = size
    return math.ceil(height / 2**times), math.ceil(width / 2**times)
