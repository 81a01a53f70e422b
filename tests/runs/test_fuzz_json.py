"""Damaged copies of run.json and DCGAN.model.json: each is taken, or refused in one line.

50 of them in every test, 2,000 in those that take long; this shows the count:
python -m pytest -s -m slow tests/runs/test_fuzz_json.py
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import small

from gan.description import DESCRIPTION_FILE
from main import parse
from runs.opened import open_run
from runs.plan import refuse_other_classes, resolve
from runs.stored import RUN_FILE, read_run, store_run
from support.errors import RunError, UserError

SEED = 1
FLAGS = ["--dataset=faces", "--output_height=8", "--batch_size=4"]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 2.5, 1e-300, 1e300, float("inf"), float("nan")),
    *(2**20, 2**31, 10**9, 10**18, 10**30, 10**400, -(10**9), 7.0),
    *("", "a", "0", "2.5", "inf", "true", "\0", "\ud800", "é", "../..", "~nobody/x", "[*]", "a\nb"),
    *("x" * 5_000, [], [1], ["a"], ["a", "a"], [[["a"]]], {}, {"a": {"b": 1}}, [None] * 3),
]
Damage = Callable[[np.random.Generator, dict[str, Any]], tuple[str | bytes, str]]


def other_value(stream: np.random.Generator, content: dict[str, Any]) -> tuple[str, str]:
    """One field with another value -> the text, and the name of the field."""
    name = str(stream.choice(list(content)))
    value = VALUES[stream.integers(len(VALUES))]
    return json.dumps(content | {name: value}), name


def renamed(stream: np.random.Generator, content: dict[str, Any]) -> tuple[str, str]:
    """One field under another name, or gone."""
    name = str(stream.choice(list(content)))
    value = content.pop(name)
    return json.dumps(content | ({name.upper(): value} if stream.random() < 0.5 else {})), name


def nested(stream: np.random.Generator, content: dict[str, Any]) -> tuple[str, str]:
    """One field, or the whole file, as many lists in each other."""
    deep = int(stream.choice([2, 500, 200_000]))
    value = "[" * deep + "]" * deep
    name = str(stream.choice(list(content)))
    if stream.random() < 0.3:
        return value, ""
    text = json.dumps(content | {name: "HERE"}).replace('"HERE"', value)
    return text, name if deep < 1000 else ""


def other_bytes(stream: np.random.Generator, content: dict[str, Any]) -> tuple[bytes, str]:
    """Bytes changed, left out, put in, or the end cut off."""
    text = bytearray(json.dumps(content, indent=2).encode())
    for _ in range(int(stream.integers(1, 4))):
        place = int(stream.integers(len(text)))
        new = bytes(stream.integers(0, 256, int(stream.integers(0, 3)), np.uint8))
        text[place : place + int(stream.integers(0, 3))] = new
    return bytes(text[: int(stream.integers(len(text)))] if stream.random() < 0.2 else text), ""


def other_text(stream: np.random.Generator, content: dict[str, Any]) -> tuple[str | bytes, str]:
    """Something else than an object, or in another encoding."""
    text = json.dumps(content)
    kinds: list[str | bytes] = ["", "null", "7", "[]", '"a"', "{", "\0" * 100, f"[{text}]", "NaN"]
    kinds += [text.encode("utf-16"), text.encode("utf-8-sig"), text + text, '{"a": ' + "9" * 5000]
    return kinds[stream.integers(len(kinds))], ""


DAMAGES: list[Damage] = [*[other_value] * 6, renamed, nested, other_bytes, other_bytes, other_text]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with three classes, as a training stores it."""
    run = parse([*FLAGS, "--labels", f"--out_dir={tmp_path}", "--seed=5"])
    folder = run.run_folder(run.checkpoint_dir)
    store_run(run, 100, folder, ["dark", "fair", "red"])
    small(c_dim=3, y_dim=3, architecture="dcgan").save(folder, 7)
    return folder


def use(folder: Path, out_dir: Path) -> None:
    """All that the scripts read of the two files: generate.py, testing, resuming, going on."""
    settings = parse([*FLAGS, "--labels", f"--out_dir={out_dir}"])
    assert open_run(folder, {}).dcgan.z_dim >= 1
    resolve(settings, drawn_seed=1)
    plan = resolve(parse([*FLAGS, "--train", "--labels", f"--out_dir={out_dir}"]), drawn_seed=1)
    refuse_other_classes(folder, ("dark", "fair", "red"))
    plan.networks(3, 3)
    stored = store_run(plan.settings, 100, folder, ["dark", "fair", "red"])
    assert all("\n" not in line for line in (*plan.notes, *stored))


@pytest.mark.parametrize("copies", [50, pytest.param(2_000, marks=pytest.mark.slow)])
def test_each_is_taken_or_refused_in_one_line(copies: int, folder: Path, tmp_path: Path) -> None:
    stream, ends = np.random.default_rng(SEED), Counter[str]()
    sound = {name: (folder / name).read_bytes() for name in (RUN_FILE, DESCRIPTION_FILE)}
    for copy in range(copies):
        for name, content in sound.items():
            (folder / name).write_bytes(content)
        name = (RUN_FILE, DESCRIPTION_FILE)[copy % 2]
        damage = DAMAGES[stream.integers(len(DAMAGES))]
        text, field = damage(stream, json.loads(sound[name]))
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            use(folder, tmp_path)
            ends["taken"] += 1
        except (UserError, RunError) as error:
            said = str(error)
            assert "\n" not in said, (copy, said)
            # What is typed, and the data, may also be said not to fit what is in this folder.
            told = (
                f"{folder / name}",
                f"{folder} have another",
                f"networks in {folder} ",
                "were others",
            )
            of_file = str(folder) in said and any(words in said for words in told)
            assert of_file, (copy, damage, text[:700], said[:300])
            assert field in said, (copy, field, said[:300])
            ends["refused"] += 1
    print(f"\n{ends.total():,} of {copies:,} end well: {dict(ends)}")
    assert ends.total() == copies
    assert min(ends["taken"], ends["refused"]) > copies / 10
    for name, content in sound.items():
        (folder / name).write_bytes(content)
    assert read_run(folder).classes == ("dark", "fair", "red")
