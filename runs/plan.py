"""What a command comes to, from what was typed and what is stored: resolved before it acts."""

import dataclasses
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from gan.checkpoints import TRAINING, Description, description_of, latest_checkpoint
from gan.config import refuse_other_shape
from model import DCGAN
from runs.flags import COMMAND, KEPT, marked
from runs.opened import refuse_other_labels
from runs.settings import Settings
from runs.stored import RUN_FILE, damaged, image_size, read_settings, source_of, trained_run
from support.errors import UserError
from support.files import read_json
from support.text import first_names

DATA_DECIDE = {"architecture", "c_dim", "y_dim"}  # of the networks


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done, before data or networks are opened.

    settings: what was typed, with what the run keeps. source: the folder whose checkpoint is
    loaded, if it has one. network: the networks of that checkpoint, or of --init_from; None where
    they are new. notes: lines to print, in order.
    """

    settings: Settings
    seed: int
    source: Path
    network: Description | None
    notes: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the run's checkpoints go."""
        return self.settings.run_folder(self.settings.checkpoint_dir)

    def networks(self, c_dim: int, y_dim: int | None) -> DCGAN:
        """New networks for the data; what is stored stays unless it was typed."""
        config = self.settings.network(c_dim, y_dim)
        training = {name: getattr(self.settings, name) for name in TRAINING}
        if self.network:
            shape, open_ones = self.network.config.shape(), self.settings.given | DATA_DECIDE
            stays = {name: value for name, value in shape.items() if name not in open_ones}
            config = dataclasses.replace(config, **stays)
        return DCGAN(config, **training, seed=self.seed, xla=self.settings.xla)


def resolve(settings: Settings, drawn_seed: int) -> Plan:
    """Find the run that the typed settings mean, and what of it stays.

    `drawn_seed` is taken where none was typed and the run has none.

    Raises:
        UserError: there is no such run, or what was typed does not fit it.
    """
    if settings.train:
        return _training(settings, drawn_seed)
    source, notes = (settings.init_from, []) if settings.init_from else trained_run(settings)
    seed = drawn_seed if settings.seed is None else settings.seed
    settings = dataclasses.replace(settings, seed=seed)
    return Plan(settings, seed, source, None, (*notes, f"seed: {seed}"))


def _training(settings: Settings, drawn_seed: int) -> Plan:
    source, notes = source_of(settings)
    network = description_of(source, image_size(source, settings))
    settings, said = _as_the_run_was(settings, source, network, drawn_seed)
    weights_of = source
    if network:
        refuse_other_labels(source, network.config.y_dim, settings.with_labels)
    elif settings.init_from:
        weights_of = settings.init_from
        network = description_of(weights_of, image_size(weights_of, settings))
        if network is None:
            raise UserError(f"--init_from={weights_of}: there is no checkpoint in it")
    if network:
        refuse_other_shape(network.config.shape(), settings.typed(), weights_of)
    assert settings.seed is not None
    return Plan(settings, settings.seed, source, network, (*notes, *said))


def _as_the_run_was(
    settings: Settings, source: Path, network: Description | None, drawn_seed: int
) -> tuple[Settings, list[str]]:
    """The settings with what an earlier start of the run decided, and what there is to say of it.

    Before the first checkpoint only the seed stays: a run that is cut off early starts again as
    the same run.
    """
    own = settings.run_folder(settings.checkpoint_dir)
    folder = own if (own / RUN_FILE).is_file() else source  # the run's own, once it has started
    stored = read_settings(folder, type(settings))
    names = marked(settings, KEPT) if network else ["seed"]
    described = network.training | {"precision": network.config.precision} if network else {}
    decided = described | stored
    kept = {n: decided[n] for n in names if n in decided and n not in settings.given}
    try:
        now = dataclasses.replace(settings, **kept)
    except UserError as error:  # what was typed makes sense by itself
        raise damaged(folder / RUN_FILE, error) from error
    taken = [n for n in kept if n != "seed" and kept[n] != getattr(settings, n)]
    notes = []
    if taken:
        notes.append(f"as the run was: {' '.join(f'--{name}={kept[name]}' for name in taken)}")
    now = dataclasses.replace(now, seed=drawn_seed if now.seed is None else now.seed)
    notes.append(f"seed: {now.seed}")
    if network and source == own and not stored:
        notes.append(f"{folder} holds no {RUN_FILE}: what was not typed is new, the seed too")
    if network:
        before, passing = read_json(folder / RUN_FILE), marked(settings, COMMAND)
        for name, value in now.as_json().items():
            if name in before and name not in passing and before[name] != value:
                notes.append(f"changed: {name} {before[name]} -> {value}")
    return now, notes


def refuse_other_classes(folder: Path, classes: Sequence[str]) -> None:
    """Refuse to resume a run whose classes had other names.

    Raises:
        UserError: they differ; names the first that do.
    """
    stored: list[Any] = read_json(folder / RUN_FILE).get("classes", [])
    if stored and classes and latest_checkpoint(folder) and stored != list(classes):
        gone, new = (sorted(set(a).difference(b)) for a, b in permutations((stored, classes)))
        raise UserError(
            f"the classes of {folder} were others: the data lack {first_names(gone) or 'none'}, "
            f"and {first_names(new) or 'none'} is new. Give back the old ones, or --out_name for a "
            "run of its own"
        )
