"""Fig. 4, accuracy against epsilon: python -m experiments.figure4 --data.source cifar10"""

from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.command_line import run_command


def main(config: SweepConfig) -> None:
    """Attacks every model of the figure on its own kind of images, at every epsilon."""
    from experiments.commands import figure4

    figure4.main(config)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__, resumes=True)
