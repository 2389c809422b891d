"""How every command here starts, is stopped, and says what is wrong."""

import io
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from experiments.support.data_sets import DownloadFailed
from experiments.support.storage import LockedElsewhere
from experiments.support.terminal import terminal

Config = TypeVar("Config")

#: Errors that a user can mend, by other options or by waiting. Any other error is a bug of ours and
#: shows its traceback.
EXPECTED = (ValueError, OSError, FloatingPointError, LockedElsewhere, DownloadFailed)


def run_command(main: Callable[[Config], None], config: type[Config], description: str) -> None:
    """Parses the command line into ``config`` and calls ``main`` with it.

    SIGTERM ends it as Ctrl-C does: temporary files are removed, and the terminal is restored. Exits
    with 1 after an error, with 130 after an interruption.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is not an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    errors = terminal(errors=True)
    try:
        main(tyro.cli(config, description=description))
    except EXPECTED as error:
        errors.print(f"error: {error}", style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("interrupted; what is finished is kept, and the same command goes on from it")
        sys.exit(130)
