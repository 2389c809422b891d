"""How every command here starts, is stopped, and says what is wrong."""

import io
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from experiments.support.errors import LockedElsewhere
from experiments.support.terminal import terminal

Config = TypeVar("Config")

#: Errors that a user can mend, by other options or by waiting. Any other error is a bug of ours and
#: shows its traceback.
EXPECTED = (ValueError, OSError, FloatingPointError, LockedElsewhere)


#: An option does not accept None, and a flag that is off has no --no-FLAG.
OPTIONS = (tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)


def run_command(
    main: Callable[[Config], None],
    config: type[Config],
    description: str,
    *,
    resumes: bool = False,
) -> None:
    """Parses the command line into ``config`` and calls ``main`` with it.

    SIGTERM ends it as Ctrl-C does: temporary files are removed, and the terminal is restored. Exits
    with 1 after an error, with 130 after an interruption.

    Args:
        main: the command. It imports torch, and what needs torch, only when it is called: --help
            would take seconds otherwise.
        config: its options, a dataclass.
        description: what ``--help`` says of the command.
        resumes: whether the command, started again, goes on from what it had finished.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is not an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    errors = terminal(errors=True)
    try:
        main(tyro.cli(config, prog=_program(main), description=description, config=OPTIONS))
    except EXPECTED as error:
        errors.print(f"error: {error}", style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        kept = "; what is finished is kept, and the same command goes on from it"
        errors.print("interrupted" + kept * resumes)
        sys.exit(130)


def _program(main: Callable[..., None]) -> str:
    """How the command is started, as a user can type it."""
    return f"python -m {main.__globals__['__spec__'].name}"
