"""The attack that the filter does not stop, on the 8-bit image before it is quantized:
python -m experiments.before_dithering --data.source cifar10
"""

from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.command_line import run_command


def main(config: SweepConfig) -> None:
    """Attacks every model on its own kind of images, before and after they are quantized."""
    from experiments.commands import before_dithering

    before_dithering.main(config)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__, resumes=True)
