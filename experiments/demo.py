"""The paper in a minute, on scikit-learn's bundled digits: python -m experiments.demo

Trains a network on 8-bit images and one on images dithered to 2 bits, attacks both with PGD, and
shows what the filter leaves of the attack.
"""

from dataclasses import dataclass, field
from pathlib import Path

from experiments.support.command_line import run_command
from experiments.support.runtime import Runtime


@dataclass(frozen=True)
class DemoConfig:
    """Trains two networks on the bundled digits, attacks them, shows a table and a figure."""

    output: Path = Path("build/demo")
    """Directory for the figure and the two networks."""
    seed: int = 0
    """Decides the first weights and the order of the images. The threads have an influence, too."""
    # One thread by default: with batches this small a second one gains little, and on a machine
    # that does something else as well the two wait for each other most of the time.
    runtime: Runtime = field(default_factory=lambda: Runtime(threads=1))


def main(config: DemoConfig) -> None:
    """Runs the demonstration."""
    from experiments.commands import demo

    demo.main(config)


if __name__ == "__main__":
    run_command(main, DemoConfig, __doc__)
