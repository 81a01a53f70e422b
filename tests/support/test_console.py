"""How a script meets its terminal: one line for each failure, words as they were typed."""

import argparse
import os
import signal
import subprocess
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest
from makers import PROJECT

import bench
import evaluate
import main
from support.console import Parser, nearest, plain_words, positive, run_command, wrapped
from support.errors import RunError, UserError


class OpError(Exception):
    """Like TensorFlow's, whose message is not what str() gives."""

    def __init__(self, message: str):
        super().__init__("", message)
        self.message = message


class ResourceExhaustedError(OpError):
    pass


@pytest.fixture
def tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for TensorFlow, as if it had been loaded."""
    errors = types.SimpleNamespace(OpError=OpError, ResourceExhaustedError=ResourceExhaustedError)
    monkeypatch.setitem(sys.modules, "tensorflow", types.SimpleNamespace(errors=errors))


def because(cause: Exception, text: str) -> RunError:
    """An error with more to say of another that it was raised for."""
    error = RunError(text)
    error.__cause__ = cause
    return error


def ended(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and stderr of a command that raises."""

    def work(argv: Sequence[str]) -> int:
        raise error

    status = run_command(work, [], needs_less="give less")
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("give --crop"), 2, "give --crop"),
        (RunError("no answer"), 1, "no answer"),
        (FileNotFoundError(2, "No such file", "a.png"), 1, "a.png: No such file"),
        (OSError("closed"), 1, "closed"),
        (UserError(f"--epoch={'9' * 5000}: less"), 2, f"--epoch={'9' * 50}...{'9' * 57}: less"),
        (OpError("{{node a/b}} diverged [Op:MatMul]\nat line 5"), 1, "diverged"),
        (
            ResourceExhaustedError("failed to allocate"),
            1,
            "out of memory: give less (failed to allocate)",
        ),
        (ResourceExhaustedError("a.data: No space left"), 1, "a.data: No space left"),
        (
            because(ResourceExhaustedError("failed to allocate"), "Step 3 is saved"),
            1,
            "Step 3 is saved. To need less memory, give less",
        ),
        (because(ResourceExhaustedError("No space left"), "no step is"), 1, "no step is"),
    ],
)
@pytest.mark.usefixtures("tensorflow")
def test_a_failure_is_one_line_and_a_status(
    error: Exception, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error, capsys) == (status, f"error: {line}\n")


def test_out_of_memory_gives_no_advice_where_no_networks_are_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    assert ended(MemoryError(), capsys) == (1, "error: out of memory\n")


def test_a_mistake_in_the_program_shows_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError(), capsys)


def test_a_command_gets_its_words_and_its_status_is_returned() -> None:
    assert run_command(len, ["a", "b", "c"]) == 3


@pytest.mark.parametrize(
    ("module", "is_installed_by_pip"),
    [("numpy", True), ("PIL", True), ("absl", True), ("resource", False), ("no_such", False)],
)
def test_pip_is_named_only_for_our_requirements(
    module: str,
    is_installed_by_pip: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Windows has no `resource`, and pip could not install it."""
    if module != "no_such":
        monkeypatch.setitem(sys.modules, module, None)

    def work(argv: Sequence[str]) -> int:
        __import__(module)
        return 0

    assert run_command(work, []) == 1
    said = capsys.readouterr().err
    assert module in said
    assert said.endswith(": pip install -r requirements.txt\n") == is_installed_by_pip


def test_pip_is_also_named_if_a_requirement_itself_cannot_be_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "filelock.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "filelock", raising=False)

    def work(argv: Sequence[str]) -> int:
        import filelock

        return bool(filelock)

    assert run_command(work, []) == 1
    line = "error: No module named 'no_such_module': pip install -r requirements.txt\n"
    assert capsys.readouterr().err == line


TIDYING = """
import os, signal, sys
from support.console import run_command, say
def work(argv):
    try:
        os.kill(os.getpid(), int(argv[0]))
    finally:
        say("tidied up")
sys.exit(run_command(work, sys.argv[1:], tidies_up=len(sys.argv) > 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("tidies_up", [True, False])
def test_a_signal_ends_a_command(number: signal.Signals, tidies_up: bool) -> None:
    command = [sys.executable, "-c", TIDYING, str(int(number)), *(["tidy"] if tidies_up else [])]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + number
    assert done.stdout == ("tidied up\n" if tidies_up else "")
    advice = "type the same command to go on" if tidies_up else "every file written is whole"
    assert done.stderr == f"stopped by {number.name}; {advice}\n"


def test_a_pipe_that_nobody_reads_is_no_traceback() -> None:
    code = "from support.console import run_command, say; run_command(lambda a: say('x') or 0, [])"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.stderr == "error: Broken pipe\n"


def test_closed_streams_are_opened_on_the_null_device() -> None:
    """Otherwise the first file that is opened is what libraries print to."""
    code = (
        "import os; from support.console import checked_imports, say, warn\n"
        "with checked_imports(): assert os.open('README.md', os.O_RDONLY) > 2\n"
        "say('x'); warn('y')"
    )
    shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(shell, cwd=PROJECT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("-–train", "--train"),
        ("—out=“a b”", "--out=a b"),
        ("‘faces.zip’", "faces.zip"),
        ("-run", "--run"),
        ("-h", "--help"),
        ("−1", "−1"),
        ("a=“b", "a=“b"),
    ],
)
def test_pasted_dashes_and_quotes_are_undone(typed: str, plain: str) -> None:
    assert plain_words([typed]) == [plain]


def test_the_nearest_word_is_named_if_there_is_one() -> None:
    assert nearest("--optoin", ["--option", "--out"]) == " Did you mean --option?"
    assert nearest("--xyzzy", ["--option", "--out"]) == ""
    assert nearest("--gpu", ["--g_dropout", "--device"]) == " Did you mean --device gpu?"
    assert nearest("--cpu", ["--cut"]) == " Did you mean --cut?"


def parser() -> Parser:
    made = Parser("made.py", "What it does.")
    made.add_argument("--steps", type=positive)
    made.add_argument("--secret", help=argparse.SUPPRESS)
    return made


def test_a_parser_takes_pasted_flags() -> None:
    assert parser().parse_args(["–steps", "“3”"]).steps == 3


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("--stesp=3", "not understood: --stesp=3. Did you mean --steps?"),
        ("--step=3", "not understood: --step=3. Did you mean --steps?"),
        ("interpolat", "not understood: interpolat."),
        ("--secre", "not understood: --secre."),
        ("--steps=0", "argument --steps: 0: it must be a whole number, 1 or more."),
        ("--steps=x", "argument --steps: x: it must be a whole number, 1 or more."),
    ],
)
def test_what_a_parser_does_not_understand_is_wrong_input(typed: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        parser().parse_args([typed])
    assert str(caught.value) == f"{line} All flags: python made.py --help"


def test_help_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "What it does, in a few\nwords.\n\n"
        "  python a.py --with many --flags\n"
        "  --size    how large, in pre-set steps"
    )
    monkeypatch.setenv("COLUMNS", "26")
    assert wrapped(text).splitlines() == [
        "What it does, in a few",
        "words.",
        "",
        "  python a.py --with many --flags",
        "  --size    how large, in",
        "            pre-set steps",
    ]
    monkeypatch.setenv("COLUMNS", "300")
    assert wrapped(text).splitlines()[0] == "What it does, in a few words."


def test_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["-h"])
    assert not caught.value.code
    assert "What it does." in capsys.readouterr().out


@pytest.mark.parametrize("script", [main, evaluate, bench])
@pytest.mark.usefixtures("tensorflow")
def test_each_script_says_what_needs_less_memory(
    script: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(argv: Sequence[str]) -> int:
        raise ResourceExhaustedError("failed to allocate")

    monkeypatch.setattr(script, "_run", work)
    assert script.main([]) == 1
    assert "error: out of memory: give a smaller --" in capsys.readouterr().err
