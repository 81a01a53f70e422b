"""What decides a pair of networks. Without TensorFlow, so that settings can be checked first."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from support.errors import UserError

PRECISIONS = ("float32", "bfloat16")
ANOTHER_RUN = "Give the stored values, or another --out_name or --checkpoint_dir"
# Files written before architectures had names hold the number of convolutions instead.
BY_CONVOLUTIONS = {"2": "dcgan_mnist", "4": "dcgan"}


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides which networks are built; what is not given is the original's.

    architecture: a name from networks.ARCHITECTURES; "" takes the original's choice, "dcgan_mnist"
    with labels and "dcgan" without. output_height, output_width: of the images, any size, also odd
    and not square. c_dim: colour channels. y_dim: number of classes, None without labels. z_dim:
    length of the latent vector. gf_dim, df_dim: filters of G's last hidden layer and of D's first.
    gfc_dim, dfc_dim: units of the fully connected layers ("dcgan_mnist" only). precision:
    "float32" or "bfloat16", what training computes in; it shapes nothing.
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
    precision: str = "float32"

    def __post_init__(self) -> None:
        if not self.architecture:
            object.__setattr__(self, "architecture", "dcgan_mnist" if self.y_dim else "dcgan")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.output_height, self.output_width

    def as_json(self) -> dict[str, Any]:
        """All fields, by their names."""
        return asdict(self)

    def shape(self) -> dict[str, Any]:
        """The fields that decide the variables' shapes: all but the precision."""
        return {name: value for name, value in asdict(self).items() if name != "precision"}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], where: object) -> "NetworkConfig":
        """Read what as_json gave, also in the form of earlier versions.

        Raises:
            UserError: a field is missing or makes no sense; names the file, `where`.
        """
        stored = {"precision": PRECISIONS[0]} | dict(stored)
        if "architecture" not in stored:
            convolutions = stored.get("convolutions", 2 if stored.get("y_dim") else 4)
            stored["architecture"] = BY_CONVOLUTIONS.get(str(convolutions))
        found = {name: stored.get(name) for name in asdict(cls())}
        for name, value in found.items():
            if name == "architecture":
                fits, wanted = isinstance(value, str), "a name"
            elif name == "precision":
                fits, wanted = value in PRECISIONS, " or ".join(PRECISIONS)
            else:
                fits, wanted = type(value) is int and value >= 1, "a number"
            if not fits and (name, value) != ("y_dim", None):
                raise UserError(
                    f"{where}: {name} is {value!r}, it must be {wanted}: put back a copy"
                )
        return cls(**found)  # type: ignore[arg-type]


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
