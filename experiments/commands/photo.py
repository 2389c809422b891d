"""A photo dithered at 4, 2 and 1 bits, and the sizes of its files."""

import csv
import io
import tempfile
from importlib.resources import files
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from experiments.photo import PhotoConfig
from experiments.support.places import results_directory
from experiments.support.storage import require_writable, write_text
from experiments.support.terminal import terminal
from pyquant import floyd_steinberg
from pyquant.atomic_files import atomic_path
from pyquant.command_line.image_files import Pixels, write_image
from pyquant.command_line.output_formats import output_for

BITS = (4, 2, 1)
FORMATS = ("png", "webp")
#: The part of the photo that is shown: left, upper, right, lower.
PART = (190, 24, 292, 160)
SCALE = 2
GAP = 4
LABEL = 22


def main(config: PhotoConfig) -> None:
    """Writes photo.png, with a part of the photo, and photo.csv, about the whole."""
    output = results_directory(config.output)
    require_writable(output)
    photo = load_sample_image("china.jpg")
    shown = {"original": photo} | {
        f"{bits} bit{'s' * (bits > 1)}": dithered(photo, bits) for bits in BITS
    }
    with atomic_path(output / "photo.png") as part:
        side_by_side(shown).save(part, "PNG", optimize=True)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", *(f"{name} bytes" for name in FORMATS), "jpeg bytes"])
    jpeg = len((files("sklearn.datasets.images") / "china.jpg").read_bytes())
    for name, pixels in shown.items():
        sizes = [file_size(pixels, suffix) for suffix in FORMATS]
        writer.writerow([name, *sizes, jpeg if pixels is photo else ""])
    write_text(output / "photo.csv", table.getvalue())
    terminal().print(f"{output}: photo.png, photo.csv")


def dithered(photo: numpy.ndarray, bits: int) -> numpy.ndarray:
    """(H, W, 3) uint8."""
    planes = torch.from_numpy(photo.copy()).movedim(-1, 0)
    return floyd_steinberg(planes, bits).movedim(0, -1).numpy()


def file_size(pixels: numpy.ndarray, suffix: str) -> int:
    """Bytes of the file that `pyquant dither` writes."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / f"photo.{suffix}"
        write_image(Pixels(pixels, "RGB", None, None), output_for(file), file)
        return file.stat().st_size


def side_by_side(images: dict[str, numpy.ndarray]) -> Image.Image:
    """The same part of every image, enlarged by a whole factor so that pixels stay visible."""
    left, upper, right, lower = PART
    width, height = SCALE * (right - left), SCALE * (lower - upper)
    picture = Image.new("RGB", (len(images) * (width + GAP) - GAP, height + LABEL), "white")
    draw = ImageDraw.Draw(picture)
    for i, (name, pixels) in enumerate(images.items()):
        part = Image.fromarray(numpy.ascontiguousarray(pixels)).crop(PART)
        x = i * (width + GAP)
        picture.paste(part.resize((width, height), Image.Resampling.NEAREST), (x, LABEL))
        draw.text((x + width / 2, LABEL / 2), name, "black", ImageFont.load_default(15), "mm")
    return picture
