"""The same attack by attackers who stand in different places, on each model's own kind of images."""

from collections.abc import Sequence

from experiments.evaluation.cells import Cell
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.selection import evaluation_of, read_cells
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS

ATTACK = ProjectedGradientDescent(epsilon=8.0)
#: Where the attacker stands, and what the gradient passes through; the first for comparison.
ATTACKERS = {
    "after": ("after", "network"),
    "before, against the network alone": ("before", "network"),
    "before, through the quantization": ("before", "quantization"),
}


def own_cells(config: SweepConfig, models: Sequence[str], images: int) -> list[Evaluation]:
    """Every attacker on every model, tested on its own kind of images."""
    return [
        evaluation_of(
            config, model, model, images, attack=ATTACK, attacker=attacker, gradient=gradient
        )
        for model in models
        for attacker, gradient in ATTACKERS.values()
    ]


def read_own_cells(config: SweepConfig) -> list[Cell]:
    """The cells of ``own_cells`` that exist, model by model, in the order of ATTACKERS."""
    cells = read_cells(
        config,
        lambda evaluation: (
            evaluation.model == evaluation.kind
            and evaluation.attack == ATTACK
            and (evaluation.attacker, evaluation.gradient) in ATTACKERS.values()
            and evaluation.filters == FILTERS
        ),
    )
    names = list(ATTACKERS)
    return sorted(cells, key=lambda cell: (cell.model, names.index(attacker_of(cell))))


def attacker_of(cell: Cell) -> str:
    """Which of ATTACKERS a cell is of."""
    names = {value: name for name, value in ATTACKERS.items()}
    return names[cell.evaluation.attacker, cell.evaluation.gradient]
