"""Detection, Section V of the paper:
python -m experiments.detection --data.source cifar10
"""

from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.command_line import run_command


def main(config: SweepConfig) -> None:
    """Tries both detectors on every model's own kind of images, at epsilon 8/255."""
    from experiments.commands import detection

    detection.main(config)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__, resumes=True)
