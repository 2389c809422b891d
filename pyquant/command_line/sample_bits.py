"""How many bits a value has in an image file. Pillow does not say it of every image."""

from PIL import Image

TIFF_BITS_PER_SAMPLE = 258


def bits_per_sample(image: Image.Image, content: bytes) -> int:
    """How many bits a value has in the file; Pillow drops those beyond 8 of some images."""
    if image.format == "PNG":
        return content[24]  # the bit depth in the header chunk, which comes first
    if image.format == "SGI":
        return 8 * content[3]  # bytes per value
    if image.format == "TIFF":
        return max(image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]
    if image.format == "PPM" and image.mode != "F" and content[:2] in (b"P2", b"P3", b"P5", b"P6"):
        return _largest_of_ppm(content).bit_length()
    return 32 if image.mode in ("I", "F") else 16 if image.mode.startswith("I;") else 8


def _largest_of_ppm(content: bytes) -> int:
    """The largest value that a PPM or PGM file says it may hold: the third number of its header."""
    lines = (line.split(b"#")[0] for line in content[2:1000].split(b"\n"))
    return int(b" ".join(lines).split()[2])
