"""Few images: pictures and checkpoints in time, but not at every step; advice where it helps."""

import pytest

from datasets.dataset import epoch_of
from main import parse
from training.pace import advice, epoch_text, frequency, is_evaluated, is_sampled, pace


@pytest.mark.parametrize(
    ("images", "batch_size", "flags", "sample", "checkpoint"),
    [
        (64, 64, [], 20, 100),
        (200, 64, [], 21, 102),  # 3 steps an epoch: at the end of every seventh, and of every 34th
        (500, 10, [], 50, 100),
        (500, 4, [], 100, 125),
        (500, 1, [], 100, 500),
        (501, 64, [], 100, 500),
        (200, 64, ["--sample_freq=100", "--ckpt_freq=500"], 100, 500),
        (200, 64, ["--sample_freq=1"], 1, 102),
    ],
)
def test_samples_and_checkpoints_come_with_the_epochs(
    images: int, batch_size: int, flags: list[str], sample: int, checkpoint: int
) -> None:
    batches = images // batch_size
    for name, wanted in (("sample_freq", sample), ("ckpt_freq", checkpoint)):
        assert frequency(parse(flags), name, images, batches) == wanted


def test_the_last_step_of_a_small_set_is_sampled() -> None:
    for images, wanted in ((10, [False, True, False]), (505, [False, False, False])):
        batches = images // 5
        steps = [3 * batches + more for more in (-1, 0, 1)]
        settings = parse(["--epoch=3"])
        assert [is_sampled(settings, step, images, batches) for step in steps] == wanted


def test_the_last_step_is_sampled_where_no_other_is() -> None:
    """Unless --sample_freq asked for few."""
    for flags, wanted in (
        ([], True),
        (["--epoch=2"], False),
        (["--sample_freq=999"], False),
        (["--preset=fully_connected", "--dataset=mnist"], True),
    ):
        settings = parse(["--epoch=1", *flags])
        last = settings.epoch * 99
        assert is_sampled(settings, last, 999, 99) == wanted
        assert not is_sampled(settings, last - 1, 999, 99)


def test_advice_says_how_many_steps_it_makes() -> None:
    (line,) = advice(parse([]), 200)
    assert line.startswith("a small set: 3 steps an epoch, --epoch 25 makes 75, --epoch 667 about")
    assert "; --flip --augment would make more of the images" in line
    (line,) = advice(parse(["--flip", "--epoch=700"]), 200)
    assert "about" not in line
    assert "; --augment would" in line
    assert not list(advice(parse(["--flip", "--augment", "--epoch=700"]), 200))
    assert not list(advice(parse([]), 501))


def test_augment_is_advised_where_d_would_learn_the_images_by_heart() -> None:
    (line,) = advice(parse(["--epoch=300"]), 4096)
    assert line.startswith("4,096 images: D may know them by heart after some 2,000 steps, and 19,")
    assert "--augment" in line
    for flags, images in (
        (["--epoch=300", "--augment"], 4096),
        (["--epoch=30"], 4096),
        ([], 10_000),
        # each epoch of a folder takes others of all its images
        (["--epoch=300", "--train_size=6400"], 200_000),
        (["--dataset=mnist", "--epoch=300", "--train_size=6400"], 70_000),  # not tried there
    ):
        assert not list(advice(parse(flags), images))


def test_the_last_step_is_evaluated_like_those_of_eval_freq() -> None:
    settings = parse(["--eval_freq=500"])
    assert [step for step in range(1, 1101) if is_evaluated(settings, step, 1100)] == [
        500,
        1000,
        1100,
    ]
    assert not any(is_evaluated(parse([]), step, 1100) for step in range(1, 1101))
    assert "an evaluation every 500 and at the end" in pace(settings, 9999, 156)


@pytest.mark.parametrize(
    ("count", "epoch", "replicas", "text"),
    [
        (64, (64, 8), 1, "8 steps an epoch, 0 left over"),
        (15, (15, 1), 1, "1 step an epoch, 7 left over"),
        (
            5000,
            (2000, 250),
            1,
            "another 2,000 of them in each epoch, 250 steps an epoch, 0 left over",
        ),
        (35, (35, 2), 2, "2 steps an epoch of one batch of 8 for each of 2 replicas, 3 left over"),
        (3, (3, 1), 1, "1 step an epoch: 3 images, repeated to fill one batch of 8"),
    ],
)
def test_an_epoch_in_words(count: int, epoch: tuple[int, int], replicas: int, text: str) -> None:
    settings = parse(["--batch_size=8", f"--train_size={epoch[0]}", "--augment"])
    assert epoch_of(settings, count, replicas) == epoch
    assert epoch_text(settings, count, replicas) == text


def test_of_mnist_an_epoch_has_always_the_same_images() -> None:
    settings = parse(["--dataset=mnist", "--train_size=640"])
    assert epoch_text(settings, 70_000).startswith("the first 640 of them in each epoch, 10 steps")


def test_slow_bfloat16_is_told_before_hours_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for lacks, told in ((True, 1), (False, 0)):
        monkeypatch.setattr("training.pace.lacks_bfloat16", lambda lacks=lacks: lacks)
        lines = list(advice(parse(["--precision=bfloat16"]), 10_000))
        assert sum("Give --precision=float32" in line for line in lines) == told
        assert not list(advice(parse([]), 10_000))
