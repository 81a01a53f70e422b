"""Batches come as they are asked for, and are begun a step before."""

import threading

import numpy as np
import pytest

from training.prefetch import Batch, Prefetch


def test_each_batch_is_that_of_its_step_and_replica_and_made_once() -> None:
    made: list[tuple[int, int]] = []

    def make(step: int, replica: int) -> Batch:
        made.append((step, replica))
        return {"z": np.array([step, replica])}

    with Prefetch(make, end=7) as prefetch:
        for step in range(4, 7):
            for replica in (0, 1):
                assert prefetch.batch(step, replica)["z"].tolist() == [step, replica]
    assert sorted(made) == [(step, replica) for step in range(4, 7) for replica in (0, 1)]


def test_the_next_batch_is_made_while_the_caller_does_something_else() -> None:
    next_was_made = threading.Event()

    def make(step: int, replica: int) -> Batch:
        if step == 1:
            next_was_made.set()
        return {}

    with Prefetch(make, end=2) as prefetch:
        prefetch.batch(0, 0)
        assert next_was_made.wait(timeout=10)


def test_a_fault_in_a_batch_is_raised_at_its_step() -> None:
    def make(step: int, replica: int) -> Batch:
        if step == 1:
            raise OSError("the disk is gone")
        return {}

    with Prefetch(make, end=3) as prefetch:
        prefetch.batch(0, 0)
        with pytest.raises(OSError, match="the disk is gone"):
            prefetch.batch(1, 0)


def test_no_thread_is_left_running_when_the_training_fails() -> None:
    running = threading.active_count()

    def train() -> None:
        with Prefetch(lambda step, replica: {"z": np.zeros(step)}, end=9) as prefetch:
            for replica in (0, 1):
                prefetch.batch(4, replica)
            assert threading.active_count() == running + 2
            raise RuntimeError("a fault of the training")

    with pytest.raises(RuntimeError, match="a fault of the training"):
        train()
    assert threading.active_count() == running
