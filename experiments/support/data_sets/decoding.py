"""Files of images as 8-bit RGB pixels; images that would lose something by it are refused."""

import io
from pathlib import Path

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

#: Formats of which the file says how many bits a value has.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
TIFF_BITS_PER_SAMPLE = 258


def decode(content: bytes, file: Path) -> numpy.ndarray:
    """The pixels, (H, W, 3) uint8, of the content of ``file``, turned as its EXIF data says.

    Colour profiles are ignored.

    Raises:
        ValueError: naming the file, if it is not an image of these formats, is damaged, has more than
            8 bits for a value, a pixel that is not opaque, or several frames.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            refusal = _refusal(image, content)
            if refusal is None:
                return numpy.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError:
        refusal = f"cannot be read as an image; accepted are the formats {', '.join(FORMATS)}"
    except Exception as error:  # a damaged file can raise anything
        raise ValueError(f"{file} cannot be read as an image: {error}") from error
    raise ValueError(f"{file} {refusal}")


def _refusal(image: Image.Image, content: bytes) -> str | None:
    """Why an image is not used, or None."""
    bits = _bits(image, content)
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


def _bits(image: Image.Image, content: bytes) -> int:
    """How many bits a value has in the file; Pillow drops those beyond 8 of some images."""
    if image.format == "PNG":
        return content[24]  # the bit depth in the header chunk, which comes first
    if image.format == "TIFF":
        return max(image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]
    if image.format == "PPM" and image.mode != "F" and content[:2] in (b"P2", b"P3", b"P5", b"P6"):
        return _largest_of_ppm(content).bit_length()
    return 32 if image.mode in ("I", "F") else 16 if image.mode.startswith("I;") else 8


def _largest_of_ppm(content: bytes) -> int:
    """The largest value that a PPM or PGM file says it may hold: the third number of its header."""
    lines = (line.split(b"#")[0] for line in content[2:1000].split(b"\n"))
    return int(b" ".join(lines).split()[2])
