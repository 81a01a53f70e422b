"""What a command line or a machine lacks, cases 8 and 12 to 14."""

import re
from pathlib import Path

import pytest
from makers import TINY, TRAIN, Case, Check, nothing, tiny, trained


def old_tensorflow(folder: Path) -> None:
    tiny(folder)
    for name in ("tensorflow", "tensorboard"):
        (folder / f"{name}.py").write_text('__version__ = "1.15.0"')


CASES = [
    Case("8 unknown flag", nothing, ("--is_grey",), 2, "there is no flag --is_grey"),
    Case("8 misspelt flag", nothing, ("--epochs=3",), 2, "Did you mean --epoch?"),
    Case("8 old flag", tiny, (*TINY, "--is_train", "--is_crop", "False"), 0, "called --train now"),
    Case("8 no such z_dist", nothing, ("--z_dist=cauchy",), 2, "there are uniform_signed"),
    Case(
        "12 NaN",
        trained(),
        (*TRAIN, "--epoch=3", "--learning_rate=1e30"),
        1,
        "The last checkpoint is checkpoint/tiny_4_16_16/DCGAN.model-2",
    ),
    Case("13 memory", tiny, (*TRAIN, "--z_dim=1000000000"), 1, "out of memory: give a smaller"),
    Case("13 no GPU", tiny, (*TRAIN, "--device=gpu"), 2, "use --device=cpu"),
    Case(
        "14 a broken library",
        lambda folder: (folder / "absl.py").write_text("import no_such_library"),
        TRAIN,
        1,
        "pip install -r requirements.txt",
        {"environment": {"PYTHONPATH": "."}},
    ),
    Case(
        "14 a wrong version",
        old_tensorflow,
        TRAIN,
        1,
        "is too old",
        {"environment": {"PYTHONPATH": "."}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mode)
def test_it_is_survived_or_named_in_one_line(case: Case, check: Check) -> None:
    check(case)


def test_all_fifteen_ways_to_break_the_program_have_a_case() -> None:
    """Each case begins with its number, here and in the other files of this folder."""
    sources = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    numbers = {int(n) for source in sources for n in re.findall(r'Case\(\s*"(\d+) ', source)}
    assert numbers == set(range(1, 16))
