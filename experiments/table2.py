"""Table II, accuracy under PGD-20 at 8/255:
python -m experiments.table2 --data.source cifar10
"""

from experiments.evaluation.sweep_config import GridConfig
from experiments.support.command_line import run_command


def main(config: GridConfig) -> None:
    """Tests every model on every kind of attacked test images, the same ones for each filter."""
    from experiments.commands import table2

    table2.main(config)


if __name__ == "__main__":
    run_command(main, GridConfig, __doc__, resumes=True)
