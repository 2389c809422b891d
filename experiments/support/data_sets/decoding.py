"""Decodes image files to 8-bit RGB, and refuses images that would lose something by it."""

import io
from pathlib import Path

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

from pyquant.command_line.sample_bits import bits_per_sample

#: Formats of which the file says how many bits a value has.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


def decode(content: bytes, file: Path) -> numpy.ndarray:
    """The pixels, (H, W, 3) uint8, of the content of ``file``, turned as its EXIF data says.

    Colour profiles are ignored.

    Raises:
        ValueError: the file is not an image of these formats, is damaged, or has more pixels than
            Pillow allows, more than 8 bits for a value, a pixel that is not opaque, or several
            frames; the message names it.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            refusal = _refusal(image, content)
            if refusal is None:
                return numpy.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError:
        refusal = f"cannot be read as an image; accepted are the formats {', '.join(FORMATS)}"
    except Image.DecompressionBombError as error:
        refusal = f"is refused, as its pixels may fill the memory: {error}"
    except Exception as error:  # a damaged file can raise anything
        raise ValueError(f"{file} cannot be read as an image: {error}") from error
    raise ValueError(f"{file} {refusal}")


def _refusal(image: Image.Image, content: bytes) -> str | None:
    """Why an image is not used, or None."""
    bits = bits_per_sample(image, content)
    if bits > 8:
        return f"has {bits} bits for a value; accepted are images with 8 or less"
    # The second image in the file of a camera (MPO) is a smaller copy.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        return f"has {frames} frames; accepted are images with one"
    if image.has_transparency_data:
        if numpy.asarray(image.convert("RGBA"))[..., 3].min() < 255:
            return "has transparent pixels; accepted are images that are opaque everywhere"
    return None
