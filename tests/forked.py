"""Scripts in processes of their own that need not load TensorFlow again: that takes 5 s each.

One process has loaded it, and nothing else of what a script does; it forks for every command, and
the child runs the script as Python does: by its path, in its folder, under its environment. What
Python reads before a script begins (PYTHONPATH and the like) needs a process that is really new.

Run as a program this is that process. It reads a line of JSON for each command (script, arguments,
folder, environment, the files for stdout and stderr, how large a file may grow), and answers with
the exit status.
"""

import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

TIMEOUT = 240  # s, for one command; then SIGALRM ends it


@cache
def forking() -> subprocess.Popen[str]:
    """The process that has loaded TensorFlow: of this test process, until that ends."""
    return subprocess.Popen(
        [sys.executable, __file__],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def run_forked(
    script: Path,
    arguments: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    largest_file: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run([python, script, *arguments]), output captured as text."""
    server = forking()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as name:
        out, err = Path(name, "out"), Path(name, "err")
        words = {"script": str(script), "arguments": arguments, "folder": str(folder)}
        limits = {"environment": dict(environment), "largest_file": largest_file}
        asked = words | limits | {"out": str(out), "err": str(err)}
        server.stdin.write(f"{json.dumps(asked)}\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        assert answer, "the process that forks has ended"
        return subprocess.CompletedProcess(
            [script, *arguments], json.loads(answer), out.read_text(), err.read_text()
        )


def serve() -> dict[str, Any]:
    """Fork for each line of stdin -> in the child only: what it is to run."""
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.flush()
        if not (pid := os.fork()):
            return asked
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    sys.exit()


def become(asked: dict[str, Any]) -> None:
    """Make this process look as one that begins with a script."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    ends = [
        os.open(os.devnull, os.O_RDONLY),
        *(os.open(asked[name], os.O_WRONLY | os.O_CREAT, 0o600) for name in ("out", "err")),
    ]
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    sys.argv = [asked["script"], *asked["arguments"]]
    sys.path[0] = str(Path(asked["script"]).parent)
    signal.alarm(TIMEOUT)
    if asked["largest_file"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest_file"],) * 2)


if __name__ == "__main__":
    import tensorboard
    import tensorflow as tf

    del tensorboard, tf
    command = serve()
    become(command)
    runpy.run_path(command["script"], run_name="__main__")
