"""How every command here starts, is stopped, and says what is wrong."""

import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro
from rich.console import Console

from experiments.support.data_sets import DownloadFailed
from experiments.support.storage import LockedElsewhere

Config = TypeVar("Config")

#: What a user can put right, by other options or by waiting; anything else is a fault of ours, and
#: shows its traceback.
EXPECTED = (ValueError, OSError, FloatingPointError, LockedElsewhere, DownloadFailed)


def run_command(main: Callable[[Config], None], config: type[Config], description: str) -> None:
    """Parses the command line into ``config`` and calls ``main`` with it.

    SIGTERM ends it as Ctrl-C does: temporary files go, the terminal is left whole. Exits with 1
    after an error, with 130 after an interruption.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        main(tyro.cli(config, description=description))
    except EXPECTED as error:
        errors.print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("interrupted; what is finished is kept, and the same command goes on from it")
        sys.exit(130)
