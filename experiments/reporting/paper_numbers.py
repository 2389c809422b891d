"""The numbers of the paper (AprilPyone, Kinoshita and Kiya, APSIPA 2019)."""

import csv
from collections.abc import Iterable
from pathlib import Path

from experiments.evaluation.cells import Cell

TABLES = Path(__file__).parents[1] / "published_tables"

SOURCE = (
    "M. AprilPyone, Y. Kinoshita, H. Kiya: Filtering Adversarial Noise with Double Quantization, "
    "APSIPA ASC 2019"
)

#: Fig. 4, as far as the paper's text gives it: by model, the accuracy, and up to which epsilon it
#: holds.
FIGURE4: dict[str, tuple[float, int]] = {
    "1": (0.7487, 32),
    "1d": (0.8528, 32),
    "2": (0.8449, 16),
    "2d": (0.8714, 16),
    "3d": (0.8890, 4),
}

#: Model 1d, attacked before dithering at epsilon 8/255.
BEFORE_DITHERING = 0.0474

#: The classes of CIFAR-10. The paper's numbers are of these.
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

Table = dict[tuple[str, str], float]


def belong_beside(cells: Iterable[Cell]) -> bool:
    """Whether the numbers of the paper may stand beside those of the cells: of the same classes."""
    return all(tuple(cell.origin.data["classes"]) == CLASSES for cell in cells)


def read_table(name: str) -> Table:
    """Reads ``table1`` or ``table2`` as {(model, column): accuracy}, without empty cells."""
    with open(TABLES / f"{name}.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {
        (row["train"], column): float(value)
        for row in rows
        for column, value in row.items()
        if column != "train" and value
    }
