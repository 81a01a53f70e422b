"""Images that the user names are prepared as training images are."""

from pathlib import Path

from PIL import Image

from datasets.image_files import quiet_pillow
from generation.inputs import images_for
from runs.settings import Settings


def test_a_turned_photo_of_the_networks_size_is_not_cropped(tmp_path: Path) -> None:
    """Which size an image has is seen after its EXIF data turned it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (12, 16), 90).save(tmp_path / "turned.jpg", exif=exif)  # seen: 12 high, 16 wide
    Image.new("L", (16, 12), 90).save(tmp_path / "lying.jpg", exif=exif)
    settings = Settings(crop=True, input_height=8, input_width=8)
    files = [tmp_path / "turned.jpg", tmp_path / "lying.jpg"]
    with quiet_pillow():
        images = [result for _, result in images_for(settings, (12, 16, 1), files)]
    done = [", ".join(image.done) for image in images if not isinstance(image, str)]
    assert done == ["turned by EXIF", "turned by EXIF, cut to the centre 8x8"]


def test_damaged_exif_data_keep_no_image_out(tmp_path: Path) -> None:
    """They are left aside, as in training, and the image's size is that of its file."""
    path = tmp_path / "damaged.png"
    Image.new("L", (16, 12), 90).save(path, exif=b"damaged header")
    with quiet_pillow():
        ((_, image),) = images_for(Settings(crop=True, input_height=8), (12, 16, 1), [path])
    assert not isinstance(image, str), image
    assert image.done == ("damaged EXIF data, not used",)
