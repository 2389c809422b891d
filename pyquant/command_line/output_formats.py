"""The formats that are written: those that keep every value."""

from dataclasses import dataclass, field
from pathlib import Path

#: The modes of Pillow that images have here, and how a user knows them.
MODES = {
    "L": "gray",
    "LA": "gray with transparency",
    "RGB": "colour",
    "RGBA": "colour with transparency",
}


@dataclass(frozen=True)
class Output:
    """How Pillow writes a format, and which modes the format holds."""

    pillow_format: str
    modes: tuple[str, ...]
    options: dict[str, object] = field(default_factory=dict)


_ALL = tuple(MODES)
_TIFF = Output("TIFF", _ALL, {"compression": "tiff_lzw"})

#: By suffix.
OUTPUTS = {
    # Pillow's default, 6, takes more than twice as long, for files that are some percent smaller.
    ".png": Output("PNG", _ALL, {"compress_level": 4}),
    ".bmp": Output("BMP", ("L", "RGB")),
    ".pnm": Output("PPM", ("L", "RGB")),
    ".pgm": Output("PPM", ("L",)),
    ".ppm": Output("PPM", ("RGB",)),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    # exact: the colours of transparent pixels, too
    ".webp": Output("WEBP", _ALL, {"lossless": True, "exact": True}),
}
_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".avif", ".heic", ".gif")


def output_for(target: Path) -> Output:
    """The format of the suffix of `target`.

    Raises:
        ValueError: for a format that would change values, or that is not written.
    """
    suffix = target.suffix.lower()
    if suffix in OUTPUTS:
        return OUTPUTS[suffix]
    accepted = f"accepted are {', '.join(OUTPUTS)}"
    if suffix in _LOSSY:
        raise ValueError(f"{target}: {suffix} is lossy and would destroy the levels; {accepted}")
    raise ValueError(
        f"{target} has no suffix of a format that is written; {accepted}, or a folder with / at its end"
    )
