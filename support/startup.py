"""How TensorFlow is started: quietly, and on the right device."""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from support.errors import RunError, UserError

OLDEST = (2, 18)  # as requirements.txt has it


def start_tensorflow(
    device: str, verbose: bool, deterministic: bool = False, many: bool = False
) -> str:
    """Import TensorFlow and choose the device -> a line that says what will be used.

    Args:
        device: "auto" (a GPU where there is one), "cpu", "gpu" or "gpu:N".
        verbose: let TensorFlow's own messages through.
        deterministic: use only kernels that add up in a fixed order. On a CPU those that a DCGAN
            needs do so anyway.
        many: use every GPU there is, not just one.

    Raises:
        UserError: there is no such device.
        RunError: TensorFlow, or a library it needs, is missing or too old.
    """
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _stderr_held_back(not verbose):
            import tensorflow as tf

            importlib.import_module("tensorboard")  # holds the functions of tf.summary
    except ImportError as error:
        raise RunError(
            f"TensorFlow cannot be loaded ({error}): pip install -r requirements.txt"
        ) from error
    if tuple(int(part) for part in tf.__version__.split(".")[:2]) < OLDEST:
        raise RunError(
            f"TensorFlow {tf.__version__} is too old, {OLDEST[0]}.{OLDEST[1]} is needed: "
            "pip install -r requirements.txt"
        )
    # NVIDIA GPUs would round the inputs of products to 10 bits, which is not what the original did.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return f"TensorFlow {tf.__version__} on {choose_device(device, tf, many)}"


def choose_device(device: str, tf: ModuleType, many: bool = False) -> str:
    """Let the module `tf` see only the device asked for (as start_tensorflow) -> its description.

    Raises:
        UserError: there is no such device.
    """
    gpus = tf.config.list_physical_devices("GPU")
    cpu = f"CPU ({os.cpu_count()} cores)"
    name, _, number = device.partition(":")
    if name == "cpu" or (name == "auto" and not gpus):
        tf.config.set_visible_devices([], "GPU")
        return cpu
    chosen = int(number or 0)
    if chosen >= len(gpus):
        found = f"{len(gpus)} GPU(s)" if gpus else "no GPU"
        raise UserError(f"--device={device}: TensorFlow sees {found} here; use --device=cpu")
    used = gpus if many else [gpus[chosen]]
    tf.config.set_visible_devices(used, "GPU")
    for gpu in used:
        # Take memory as it is needed, so that other programs can use the same GPU.
        tf.config.experimental.set_memory_growth(gpu, True)
    name = tf.config.experimental.get_device_details(used[0]).get("device_name", "unknown")
    which = f"{len(gpus)} GPUs" if many else f"GPU {chosen} of {len(gpus)}"
    return f"{which} ({name}) and {cpu}"


@contextmanager
def _stderr_held_back(hold: bool) -> Iterator[None]:
    """Hold back what C++ code writes to stderr; show it only if the block raises.

    TensorFlow's libraries write some messages before they read TF_CPP_MIN_LOG_LEVEL.
    """
    if not hold:
        yield
        return
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(original, kept.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
