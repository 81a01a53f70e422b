"""Many devices: which replicas there are, and the copies of a DCGAN that train on them as one.

A replica is one device with a copy of both networks. --strategy mirrored makes one of every device
of this machine, --strategy multiworker of every device of all machines that TF_CONFIG names; there
each machine runs this program, a worker. Worker 0 is the chief: it alone prints and writes.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import tensorflow as tf

from model import DCGAN, graph
from support.console import say
from support.errors import RunError, UserError, one_line
from training.devices import BatchOf, OneDevice, Result, Wish

EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
    '"task": {"type": "worker", "index": 0}}, and index 1 on host1'
)
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
SIGNALS = 65  # signals have numbers below
ADDRESS = re.compile(r"[^:].*:\d+")

Nested = TypeVar("Nested")  # tensors, also in lists and dictionaries


@dataclass(frozen=True)
class Cluster:
    """The replicas that train together, and the part of this process in it."""

    strategy: tf.distribute.Strategy | None = None
    worker: int = 0
    workers: int = 1

    @property
    def replicas(self) -> int:
        """Of all workers."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return self.worker == 0

    def of_chief(self, value: int) -> int:
        """What the chief calls with; all workers must call."""
        return int(self._gathered([value])[0, 0])

    def refuse_differences(self, values: Mapping[str, int]) -> None:
        """See that all workers mean the same run; all must call, with the same names.

        Raises:
            UserError: a value is not the chief's, here or at another worker.
        """
        table = self._gathered(list(values.values()))
        for replica, number in np.argwhere(table != table[0]).tolist():
            worker = replica * self.workers // self.replicas
            chiefs, other = table[0, number], table[replica, number]
            raise UserError(
                f"the workers differ: {list(values)[number]} is {chiefs} at worker 0, {other} at "
                f"worker {worker}. All need the same flags, files and images"
            )

    @contextmanager
    def chief_first(self) -> Iterator[None]:
        """Have the others wait until the chief has left the block; all must enter it."""
        if not self.is_chief:
            self._gathered([0])
        yield
        if self.is_chief:
            self._gathered([0])

    def devices(self, dcgan: DCGAN) -> OneDevice:
        """Where `dcgan` is trained; all workers must call."""
        return Copies(self, dcgan) if self.strategy else OneDevice(dcgan)

    def _gathered(self, values: list[int]) -> np.ndarray:
        """The values of every replica's worker, int64 [replicas, len(values)]."""
        if self.strategy is None:
            return np.array([values])

        def own_row(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            table = np.zeros((self.replicas, len(values)), np.int64)
            table[context.replica_id_in_sync_group] = values
            return tf.constant(table)

        with _others_may_be_lost():
            tables = self.strategy.experimental_distribute_values_from_function(own_row)
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, tables, axis=None).numpy()


@contextmanager
def joined(kind: str) -> Iterator[Cluster]:
    """Make the replicas of --strategy `kind`, say which there are, and wait for all workers.

    Within the block only the chief's prints are seen. TensorFlow must not have computed yet.

    Raises:
        UserError: TF_CONFIG is missing or wrong.
    """
    if kind == "none":
        yield Cluster()
        return
    if kind == "mirrored":
        strategy = tf.distribute.MirroredStrategy()
        cluster = Cluster(strategy)
        devices = ", ".join(d.rpartition("device:")[2] for d in strategy.extended.worker_devices)
        say(f"replicas: {cluster.replicas} in this process, on {devices}")
    else:
        worker, addresses = read_tf_config(os.environ.get("TF_CONFIG"))
        say(f"worker {worker} of {len(addresses)}, {addresses[worker]}: waiting for all")
        # In a thread, as a signal is not noticed in the one that waits inside of TensorFlow.
        with ThreadPoolExecutor(1) as pool:
            strategy = pool.submit(tf.distribute.MultiWorkerMirroredStrategy).result()
        cluster = Cluster(strategy, worker, len(addresses))
        part = ", the chief" if cluster.is_chief else ". Worker 0 alone prints and writes"
        members = f"{cluster.replicas} on {cluster.workers} workers"
        say(f"replicas: {members}; this is worker {worker}{part}")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        stdout = sys.stdout if cluster.is_chief else nowhere
        with redirect_stdout(stdout):
            yield cluster


def read_tf_config(text: str | None) -> tuple[int, list[str]]:
    """What TF_CONFIG says: the number of this worker, and all addresses, the chief's first.

    Raises:
        UserError: says what is wrong with it, and how it looks; `text` is None if it is not set.
    """
    if not text:
        raise _bad_tf_config("is not set")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _bad_tf_config(f"is not JSON ({error})") from error
    for name in ("cluster", "task"):
        if not (isinstance(config, dict) and isinstance(config.get(name), dict) and config[name]):
            raise _bad_tf_config(f'has no "{name}"')
    cluster, task = config["cluster"], config["task"]
    if unknown := sorted(set(cluster) - {"chief", "worker"}):
        raise _bad_tf_config(f"names jobs that are not used here: {', '.join(unknown)}")
    for job, hosts in cluster.items():
        if not isinstance(hosts, list) or not all(ADDRESS.fullmatch(str(host)) for host in hosts):
            raise _bad_tf_config(f"has no list of host:port under {job}")
    if len(cluster.get("chief", [])) > 1:
        raise _bad_tf_config("names several chiefs")
    jobs = [(job, n) for job in ("chief", "worker") for n in range(len(cluster.get(job, [])))]
    own = (task.get("type"), task.get("index"))
    if own not in jobs:
        there = ", ".join(f"{job} {n}" for job, n in jobs) or "nobody"
        raise _bad_tf_config(f"says that this is {own[0]} {own[1]!r}, but its cluster has {there}")
    addresses = [cluster[job][n] for job, n in jobs]
    if len(set(addresses)) < len(addresses):
        raise _bad_tf_config("names an address twice")
    return jobs.index(own), addresses


def _bad_tf_config(fault: str) -> UserError:
    return UserError(f"--strategy=multiworker: TF_CONFIG {fault}. Set it to {EXAMPLE}")


class Copies(OneDevice):
    """A copy of a DCGAN on each replica; the DCGAN itself is as it was at the last `collect`."""

    def __init__(self, cluster: Cluster, dcgan: DCGAN):
        """Begin with what the chief's `dcgan` holds; all workers must call."""
        super().__init__(dcgan)
        assert cluster.strategy is not None
        self.replicas, self.workers = cluster.replicas, cluster.workers
        self.is_chief, self._strategy = cluster.is_chief, cluster.strategy
        self._agreed = Wish()
        self._step = graph(lambda *inputs: self._strategy.run(self._step_on_one, inputs))
        self._means = graph(lambda: self._strategy.run(self._means_on_one))
        with _others_may_be_lost():
            with self._strategy.scope():
                self._copy = DCGAN(dcgan.config, dcgan.training, averaged=_mean)
            self._assign_from_chief()

    def train_step(self, batch_of: BatchOf, evaluate: bool, watch: bool, wish: Wish) -> Result:
        """As OneDevice; the losses are means over the replicas, d, d_ and G the first one's here.

        `not_finite` is above 0 where any replica has a loss or a variable that is not finite;
        variables are looked at with `evaluate` or `watch`.
        """

        def value(context: tf.distribute.experimental.ValueContext) -> dict[str, tf.Tensor]:
            batch = batch_of(context.replica_id_in_sync_group)
            return {name: tf.constant(part) for name, part in batch.items()}

        # Wishes travel with the losses: a row that says for each signal who has got it, and last
        # who wants to save.
        wishes = np.zeros(SIGNALS + 1, np.float32)
        wishes[wish.stop], wishes[-1] = wish.stop > 0, wish.save
        with _others_may_be_lost():
            batch = self._strategy.experimental_distribute_values_from_function(value)
            step = self._step(batch, tf.constant(wishes), tf.constant(evaluate or watch), evaluate)
            result = self._first(step)
            *signals, save = result.pop("wishes").numpy().tolist()
        self._agreed = Wish(next((n for n, count in enumerate(signals) if count), 0), save > 0)
        return result

    def agreed(self, wish: Wish) -> Wish:
        """What any worker wished for in the last step, the same at all workers."""
        return self._agreed

    def collect(self) -> None:
        """As OneDevice; the averages are means over the replicas."""
        with _others_may_be_lost():
            means = iter(self._first(self._means()))
        for variable, copy in zip(self._dcgan.variables, self._copy.variables, strict=True):
            variable.assign(next(means) if _is_average(copy) else self._first(copy))

    def fault(self, result: Result, look: bool) -> str:
        """As OneDevice; the replicas have looked already."""
        if not float(result["not_finite"]):
            return ""
        self.collect()
        return super().fault(result, look=True)

    def _step_on_one(
        self, batch: dict[str, tf.Tensor], wishes: tf.Tensor, look: tf.Tensor, evaluate: bool
    ) -> dict[str, tf.Tensor]:
        result = self._copy.iteration(**batch, evaluate=evaluate)
        names = [name for name, value in result.items() if not value.shape.rank]  # the losses
        # `look` is a tensor, so that the step is traced twice, not four times.
        values = self._copy.named_variables().values()
        variables = tf.cond(look, lambda: _any_fault(values), lambda: False)
        of_losses = _any_fault(result[name] for name in names)
        fault = tf.cast(of_losses | variables, tf.float32)
        shared = _mean(tf.concat([[result[name] for name in names], [fault], wishes], 0))
        losses, faults, wishes = tf.split(shared, [len(names), 1, -1])
        result |= dict(zip(names, tf.unstack(losses), strict=True))
        return result | {"not_finite": faults[0], "wishes": wishes}

    def _means_on_one(self) -> list[tf.Tensor]:
        return _mean([v.read_value() for v in self._copy.variables if _is_average(v)])

    def _assign_from_chief(self) -> None:
        """Machines that differ may draw initial weights that differ in the last bit."""
        values = [v.read_value() for v in self._dcgan.variables]

        def of_first_replica() -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            is_first = context.replica_id_in_sync_group == 0
            own = [tf.where(is_first, v, tf.zeros_like(v)) for v in values if v.dtype.is_floating]
            return context.all_reduce(tf.distribute.ReduceOp.SUM, own)

        chiefs = iter(self._first(tf.function(lambda: self._strategy.run(of_first_replica))()))
        for copy, value in zip(self._copy.variables, values, strict=True):
            copy.assign(next(chiefs) if value.dtype.is_floating else value)

    def _first(self, values: Nested) -> Nested:
        """The first local replica's part of values of all."""
        local = self._strategy.experimental_local_results
        return tf.nest.map_structure(lambda value: local(value)[0], values)


def _mean(values: Nested) -> Nested:
    """Means over all replicas, in one all-reduce; to be called on each."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def _any_fault(values: Iterable[tf.Tensor]) -> tf.Tensor:
    """Whether any of the values is not finite."""
    return tf.reduce_any([tf.reduce_any(~tf.math.is_finite(value)) for value in values])


def _is_average(variable: tf.Variable) -> bool:
    return variable.aggregation == tf.VariableAggregation.MEAN


@contextmanager
def _others_may_be_lost() -> Iterator[None]:
    """Say in words of this program what is raised when another worker has died."""
    try:
        yield
    except LOST as error:
        lines = str(error).splitlines()
        reason = next((line for line in lines if "aborted by" in line), one_line(error))
        raise RunError(
            f"another worker has ended or cannot be reached ({reason}). Start all workers again: "
            "they resume from the last checkpoint"
        ) from error
