"""How TensorFlow is started: quietly, and on the right device."""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType

from support.errors import RunError, UserError

OLDEST = (2, 18)  # as requirements.txt has it
INSTALL = "pip install -r requirements.txt"
# What a processor must have one of, by Linux's names, or bfloat16 is computed by detours.
FOR_BFLOAT16 = {"avx512bw", "avx512_bf16", "avx_ne_convert", "amx_bf16", "bf16"}


def start_tensorflow(
    device: str, verbose: bool, deterministic: bool = False, many: bool = False
) -> str:
    """Import TensorFlow and choose the device -> a line that says what will be used.

    The device is "auto" (a GPU where there is one), "cpu", "gpu" or "gpu:N"; with `many`, every
    GPU. Not `verbose`: without TensorFlow's own messages. `deterministic`: only kernels that add
    up in a fixed order, as those that a DCGAN needs on a CPU do anyway. UserError if there is no
    such device, RunError if TensorFlow, or a library it needs, is missing or too old.
    """
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with nullcontext() if verbose else stderr_held_back():
            import tensorflow as tf

            importlib.import_module("tensorboard")  # holds the functions of tf.summary
    except ImportError as error:
        raise RunError(f"TensorFlow cannot be loaded ({error}): {INSTALL}") from error
    if tuple(map(int, tf.__version__.split(".")[:2])) < OLDEST:
        needed = "{}.{}".format(*OLDEST)
        raise RunError(f"TensorFlow {tf.__version__} is too old, {needed} is needed: {INSTALL}")
    # NVIDIA GPUs would round the inputs of products to 10 bits, which is not what the original did.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return f"TensorFlow {tf.__version__} on {choose_device(device, tf, many)}"


def choose_device(device: str, tf: ModuleType, many: bool = False) -> str:
    """Let the module `tf` see only this device -> its description; as start_tensorflow."""
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


def lacks_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether bfloat16 is slow here: no GPU, and a processor that is known to have nothing for it.

    Where the system does not tell what the processor has, it may be fast.
    """
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU") or not cpuinfo.is_file():
        return False
    lines = (line.partition(":") for line in cpuinfo.read_text("utf-8", "replace").splitlines())
    told = {name.strip(): set(has.split()) for name, _, has in lines}
    has = told.get("flags", set()) | told.get("Features", set())  # x86, ARM
    return bool(has) and not has & FOR_BFLOAT16


@contextmanager
def stderr_held_back() -> Iterator[None]:
    """Hold back what C++ code writes to stderr; show it only if the block raises.

    TensorFlow's libraries write some messages before they read TF_CPP_MIN_LOG_LEVEL.
    """
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
