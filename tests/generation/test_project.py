"""An image back to z: what was generated is found again."""

import numpy as np
import pytest
from makers import small, stretched

from generation.latent import within, z_of_seeds
from generation.project import loss_of, project
from utils import sample_pixels


@pytest.mark.parametrize(("y_dim", "z_dist"), [(None, "normal01"), (3, "uniform_signed")])
def test_a_generated_picture_is_found_again(y_dim: int | None, z_dist: str) -> None:
    dcgan = stretched(small(16, 16, 3, y_dim=y_dim, gf_dim=8, gfc_dim=32))
    z = z_of_seeds([1], z_dist, dcgan.z_dim)
    (pixels,) = sample_pixels(dcgan, z, np.array([2]) if y_dim else None)
    assert pixels.std() > 20
    lines: list[str] = []
    labels = [0, 1, 2] if y_dim else []
    found = project(
        dcgan, loss_of(dcgan), pixels, labels, z_dist, 7, starts=24, steps=100, say=lines.append
    )
    assert found.psnr > 25
    assert found.label == (2 if y_dim else None)
    assert found.z.shape == (1, dcgan.z_dim)
    assert (within(found.z, z_dist) == found.z).all()
    again = sample_pixels(dcgan, found.z, np.array([2]) if y_dim else None)[0]
    assert (again == found.pixels).all()
    error = np.mean((again.astype(float) - pixels) ** 2)
    assert found.psnr == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)
    losses = [float(line.split()[5].strip(",")) for line in lines]
    assert losses[-1] < losses[0] / 10, "what is said falls"


def test_one_step_and_one_start_are_enough_to_end() -> None:
    dcgan = small(y_dim=3)
    pixels = np.zeros(dcgan.image_shape, np.uint8)
    found = project(dcgan, loss_of(dcgan), pixels, [1], "uniform_signed", 0, starts=1, steps=1)
    assert found.label == 1
    assert np.isfinite(found.psnr)
