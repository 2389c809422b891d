"""`python -m benchmarks`."""

import tyro

from benchmarks.settings import Config


def main() -> None:
    config = tyro.cli(Config, description=Config.__doc__)
    # After the options: torch takes seconds to import, and --help does not need it.
    from benchmarks.command import run_command

    run_command(config)


main()
