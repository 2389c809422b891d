"""Table I, clean accuracy: python -m experiments.table1 --data.source cifar10"""

from experiments.evaluation.sweep_config import GridConfig
from experiments.support.command_line import run_command


def main(config: GridConfig) -> None:
    """Tests every model on every kind of clean test images, without a filter."""
    from experiments.commands import table1

    table1.main(config)


if __name__ == "__main__":
    run_command(main, GridConfig, __doc__, resumes=True)
