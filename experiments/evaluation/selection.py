"""The cells that a command is about: those that its options ask for, and those that exist."""

from collections.abc import Callable, Sequence
from typing import Any

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, checked, largest
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep_config import GridConfig, SweepConfig
from experiments.method.kinds import KINDS, check_kind
from experiments.training.model_files import model_path, require_model, require_models


def existing_rows(config: SweepConfig) -> list[str]:
    """The rows asked for, or all whose model exists, in the order of the tables.

    Raises:
        ValueError: a row is not a kind of image, or there is no model at all.
        FileNotFoundError: a model that was asked for does not exist.
    """
    for kind in config.rows:
        check_kind(kind, "rows")
    found = require_models(config.models)
    for kind in config.rows:
        require_model(model_path(kind, config.models))
    return [kind for kind in found if not config.rows or kind in config.rows]


def grid_pairs(config: GridConfig, models: Sequence[str]) -> list[tuple[str, str]]:
    """(model, column) for every cell, row by row."""
    columns = [check_kind(kind, "columns") for kind in config.columns or KINDS]
    return [(model, column) for model in models for column in columns]


def evaluation_of(
    config: SweepConfig, model: str, kind: str, images: int, **settings: Any
) -> Evaluation:
    """An evaluation of this set of models, in the precision of this run."""
    settings = {"precision": config.runtime.precision, **settings}
    return Evaluation(config.set_name, model, kind, images, **settings)


def read_cells(
    config: SweepConfig, wanted: Callable[[Evaluation], bool], *, every_size: bool = False
) -> list[Cell]:
    """The cells of this set and precision that are ``wanted``; they have passed ``checked``.

    Of cells that differ only in the number of images, this gives the one with the most, or with
    ``every_size`` all of them.

    Raises:
        ValueError: there is none, or they do not belong together.
        CertificateViolated: an attack inside the certificate changed a prediction.
    """
    cells = CellStore(config.directory).cells(
        lambda evaluation: (
            evaluation.models == config.set_name
            and evaluation.precision == config.runtime.precision
            and wanted(evaluation)
        )
    )
    if not cells:
        raise ValueError(
            f"{config.directory} holds no cell of this report for the set {config.set_name!r}"
        )
    return checked(cells if every_size else largest(cells))
