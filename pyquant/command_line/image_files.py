"""Reads an image file as 8-bit gray or colour, and writes one."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pyquant.atomic_files import atomic_path
from pyquant.command_line.output_formats import MODES, OUTPUTS, Output
from pyquant.command_line.sample_bits import bits_per_sample

#: What other modes of Pillow become, without transparency; all of this keeps every value.
_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGB", "RGBX": "RGB", "YCbCr": "RGB"} | {
    mode: mode for mode in MODES
}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}


@dataclass
class Pixels:
    """The samples of an image, and what is kept of the metadata of its file."""

    samples: numpy.ndarray
    """uint8, `(height, width)` or `(height, width, channels)`."""
    mode: str
    """L, LA, RGB or RGBA, as Pillow names them."""
    colour_profile: bytes | None
    dpi: tuple[float, float] | None
    """Pixels per inch, along the width and along the height."""

    def colours(self) -> numpy.ndarray:
        """A view of the samples that are not alpha, `(colours, height, width)`."""
        channels = self.samples.reshape(*self.samples.shape[:2], -1)
        return numpy.moveaxis(channels[..., : len(self.mode.rstrip("A"))], -1, 0)


def read_image(path: Path, reduce_16_bit: bool) -> Pixels:
    """The image in a file, turned as its EXIF data says.

    Args:
        path: of a file that Pillow reads.
        reduce_16_bit: whether samples with 16 bits are reduced to 8, or else refused.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it holds no image, is damaged, or the image is one that is refused.
    """
    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content)) as image:
            refusal = _refusal(image, content, reduce_16_bit)
            if refusal is None:
                return _pixels(image)
    except UnidentifiedImageError:
        refusal = "is not an image that can be read"
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        refusal = (
            f"has more than {limit:,} pixels, which may fill the memory; --any-size accepts it"
        )
    except Exception as error:  # a damaged file can raise anything
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    raise ValueError(f"{path} {refusal}")


def _refusal(image: Image.Image, content: bytes, reduce_16_bit: bool) -> str | None:
    """Why an image is not processed, or None."""
    # The second image in the file of a camera (MPO) is a smaller copy.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        return f"has {frames} frames or pages; accepted are images with one"
    bits = bits_per_sample(image, content)
    if bits == 16 and not reduce_16_bit:
        return "has 16 bits per sample; --reduce-16-bit makes them 8"
    if bits > 8 and bits != 16:
        return f"has {bits} bits per sample; accepted are 8 or less, and 16 with --reduce-16-bit"
    if image.mode == "CMYK":
        return "has CMYK colours, which only its printer's profile can make RGB; convert it first"
    if image.mode not in _CONVERTED and not image.mode.startswith("I"):
        return f"has colours of the kind {image.mode}; accepted are gray, RGB and palettes"
    return None


def _pixels(image: Image.Image) -> Pixels:
    kept = image.info.get("icc_profile"), _dpi(image)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):  # gray with 16 bits; those of colours Pillow itself reduces
        return Pixels((numpy.array(image) >> 8).astype(numpy.uint8), "L", *kept)
    mode = _CONVERTED[image.mode]
    if image.has_transparency_data:
        mode = _WITH_ALPHA.get(mode, mode)
    if image.mode != mode:  # or else convert makes a copy
        image = image.convert(mode)
    return Pixels(numpy.array(image), mode, *kept)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Of the image as it is once its EXIF orientation is applied."""
    # Zero and nan are in damaged files, and 1 stands for a TIFF that does not say it.
    width, height = map(float, image.info.get("dpi", (1, 1)))
    if not (1 < width < 1e6 and 1 < height < 1e6):
        return None
    on_its_side = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return (height, width) if on_its_side else (width, height)


def check_mode(mode: str, output: Output, target: Path) -> None:
    """ValueError if the format of `target` does not hold such an image."""
    if mode not in output.modes:
        others = [suffix for suffix, other in OUTPUTS.items() if mode in other.modes]
        raise ValueError(
            f"{target} cannot hold an image that is {MODES[mode]}; accepted are {', '.join(others)}"
        )


def write_image(pixels: Pixels, output: Output, target: Path) -> None:
    """Writes `target`, whole or not at all, with every sample as it is.

    Raises:
        OSError: if it cannot be written.
        ValueError: if the format does not hold such an image.
    """
    check_mode(pixels.mode, output, target)
    image = Image.fromarray(pixels.samples)
    metadata = {"icc_profile": pixels.colour_profile} | ({"dpi": pixels.dpi} if pixels.dpi else {})
    with atomic_path(target) as part:
        image.save(part, output.pillow_format, **metadata, **output.options)
