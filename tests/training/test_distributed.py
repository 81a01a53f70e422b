"""Several replicas compute what towers in one process do; workers agree, and outlive each other."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import PROJECT, Here, await_line, one_error_line, start, write_jpegs, write_mnist

from datasets.dataset import open_dataset
from gan.losses import fake_loss, real_loss
from main import parse
from model import DCGAN
from support.errors import UserError
from support.streams import draw_z, random_stream
from training.devices import OneDevice, Wish
from training.distributed import Cluster, read_tf_config
from utils import to_range

SMALL: dict[str, Any] = {"z_dim": 5, "gf_dim": 2, "df_dim": 2, "gfc_dim": 6, "dfc_dim": 6}
QUIET = ("--log_freq=1000000", "--sample_freq=1000000", "--summary_freq=1000000")
# With 3, a ReLU of G is so near to zero that rounding decides whether a gradient goes through it.
SEED = 4
KEEPING = ("--init_from=start", "--max_to_keep=1000000")
FLAGS = ("--train", "--batch_size=4", f"--seed={SEED}", *KEEPING)
TINY = (*FLAGS, *QUIET, "--dataset=tiny", "--output_height=16", "--ckpt_freq=1")
MNIST = (*FLAGS, *QUIET, "--dataset=mnist", "--ckpt_freq=1")
LABELS = 10
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": "-1"}

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder with both data sets, and in `start` small networks for the one without labels."""
    write_jpegs(tmp_path / "data/tiny", 26, 16, 16)
    write_mnist(tmp_path / "data/mnist", 20, 6)
    small_networks(16, 3, None).save(tmp_path / "start", 0)
    return tmp_path


def small_networks(size: int, c_dim: int, y_dim: int | None) -> DCGAN:
    sizes: dict[str, Any] = {
        "output_height": size,
        "output_width": size,
        "c_dim": c_dim,
        "y_dim": y_dim,
    }
    return DCGAN(**sizes, batch_size=4, **SMALL)


# What the replicas ought to compute, written down plainly: a network of its own for each.


def d_loss(tower: DCGAN, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
    reals = real_loss(tower.discriminator(images, y, training=True))
    return reals + fake_loss(
        tower.discriminator(tower.generator(z, y, training=True), y, training=True)
    )


def g_loss(tower: DCGAN, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
    return real_loss(tower.discriminator(tower.generator(z, y, training=True), y, training=True))


def one_step(towers: Sequence[DCGAN], batches: Sequence[Batch]) -> None:
    """D once, G twice; the gradients of each update are averaged over the towers."""
    d = (d_loss, [(tower.discriminator, tower.d_optim) for tower in towers])
    g = (g_loss, [(tower.generator, tower.g_optim) for tower in towers])
    for loss, trained in (d, g, g):
        found = []
        for tower, (network, _), batch in zip(towers, trained, batches, strict=True):
            with tf.GradientTape() as tape:
                value = loss(tower, *batch)
            found.append(tape.gradient(value, network.trainable()))
        mean = {name: tf.add_n([f[name] for f in found]) / len(found) for name in found[0]}
        for network, optim in trained:
            optim.apply(network.trainable(), mean)


def compared(
    folder: Path, flags: Sequence[str], count: int, steps: int
) -> tuple[list[DCGAN], list[Batch]]:
    """Assert that each step of a cluster is that of towers which begin where the step before ended.

    Over several steps Adam would make much of what differs by rounding: a gradient of nothing but
    noise moves a weight as far as any other.

    Returns:
        The towers, and the batches of the last step.
    """
    (run,) = (folder / "checkpoint").iterdir()
    towers = [DCGAN.from_checkpoint(folder / "start") for _ in range(count)]
    data = open_dataset(parse([*flags, f"--data_dir={folder}/data"]), SEED, count, say=print)
    for step in range(steps):
        batches = []
        for index, tower in enumerate(towers):
            if step:
                tf.train.Checkpoint(dcgan=tower).read(str(run / f"DCGAN.model-{step}"))
            pixels, y = data.batch(*divmod(step, data.batches), index)
            z = draw_z(random_stream(SEED, "z", step * count + index), "uniform_signed", 4, 5)
            batches.append((to_range(pixels, tower.value_range), z, y))
        one_step(towers, batches)
        if step + 1 < steps:
            assert_made(run / f"DCGAN.model-{step + 1}", towers)
    return towers, batches


def assert_made(prefix: Path, towers: Sequence[DCGAN]) -> None:
    """A checkpoint holds the towers' weights and moments, and the means of their averages."""
    saved = DCGAN(towers[0].config, towers[0].training)
    tf.train.Checkpoint(dcgan=saved).read(str(prefix)).assert_existing_objects_matched()
    alike = zip(saved.variables, *(tower.variables for tower in towers), strict=True)
    pairs = [
        (variable.name.split(":")[0], variable.numpy(), np.mean([v.numpy() for v in of_towers], 0))
        for variable, *of_towers in alike
    ]
    # The true gradient of a bias that feeds a batch norm is zero: Adam moves it by noise, which is
    # by no more than the learning rate (D once a step, G twice), and the moving mean follows it.
    normalised = {layer_of(name) for name, _, _ in pairs if name.endswith("/moving_mean")}
    noise = {
        layer_of(name): np.abs(value - wanted).max()
        for name, value, wanted in pairs
        if re.search(r"/bias(es)?$", name) and layer_of(name) in normalised
    }
    for layer, moved in noise.items():
        assert moved <= 2 * saved.training.learning_rate * (1 + ("generator/" in layer)), layer
    for name, value, wanted in pairs:
        layer = layer_of(name)
        if name != "step" and not (layer in noise and re.search("/bias(es)?$", name)):
            allowed = 1e-5 + (2 * noise[layer] if name.endswith("/moving_mean") else 0)
            np.testing.assert_allclose(value, wanted, rtol=0, atol=allowed, err_msg=name)


def layer_of(name: str) -> str:
    """Discriminator/d_h1_conv/biases and discriminator/d_bn1/beta are of discriminator/d_1."""
    return re.sub(r"_(h|bn)(\d).*", r"_\2", name)


def values_of(prefix: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(prefix))
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names}


# Two logical devices need a process in which TensorFlow has not begun yet.
TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import main
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_two_devices_are_two_towers(begun: Path) -> None:
    """With labels; also the printed losses, which are means, and the average of G."""
    shutil.rmtree(begun / "start")
    small_networks(28, 1, LABELS).save(begun / "start", 0)
    flags = [*MNIST, "--log_freq=3", "--strategy=mirrored", "--epoch=1", "--ema=0.5"]
    command = [sys.executable, "-c", TWO_DEVICES, *flags]
    done = subprocess.run(
        command, cwd=begun, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "replicas: 2 in this process, on CPU:0, CPU:1" in done.stdout
    steps = "3 steps an epoch of one batch of 4 for each of 2 replicas, 2 left over"
    assert f"mnist: 26 images of 28x28x1, {steps}" in done.stdout
    towers, batches = compared(begun, MNIST, 2, 3)
    losses = [evaluated(tower, *batch) for tower, batch in zip(towers, batches, strict=True)]
    printed = re.search(r"d_loss: ([\d.]+), g_loss: ([\d.]+)", done.stdout)
    assert printed
    np.testing.assert_allclose([float(n) for n in printed.groups()], np.mean(losses, 0), atol=1e-5)
    run = begun / "checkpoint/mnist_4_28_28"
    assert_made(run / "DCGAN.model-3", towers)
    assert json.loads((run / "run.json").read_text())["replicas"] == 2
    assert_averaged([values_of(run / f"DCGAN.model-{step}") for step in (1, 2, 3)], share=0.5)


def assert_averaged(steps: Sequence[dict[str, np.ndarray]], share: float) -> None:
    """What each checkpoint holds as the average is that of what they hold as G."""
    raw = "dcgan/generator/"
    wanted = {name: value for name, value in steps[0].items() if name.startswith(raw)}
    for n, values in enumerate(steps):
        for name in wanted:
            wanted[name] = wanted[name] + (values[name] - wanted[name]) / (1 + share * n)
            averaged = values[name.replace(raw, "dcgan/average/network/")]
            np.testing.assert_allclose(averaged, wanted[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert any((values[name] != wanted[name]).any() for name in wanted)


def evaluated(tower: DCGAN, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor) -> list[float]:
    """The printed d_loss and g_loss; moves the averages as printing does."""
    fakes = tower.generator(z, y, training=True, passes=2)
    logits = tower.discriminator(fakes, y, training=True, passes=2)
    d_loss = fake_loss(logits) + real_loss(tower.discriminator(images, y, training=True))
    return [float(d_loss), float(real_loss(logits))]


@contextlib.contextmanager
def workers(
    folder: Path, count: int, *flags: str, others_see: str = "."
) -> Iterator[list[subprocess.Popen[str]]]:
    """A cluster on this machine, the chief first; whatever comes, it does not outlive the test.

    others_see: the --out_dir of all but the chief.
    """
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in held]
    with contextlib.ExitStack() as stack:
        started = []
        for index in range(count):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": addresses}, "task": task})
            own = [*flags, "--strategy=multiworker", f"--out_dir={others_see if index else '.'}"]
            process = start(folder, *own, before=("env", f"TF_CONFIG={config}"))
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield started


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What became of a worker, when it has ended."""
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.slow
def test_three_workers_are_three_towers_and_stop_together(begun: Path) -> None:
    """A signal to one stops all after the same step; only the chief prints and writes."""
    with workers(begun, 3, *TINY, "--epoch=100000", others_see="elsewhere") as (chief, *others):
        await_line(chief, "wrote checkpoint/tiny_4_16_16/DCGAN.model-3")
        others[1].send_signal(signal.SIGTERM)
        done = [ended(process) for process in (chief, *others)]
    assert [d.returncode for d in done] == [128 + signal.SIGTERM] * 3, [d.stderr for d in done]
    (step,) = re.findall(r"stopped by SIGTERM at step ([\d,]+) of", done[0].stdout)
    run = begun / "checkpoint/tiny_4_16_16"
    assert (run / f"DCGAN.model-{step.replace(',', '')}.index").exists()
    towers, _ = compared(begun, TINY, 3, 3)
    assert_made(run / "DCGAN.model-3", towers)
    for index, other in enumerate(done[1:], 1):
        said = f"this is worker {index}. Worker 0 alone prints and writes\n"
        assert other.stdout.endswith(said)
    assert not (begun / "elsewhere").exists()


@pytest.mark.slow
def test_a_worker_is_killed_and_the_cluster_goes_on(begun: Path) -> None:
    """From the checkpoint of step 3 it comes to what the cluster had made without a stop."""
    run, aside = begun / "checkpoint/tiny_4_16_16", begun / "aside"
    with workers(begun, 2, *TINY, "--epoch=100000") as (chief, other):
        await_line(chief, "wrote checkpoint/tiny_4_16_16/DCGAN.model-9")
        other.kill()
        error = one_error_line(ended(chief), 1)
    assert error.startswith("error: another worker has ended or cannot be reached (")
    assert error.endswith("Start all workers again: they resume from the last checkpoint")
    towers, _ = compared(begun, TINY, 2, 3)
    assert_made(run / "DCGAN.model-3", towers)
    aside.mkdir()
    for path in {*run.glob("DCGAN.model-*")} - {*run.glob("DCGAN.model-3.*")}:
        path.rename(aside / path.name)

    with workers(begun, 2, *TINY, "--epoch=3") as both:
        done = [ended(process) for process in both]
    assert [d.returncode for d in done] == [0, 0], [d.stderr for d in done]
    assert "resuming from step 3 of checkpoint/tiny_4_16_16" in done[0].stdout
    wanted = values_of(aside / "DCGAN.model-9")
    for name, value in values_of(run / "DCGAN.model-9").items():
        # Averages of two replicas are saved as their mean, with which both go on.
        rounding = 1e-6 if "moving_" in name else 0
        np.testing.assert_allclose(value, wanted[name], rtol=rounding, atol=rounding, err_msg=name)


@pytest.mark.slow
def test_a_replica_trains_with_all_that_can_be_turned_on() -> None:
    """As the plain program, u and slots included; what is drawn comes with the batch."""
    turned: dict[str, Any] = {
        "spectral_norm": True,
        "optimizer": "rmsprop",
        "instance_noise": 0.1,
        "g_dropout": 0.5,
        "label_smoothing": 0.1,
        "decay_steps": 2,
    }
    kinds: dict[str, Any] = {"output_height": 8, "output_width": 8, "c_dim": 1, "batch_size": 4}
    plain, copied = (DCGAN(**SMALL, **kinds, **turned) for _ in range(2))
    stream = np.random.default_rng(0)
    cluster = Cluster(tf.distribute.MirroredStrategy(["CPU:0"]))
    both = [OneDevice(plain), cluster.devices(copied)]
    for step in range(2):
        made = {
            "images": stream.uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32),
            "z": stream.uniform(-1, 1, (4, 5)).astype(np.float32),
            "noise_seed": np.array([1, step], np.int32),
            "dropout_seed": np.array([2, step], np.int32),
            "noise_share": np.float32(0.5),
            "rate_share": np.float32(plain.training.rate_share(step)),
        }
        for devices in both:
            devices.train_step({0: made}.__getitem__, False, False, Wish())
    for devices in both:
        devices.collect()
    for name, variable in plain.named_variables().items():
        found = copied.named_variables()[name]
        np.testing.assert_allclose(found, variable, rtol=0, atol=1e-5, err_msg=name)
    assert sum(name.endswith("/u") for name in plain.named_variables()) == 5


@pytest.mark.slow
def test_one_replica_is_a_plain_run(here: Here, begun: Path) -> None:
    """And what replicas have saved, a plain program goes on with."""
    run, plain = begun / "checkpoint/tiny_4_16_16", begun / "plain"
    for first in ("none", "mirrored"):
        for epoch, strategy in enumerate((first, "none"), 1):
            flags = (f"--epoch={epoch}", f"--strategy={strategy}", "--device=cpu")
            done = here(begun, *TINY, *flags)
            assert done.returncode == 0, done.stderr
            assert "changed: replicas" not in done.stdout
        if first == "none":
            run.rename(plain)
    assert_made(run / "DCGAN.model-12", [DCGAN.from_checkpoint(plain)])


def test_what_is_not_finite_stops_all_replicas(here: Here, begun: Path) -> None:
    done = here(begun, *TINY, "--strategy=mirrored", "--log_freq=1", "--learning_rate=1e30")
    assert re.match(r"error: step 1: .*(is nan|not finite)", one_error_line(done, 1))
    assert not list(begun.glob("checkpoint/*/DCGAN.model-*"))


@pytest.mark.slow
def test_another_number_of_replicas_is_said(here: Here, begun: Path) -> None:
    assert here(begun, *TINY, "--epoch=1").returncode == 0
    stored = begun / "checkpoint/tiny_4_16_16/run.json"
    stored.write_text(stored.read_text().replace('"replicas": 1', '"replicas": 2'))
    out = here(begun, *TINY, "--epoch=2", "--strategy=mirrored").stdout
    assert "changed: replicas 2 -> 1. The steps made so far are counted in epochs" in out
    assert "changed: strategy" not in out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--strategy=horovod"], "--strategy=horovod: there are none, mirrored, multiworker"),
        (["--strategy=mirrored", "--xla"], "--xla does not go with --strategy=mirrored"),
        (["--strategy=mirrored", "--device=gpu:1"], "takes every GPU; .* CUDA_VISIBLE_DEVICES"),
        (["--strategy=multiworker"], "--strategy=multiworker: TF_CONFIG is not set. Set it to {"),
    ],
)
def test_what_does_not_go_is_refused(
    here: Here, begun: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], said: str
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert re.search(said, one_error_line(here(begun, *TINY, *flags), 2))


def test_without_training_a_strategy_changes_nothing(here: Here, begun: Path) -> None:
    assert here(begun, *TINY, "--strategy=multiworker", "--dry_run").returncode == 0
    tested = ("--dataset=tiny", "--output_height=16", "--init_from=start", "--option=0")
    assert here(begun, *tested, "--strategy=multiworker", "--xla").returncode == 0


TWO = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}


def test_tf_config_tells_which_worker_this_is() -> None:
    assert read_tf_config(json.dumps(TWO)) == (1, ["a:1", "b:1"])
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:1"]}
    assert read_tf_config(json.dumps(TWO | {"cluster": cluster})) == (2, ["c:1", "a:1", "b:1"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not set"),
        ("{cluster}", "is not JSON"),
        ("[]", 'has no "cluster"'),
        (json.dumps({"cluster": TWO["cluster"]}), 'has no "task"'),
        (json.dumps(TWO | {"cluster": {"worker": "a:1"}}), "has no list of host:port under worker"),
        (json.dumps(TWO | {"cluster": {"worker": ["a", "b:1"]}}), "has no list of host:port"),
        (json.dumps(TWO | {"cluster": {"ps": ["a:1"], "worker": ["b:1"]}}), "not used here: ps"),
        (json.dumps(TWO | {"cluster": {"worker": ["a:1", "a:1"]}}), "names an address twice"),
        (json.dumps(TWO | {"task": {"type": "worker", "index": 2}}), "has worker 0, worker 1"),
        (json.dumps(TWO | {"task": {"type": "chief", "index": 0}}), "this is chief 0, but"),
        (json.dumps(TWO | {"task": {"type": "worker", "index": "1"}}), "is worker '1', but"),
        (json.dumps(TWO | {"task": {"type": "worker", "index": [1]}}), "but its cluster has"),
    ],
)
def test_a_wrong_tf_config_says_what_to_set(text: str | None, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as refused:
        read_tf_config(text)
    assert 'Set it to {"cluster": {"worker": ["host0:12345"' in str(refused.value)


def test_workers_that_mean_different_runs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[3, 100], [3, 100], [3, 90], [3, 90]])
    strategy = types.SimpleNamespace(num_replicas_in_sync=4)
    monkeypatch.setattr(Cluster, "_gathered", lambda self, values: table)
    with pytest.raises(UserError, match="the number of images is 100 at worker 0, 90 at worker 1"):
        Cluster(strategy, 0, 2).refuse_differences({"the seed": 3, "the number of images": 100})
