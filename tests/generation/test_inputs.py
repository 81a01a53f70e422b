"""Images that the user names are prepared as training images are."""

from pathlib import Path

import pytest
from PIL import Image

from datasets.image_files import quiet_pillow
from generation.inputs import files_of, images_for
from runs.settings import Settings
from support.errors import UserError


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


def test_sheets_in_a_folder_are_left_out_and_named(tmp_path: Path) -> None:
    """The tests of each command see to it that its sheets have such names."""
    picture, sheet = tmp_path / "seed00000.png", tmp_path / "grid_1x2_seed00000.png"
    sheet.touch()
    with pytest.raises(
        UserError, match=r"no picture in .*, but 1 \(sheets of several pictures, by"
    ):
        files_of([tmp_path])
    picture.touch()
    said: list[str] = []
    assert files_of([tmp_path], said.append) == [picture]
    assert said == [f"left out 1 (sheets of several pictures, by their names): {sheet}"]
    assert files_of([sheet], said.append) == [sheet], "it was asked for"
    assert len(said) == 1


@pytest.mark.parametrize("stem", ["z_001", "z_00012_frame", "seeds_1", "scores", "my_projection"])
def test_a_photograph_of_such_a_name_is_no_sheet(stem: str, tmp_path: Path) -> None:
    (tmp_path / f"{stem}.png").touch()
    assert files_of([tmp_path]) == [tmp_path / f"{stem}.png"]


def test_hidden_files_are_no_pictures_in_any_folder(tmp_path: Path) -> None:
    for name in ("a.png", ".b.png", ".c/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_of([tmp_path]) == [tmp_path / "a.png"]
    assert files_of([tmp_path / ".b.png"]) == [tmp_path / ".b.png"], "it was asked for"
