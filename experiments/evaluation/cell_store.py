"""Reads the cells that exist, and holds them to what was proved about them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.support.storage import read_json


class CertificateViolated(AssertionError):
    """An attack inside the certificate changed a prediction: the ops, or the proof, are wrong."""


@dataclass(frozen=True)
class StoredCell:
    """One cell as read from its file."""

    config: dict
    result: dict

    @property
    def model(self) -> str:
        """Kind of image that the model was trained on."""
        return self.config["model"]

    @property
    def column(self) -> str:
        """Kind of the test images."""
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
    results: Path, models: str, attack: str, precision: str = "bfloat16"
) -> list[StoredCell]:
    """The cells of one attack, ``checked``; of each the one with the most images."""
    best: dict[tuple, StoredCell] = {}
    for cell in stored_cells(results, models, attack):
        if cell.config["precision"] != precision:
            continue
        key = (cell.model, cell.column, cell.epsilon, cell.config["steps"])
        if key not in best or best[key].images < cell.images:
            best[key] = cell
    return checked(best.values())


def checked(cells: Iterable[StoredCell]) -> list[StoredCell]:
    """The same cells.

    Raises:
        ValueError: they are of different test images, or of different models by one name.
        CertificateViolated: naming every cell whose attacked predictions differ from the clean ones
            although they may not.
    """
    cells = list(cells)
    refuse_mixture(cell.config for cell in cells)
    broken = [
        f"model {cell.model} on {cell.column} at {cell.epsilon:g}/255 behind {name}"
        for cell in cells
        for name, claim in cell.result.get("certificate", {}).items()
        if claim["inside"] and not claim["identical"]
    ]
    if broken:
        raise CertificateViolated(
            "predictions changed inside the certificate: " + "; ".join(broken)
        )
    return cells


def refuse_mixture(configs: Iterable[dict]) -> None:
    """Raises ValueError, naming two cells, if they are of different images or of different models."""
    first: dict[str, tuple[str, dict]] = {}
    for config in configs:
        for what, digest in (
            ("test images", config["test_data"]["sha256"]),
            (f"files of model {config['model']}", config["model_sha256"]),
        ):
            known, other = first.setdefault(what, (digest, config))
            if digest != known:
                raise ValueError(
                    f"cells from different {what} do not belong together: {_name(other)}, and "
                    f"{_name(config)}; name another directory with --results"
                )


def _name(config: dict) -> str:
    data = config["test_data"]
    return (
        f"model {config['model']} ({config['model_sha256'][:8]}) on {config['column']} "
        f"({data['source']}, {data['sha256'][:8]})"
    )


def certified_count(cells: list[StoredCell]) -> int:
    """How many (cell, filter) pairs are inside the certificate."""
    return sum(
        claim["inside"]
        for cell in cells
        for name, claim in cell.result["certificate"].items()
        if name != "none"
    )


def stored_cells(results: Path, models: str, attack: str = "*") -> Iterator[StoredCell]:
    """Every cell that exists of a set of models; of one attack, or of all."""
    for path in sorted((results / "cells" / models).glob(f"{attack}/*.json")):
        content = read_json(path)
        yield StoredCell(content["config"], content)


def describe(cells: list[StoredCell]) -> str:
    """One sentence for a table: which images, how many, in what arithmetic."""
    sources = sorted({cell.config["test_data"]["source"] for cell in cells})
    counts = sorted({cell.images for cell in cells})
    total = max(cell.result["images_of"] for cell in cells)
    amount = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    extent = "all" if counts == [total] else "a fixed random subset of"
    precision = ", ".join(sorted({cell.config["precision"] for cell in cells}))
    return f"{' and '.join(sources)}: {extent} {amount} of {total:,} test images, {precision}."
