"""What a command comes to, from what was typed and what is stored: resolved before it acts."""

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from gan.checkpoints import latest_checkpoint
from gan.config import ANOTHER_RUN, refuse_other_shape
from gan.description import DESCRIPTION_FILE, Description, description_of
from model import DCGAN
from runs.flags import KEPT, displayed, flags_of, marked
from runs.opened import refuse_other_labels
from runs.presets import applied, flags_in
from runs.rules import refuse_meaningless
from runs.settings import Settings
from runs.stored import (
    RUN_FILE,
    damaged,
    image_size,
    read_run,
    shaping,
    source_of,
    trained_run,
    without_followers,
)
from support.errors import UserError
from support.text import first_names

DATA_DECIDE = {"architecture", "c_dim", "y_dim", "tags"}  # of the networks


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done, before data or networks are opened.

    settings: what was typed, with what the run keeps, and a seed. source: the folder whose
    checkpoint is loaded, if it has one. stored: what a training goes on with, that checkpoint's
    networks or those of --init_from; None where they are new. notes: lines to print, in order.
    """

    settings: Settings
    source: Path
    stored: Description | None
    notes: tuple[str, ...]

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.settings.seed or 0

    @property
    def folder(self) -> Path:
        """Where the run's checkpoints go."""
        return self.settings.run_folder(self.settings.checkpoint_dir)

    def networks(self, c_dim: int, y_dim: int | None, tags: bool = False) -> DCGAN:
        """New networks for the data; what is stored stays unless it was typed.

        Raises:
            UserError: the data have tags and what is stored has classes, or the other way round.
        """
        config = self.settings.network(c_dim, y_dim, tags)
        if self.stored:
            if y_dim and tags != self.stored.config.tags:
                was, now = ("classes", "tags") if tags else ("tags", "classes")
                raise UserError(
                    f"the stored networks take {was}, and the data have {now}: give --out_name for "
                    "a run of its own, without --init_from"
                )
            shape, open_ones = self.stored.config.shape(), self.settings.given | DATA_DECIDE
            stays = {name: value for name, value in shape.items() if name not in open_ones}
            config = dataclasses.replace(config, **stays)
        settings = self.settings
        try:
            return DCGAN(config, settings.training(), seed=self.seed, xla=settings.xla)
        except UserError as error:  # of freeze_d alone: the networks decide how much it may be
            if "freeze_d" in settings.given:
                raise
            raise damaged(self.source / RUN_FILE, error) from error


def resolve(settings: Settings, drawn_seed: int) -> Plan:
    """Find the run that the typed settings mean, and what of it stays.

    `drawn_seed` is taken where none was typed and the run has none.

    Raises:
        UserError: there is no such run, or what was typed does not fit it.
    """
    if settings.train:
        return _training(settings, drawn_seed)
    source, notes = (settings.init_from, []) if settings.init_from else trained_run(settings)
    if settings.seed is None:
        settings = dataclasses.replace(settings, seed=drawn_seed)
    return Plan(settings, source, None, (*notes, f"seed: {settings.seed}"))


def _training(settings: Settings, drawn_seed: int) -> Plan:
    source, notes = source_of(settings)
    stored = description_of(source, image_size(source, settings))
    if stored and "labels" in settings.given:  # before what is stored is put beside them
        refuse_other_labels(source, stored.config.y_dim, settings.labels)
    arch = stored.config.architecture if stored else settings.architecture
    settings = dataclasses.replace(settings, **applied(settings, arch))
    if words := flags_in(settings.preset, arch):
        notes = [*notes, f"--preset={settings.preset} stands for {words}"]
    settings, said = _as_the_run_was(settings, source, stored, drawn_seed)
    weights_of = source
    if settings.freeze_d and not (stored or settings.init_from):
        raise UserError(
            f"--freeze_d={settings.freeze_d} keeps weights that were trained, and these are new: "
            "give --init_from, the folder of the checkpoints to begin with"
        )
    if stored:
        refuse_other_labels(source, stored.config.y_dim, settings.with_labels)
    elif settings.init_from:
        weights_of = settings.init_from
        stored = description_of(weights_of, image_size(weights_of, settings))
        if stored is None:
            raise UserError(f"--init_from={weights_of}: there is no checkpoint in it")
        kept = {*marked(settings, KEPT)} - settings.given - DATA_DECIDE
        shape = stored.config.shape().items()
        settings = dataclasses.replace(settings, **{n: v for n, v in shape if n in kept})
    if stored:
        begins = weights_of == settings.init_from
        advice = "Give the stored values, or another --init_from" if begins else ANOTHER_RUN
        refuse_other_shape(stored.config.shape(), shaping(settings.typed()), weights_of, advice)
        _refuse_other_networks(stored, settings, weights_of)
    refuse_meaningless(settings, complete=True)
    if settings.which != "last" and not settings.init_from:
        raise UserError(
            f"--which={settings.which}: a training goes on from its last checkpoint. Leave it out, "
            "or begin a new run with the weights of that one: --init_from and another --out_name"
        )
    if settings.weights == "ema" and not settings.ema:
        raise UserError(
            "--weights=ema: nothing is averaged without --ema; --ema=0.1 is a good share"
        )
    return Plan(settings, source, stored, (*notes, *said))


def _refuse_other_networks(stored: Description, settings: Settings, folder: Path) -> None:
    """Refuse another architecture or size than the stored networks', typed or not.

    Raises:
        UserError: says which, and what to type.
    """
    if (arch := stored.config.architecture) != settings.architecture:
        raise UserError(
            f"the networks in {folder} are {arch}, not {settings.architecture}: add --arch={arch}"
        )
    size, wanted = stored.config.size, (settings.output_height, settings.output_width)
    if size != wanted:
        was, now = ("x".join(map(str, one)) for one in (size, wanted))
        flags = f"--output_height={size[0]} --output_width={size[1]}"
        raise UserError(f"the networks in {folder} make {was} pictures, not {now}: add {flags}")


def _as_the_run_was(
    settings: Settings, source: Path, stored: Description | None, drawn_seed: int
) -> tuple[Settings, list[str]]:
    """The settings with what an earlier start of the run decided, and what there is to say of it.

    run.json tells what that was, but not what shapes the networks; that, and what it does not tell,
    is in the JSON of the checkpoint. Before the first checkpoint only the seed stays: a run that is
    cut off early starts again as the same run.
    """
    own = settings.run_folder(settings.checkpoint_dir)
    folder = own if (own / RUN_FILE).is_file() else source  # the run's own, once it has started
    of_run = without_followers(read_run(folder, type(settings)).settings, settings.given)
    names = {*marked(settings, KEPT)} - settings.given if stored else {"seed"} - settings.given
    now, kept = settings, dict[str, Any]()
    if stored and "loss" in settings.given and settings.loss != stored.training.loss:
        names -= {"penalty_weight"}  # it was of the other loss
    of_json, told = source / DESCRIPTION_FILE, _told(stored, settings)
    shape = stored.config.shape().keys() & told.keys() if stored else set()
    others = {name: value for name, value in of_run.items() if name not in shape}
    for path, found in (of_json, told), (folder / RUN_FILE, others):
        values = {name: found[name] for name in flags_of(settings) if name in names & found.keys()}
        try:
            now = dataclasses.replace(now, **values)
        except UserError as error:
            _refuse_damaged(path, found, type(settings))  # else it is what was typed beside it
            raise error
        kept |= values
    taken = [n for n in flags_of(settings) if n in kept and kept[n] != getattr(settings, n)]
    words = " ".join(f"--{name}={displayed(kept[name])}" for name in taken if name != "seed")
    notes = [f"as the run was: {words}"] if words else []
    if now.seed is None:
        now = dataclasses.replace(now, seed=drawn_seed)
    notes.append(f"seed: {now.seed}")
    if stored and source == own and not of_run:
        notes.append(f"{folder} holds no {RUN_FILE}: what else was not typed is new, also the seed")
    if stored:
        for name, before in others.items():
            if (value := getattr(now, name)) != before:
                why = "" if name in settings.given else " (it was not typed)"
                notes.append(f"changed: {name} {_worded(before)} -> {_worded(value)}{why}")
    return now, notes


def _worded(value: Any) -> Any:
    return "the default" if value is None else displayed(value)


def _told(stored: Description | None, settings: Settings) -> dict[str, Any]:
    """The settings that the JSON of a checkpoint tells, and do not follow from the data."""
    if stored is None:
        return {}
    told = dataclasses.asdict(stored.config) | dataclasses.asdict(stored.training)
    if told["architecture"] != settings.architecture:
        told["arch"] = told["architecture"]
    return {name: value for name, value in told.items() if name not in DATA_DECIDE}


def _refuse_damaged(path: Path, found: Mapping[str, Any], kind: type[Settings]) -> None:
    """Blame a run's file if what it holds makes no sense by itself.

    Raises:
        UserError: it makes none.
    """
    try:
        kind(**{name: found[name] for name in flags_of(kind) if name in found})
    except UserError as error:
        raise damaged(path, error) from error


def refuse_other_classes(folder: Path, classes: Sequence[str]) -> list[str]:
    """Refuse to resume a run whose classes had other names -> what there is to say of them.

    Raises:
        UserError: they differ; names the first that do.
    """
    # A run of an earlier version may hold names of folders as macOS spells them.
    stored = tuple(unicodedata.normalize("NFC", name) for name in read_run(folder).classes)
    if not classes or not latest_checkpoint(folder):
        return []
    if not stored:
        return [f"{folder} does not name the run's classes: see that they are the same as before"]
    if stored != tuple(classes):
        gone, new = (sorted(set(a).difference(b)) for a, b in permutations((stored, classes)))
        if not gone + new:
            raise UserError(
                f"{folder} has its labels in another order, {first_names(stored)}: give them in "
                "that order, or --out_name for a run of its own"
            )
        raise UserError(
            f"the classes of {folder} were others: the data lack {first_names(gone) or 'none'}, "
            f"and {first_names(new) or 'none'} is new. Give back the old ones, or --out_name for a "
            "run of its own"
        )
    return []
