"""What can be written after `pyquant`."""

import argparse
import os
from pathlib import Path

from pyquant.command_line.output_formats import OUTPUTS
from pyquant.modes import ROUNDINGS, VARIANTS
from pyquant.version import __version__

_IMAGES = """\
Reads what Pillow reads, writes PNG, BMP, PNM, TIFF or lossless WebP. Gray stays gray, and alpha is
kept as it is; palettes become RGB. The EXIF orientation is applied. Of the metadata only the colour
profile is kept, and, in PNG, BMP and TIFF, the pixels per inch. Refused are CMYK, animations, and 16
bits per sample without --reduce-16-bit.
"""

_EXAMPLES = """\
examples:
  pyquant {command} photo.jpg -o photo.png --bits 2
  pyquant {command} scans/ -o out/ --bits 1 {mode} --format tiff
  pyquant {command} *.png more/ -o out/ --bits 4 --skip-existing
"""


def parser() -> argparse.ArgumentParser:
    """The options of every command."""
    main = argparse.ArgumentParser(
        prog="pyquant",
        description="Floyd-Steinberg dithering and linear quantization of image files. "
        "Without a command: info.",
        epilog="example: pyquant dither photo.jpg -o photo.png --bits 2",
    )
    main.add_argument("--version", action="version", version=f"pyquant {__version__}")
    commands = main.add_subparsers(dest="command", metavar="COMMAND")

    dither = _add_command(commands, "dither", "Floyd-Steinberg dithering", "--variant published")
    dither.add_argument(
        "--variant", dest="mode", choices=VARIANTS, default=VARIANTS[0],
        help='the arithmetic; "published" is that of the code of AprilPyone, Kinoshita and Kiya '
        "(default: %(default)s)",
    )  # fmt: skip
    quantize = _add_command(commands, "quantize", "linear quantization", "--rounding floor")
    quantize.add_argument(
        "--rounding", dest="mode", choices=ROUNDINGS, default=ROUNDINGS[0],
        help='"floor" keeps the leading bits of every sample (default: %(default)s)',
    )  # fmt: skip
    commands.add_parser(
        "info",
        help="versions, and what was built",
        description="Prints the versions of pyquant and torch, the CPU instruction set in use and "
        "the CUDA architectures that were built, or why none was.",
    )
    return main


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, op: str, mode: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=f"{op} of image files",
        description=f"{op[0].upper()}{op[1:]} of image files.\n\n{_IMAGES}",
        epilog=_EXAMPLES.format(command=name, mode=mode),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "inputs", nargs="+", type=Path, metavar="IMAGE",
        help="files, and folders with their subfolders, in which these are left out: hidden files "
        "and folders, links to folders, pipes, and files without the suffix of an image",
    )  # fmt: skip
    command.add_argument(
        "-o", "--output", required=True,
        help="a file for one image, otherwise a folder, in which subfolders are kept",
    )  # fmt: skip
    command.add_argument(
        "--bits", required=True, type=int, choices=range(1, 9), metavar="BITS",
        help="bits per sample, 1 to 8",
    )  # fmt: skip
    command.add_argument(
        "--format", choices=[suffix[1:] for suffix in OUTPUTS],
        help="of the files in an output folder (default: png); a single file has that of its suffix. "
        "Of those that are compressed, tiff is the fastest to write and webp the smallest",
    )  # fmt: skip
    command.add_argument(
        "--keep-suffix", action="store_true",
        help="in an output folder 1.jpg becomes 1.jpg.png instead of 1.png, so that 1.bmp does not "
        "collide with it",
    )  # fmt: skip
    existing = command.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace files that exist")
    existing.add_argument(
        "--skip-existing", action="store_true",
        help="leave out images whose results exist, as after an interruption",
    )  # fmt: skip
    command.add_argument(
        "--reduce-16-bit", action="store_true",
        help="reduce samples with 16 bits to 8, instead of refusing such images",
    )  # fmt: skip
    command.add_argument(
        "--any-size", action="store_true",
        help="accept images with more than 179 million pixels, too, which may fill the memory",
    )  # fmt: skip
    command.add_argument(
        "--jobs", type=_positive, default=len(os.sched_getaffinity(0)), metavar="N",
        help="images processed at once (default: %(default)s, one for each processor)",
    )  # fmt: skip
    return command


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)
