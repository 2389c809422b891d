"""Reads the cells that exist, and holds them to what was proved about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.storage import read_json


class CertificateViolated(AssertionError):
    """An attack inside the certificate changed a prediction: the ops, or the proof, are wrong."""


@dataclass(frozen=True)
class StoredCell:
    """One cell as read from its file."""

    config: dict
    result: dict

    @property
    def model(self) -> str:
        """Label of the model."""
        return self.config["model"]

    @property
    def column(self) -> str:
        """Label of the test images."""
        return self.config["column"]

    @property
    def epsilon(self) -> float:
        """Largest change of a value, in 1/255."""
        return self.config["epsilon"]

    @property
    def images(self) -> int:
        """Number of test images."""
        return self.result["images"]

    def accuracy(self, state: str, filter_name: str) -> float:
        """Accuracy on the ``clean`` or ``attacked`` images behind a filter, 0 to 1."""
        return self.result[state][filter_name]["accuracy"]


def read_cells(
    results: Path,
    models: str,
    attack: str,
    precision: str = "bfloat16",
    images: int | None = None,
) -> list[StoredCell]:
    """The cells of one kind with so many ``images``; by default, of each the one with the most.

    Raises:
        CertificateViolated: naming every cell whose attacked predictions differ from the clean ones
            although they may not.
    """
    best: dict[tuple, StoredCell] = {}
    for cell in _all_cells(results / "cells" / models / attack):
        if cell.config["precision"] != precision or images not in (None, cell.images):
            continue
        key = (cell.model, cell.column, cell.epsilon, cell.config["steps"])
        if key not in best or best[key].images < cell.images:
            best[key] = cell
    broken = [
        f"model {cell.model} on {cell.column} at {cell.epsilon:g}/255 behind {name}"
        for cell in best.values()
        for name, claim in cell.result.get("certificate", {}).items()
        if claim["inside"] and not claim["identical"]
    ]
    if broken:
        raise CertificateViolated(
            "predictions changed inside the certificate: " + "; ".join(broken)
        )
    return list(best.values())


def certified_count(cells: list[StoredCell]) -> int:
    """How many (cell, filter) pairs are inside the certificate."""
    return sum(
        claim["inside"]
        for cell in cells
        for name, claim in cell.result["certificate"].items()
        if name != "none"
    )


def _all_cells(directory: Path) -> Iterator[StoredCell]:
    for path in sorted(directory.glob("*.json")):
        content = read_json(path)
        yield StoredCell(content["config"], content)


def describe(cells: list[StoredCell]) -> str:
    """One sentence for a table: which images, how many, in what arithmetic."""
    sources = sorted({cell.config["test_data"]["source"] for cell in cells})
    counts = sorted({cell.images for cell in cells})
    total = max(cell.result["images_of"] for cell in cells)
    amount = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    kind = "all" if counts == [total] else "a fixed random subset of"
    precision = ", ".join(sorted({cell.config["precision"] for cell in cells}))
    return f"{' and '.join(sources)}: {kind} {amount} of {total:,} test images, {precision}."
