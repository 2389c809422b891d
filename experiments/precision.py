"""Does bfloat16 weaken the attack?
python -m experiments.precision --data.source cifar10 --limit 1000
"""

from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.command_line import run_command


def main(config: SweepConfig) -> None:
    """Attacks every model on its own kind of images, in both precisions."""
    from experiments.commands import precision

    precision.main(config)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__, resumes=True)
