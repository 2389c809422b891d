"""Where the command starts."""

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial

from pyquant.command_line.parser import parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command, and exits with 1 after an error of an image, with 130 if interrupted.

    Args:
        arguments: those of the command line; None takes them from `sys.argv`.
    """
    options = parser().parse_args(arguments)
    if options.command in (None, "info"):
        _print_information()
        return
    # Ended as by Ctrl-C: the images being written are finished.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(not _process_images(options))
    except KeyboardInterrupt:
        print("interrupted; the images that were written are whole", file=sys.stderr)
        sys.exit(130)


def _print_information() -> None:
    from pyquant.information import build_info

    for name, value in build_info().items():
        print(f"{name:20}{value}")


def _process_images(options: argparse.Namespace) -> bool:
    """Whether all of them were written."""
    try:
        import rich  # noqa: F401
        from PIL import Image
    except ImportError as error:
        return _failed(f"this command needs {error.name}: pip install 'pyquant[cli]'")
    from pyquant.command_line.planning import planned_conversions
    from pyquant.command_line.processing import Processing, one_line, process_all
    from pyquant.ops import floyd_steinberg, linear_quantize

    try:
        conversions = planned_conversions(
            options.inputs, options.output, options.format, options.keep_suffix
        )
    except (OSError, ValueError) as error:
        return _failed(one_line(error))
    if options.command == "dither":
        op = partial(floyd_steinberg, bits=options.bits, variant=options.mode)
    else:
        op = partial(linear_quantize, bits=options.bits, rounding=options.mode)
    if options.any_size:
        Image.MAX_IMAGE_PIXELS = None
    process = Processing(op, options.overwrite, options.skip_existing, options.reduce_16_bit)
    return process_all(process, conversions, options.jobs)


def _failed(message: str) -> bool:
    print(f"error: {message}", file=sys.stderr)
    return False
