"""The way from picture to picture, as an animation: GIF, or MP4 with imageio-ffmpeg."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generation.latent import along
from support.errors import UserError
from support.files import written_aside
from utils import one_hot, sample_pixels, save_animation

if TYPE_CHECKING:
    from model import DCGAN

FORMATS = ("gif", "mp4")


def check_format(kind: str) -> None:
    """Refuse MP4 where nothing can write it.

    Raises:
        UserError: imageio-ffmpeg is not installed.
    """
    if kind == "mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UserError("--format mp4 needs another package: pip install imageio-ffmpeg")


def frames_between(
    dcgan: "DCGAN", z: np.ndarray, labels: np.ndarray | None, frames: int, loop: bool, method: str
) -> np.ndarray:
    """Pictures uint8 [frames, H, W, C] on the way through z [N, z_dim], as latent.along goes it.

    Between two labels [N] the one-hot vectors are mixed in proportion.
    """
    y = None
    if labels is not None and dcgan.y_dim:
        y = along(one_hot(labels, dcgan.y_dim), frames, loop, "lerp")
    return sample_pixels(dcgan, along(z, frames, loop, method), y)


def save_frames(frames: np.ndarray, path: Path, seconds: float) -> Path:
    """Write frames uint8 [N, H, W, C] as a GIF or an MP4, by the path's suffix; returns it."""
    if path.suffix == ".gif":
        return save_animation(frames, path, seconds)
    # Only --format mp4 needs it, so it is no requirement.
    from imageio_ffmpeg import write_frames

    rgb = np.broadcast_to(frames, (*frames.shape[:3], 3))
    even = [(0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)]
    padded = np.pad(rgb, even, mode="edge")  # H.264 halves the colours of 2x2 pixels
    size = (padded.shape[2], padded.shape[1])
    with written_aside(path) as aside:
        writer = write_frames(str(aside), size, fps=len(frames) / seconds, macro_block_size=2)
        try:
            writer.send(None)
            for frame in padded:
                writer.send(np.ascontiguousarray(frame))
        finally:
            writer.close()  # ends ffmpeg
    return path
