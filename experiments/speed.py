"""How much of the time goes to the network alone: python -m experiments.speed

The images are noise: nothing measured here depends on what they show.
"""

from dataclasses import dataclass, field
from pathlib import Path

from experiments.support.command_line import run_command
from experiments.support.runtime import Runtime


@dataclass(frozen=True)
class SpeedConfig:
    """Measures training and attack against the bare network, and against Python pixel by pixel."""

    rounds: int = 9
    """How often each of the two is timed, in turn."""
    options: bool = False
    """Instead compare options of torch that could make it faster, each with going without it."""
    results: Path = Path("results")
    """Directory of the report, or shipped:speed_on_MACHINE for one of this package."""
    runtime: Runtime = field(default_factory=Runtime)


def main(config: SpeedConfig) -> None:
    """Measures, and writes speed.json, .csv and .md; with ``options``, options.json, .csv and .md."""
    from experiments.commands import speed

    speed.main(config)


if __name__ == "__main__":
    run_command(main, SpeedConfig, __doc__)
