"""Cells: what came out of an evaluation, and what was proved about it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy

from experiments.evaluation.evaluation import Evaluation
from experiments.method.filters import certified_epsilon


class CertificateViolated(AssertionError):
    """An attack inside the certificate changed a prediction: the ops, or the proof, are wrong."""


@dataclass(frozen=True)
class Claim:
    """What the certificate says of an attack after quantization and a filter."""

    epsilon: int
    """Largest change, in 1/255, that the filter is proved to undo."""
    inside: bool
    """Whether the attack stays within it."""
    identical: bool
    """Whether the prediction for every image is the same with the attack and without."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of an evaluation."""

    evaluation: Evaluation
    labels: numpy.ndarray
    """(N,) uint8, the true classes."""
    predictions: dict[str, dict[str, numpy.ndarray]]
    """For the ``clean`` and the ``attacked`` images, by filter: (N,) uint8 classes."""
    off_grid: dict[str, int]
    """How many of these images, as they arrive at the filter, hold a value that is not a level."""

    def correct(self, state: str, filter_name: str) -> int:
        """How many predictions on the ``clean`` or ``attacked`` images after a filter are right."""
        return int((self.predictions[state][filter_name] == self.labels).sum())

    def accuracy(self, state: str, filter_name: str) -> float:
        """Accuracy on the ``clean`` or ``attacked`` images after a filter, 0 to 1."""
        return self.correct(state, filter_name) / len(self.labels)

    @property
    def certificate(self) -> dict[str, Claim]:
        """By filter; empty for an attack before quantization, about which nothing is proved."""
        evaluation = self.evaluation
        if evaluation.attack is None or evaluation.attacker != "after":
            return {}
        return {
            name: Claim(
                certified_epsilon(name, evaluation.kind),
                evaluation.epsilon <= certified_epsilon(name, evaluation.kind),
                numpy.array_equal(
                    self.predictions["clean"][name], self.predictions["attacked"][name]
                ),
            )
            for name in evaluation.filters
        }


@dataclass(frozen=True)
class Origin:
    """What a cell is made from, besides its settings."""

    model_sha256: str
    """SHA-256 of the model's file."""
    data: dict[str, Any]
    """The test images, as ``Split.describe`` gives them."""
    recorded: bool = True
    """Whether a training record stood beside the model's file."""


@dataclass(frozen=True, eq=False)
class Cell(Outcome):
    """An outcome, what it was made from, and by what."""

    origin: Origin
    provenance: dict[str, Any]

    @classmethod
    def of(cls, outcome: Outcome, origin: Origin, provenance: dict[str, Any]) -> "Cell":
        """A cell with this outcome."""
        parts = {field.name: getattr(outcome, field.name) for field in fields(Outcome)}
        return cls(**parts, origin=origin, provenance=provenance)

    @property
    def model(self) -> str:
        """Kind of image that the model was trained on."""
        return self.evaluation.model

    @property
    def kind(self) -> str:
        """Kind of the test images."""
        return self.evaluation.kind

    @property
    def epsilon(self) -> float:
        """Largest change of a value, in 1/255."""
        return self.evaluation.epsilon

    @property
    def images(self) -> int:
        """Number of test images."""
        return self.evaluation.images


def checked(cells: Iterable[Cell]) -> list[Cell]:
    """Returns the cells if they belong together and respect the certificate.

    Raises:
        ValueError: they are of different test images, or of different models with one name.
        CertificateViolated: an attack inside the certificate changed a prediction; the message
            names every such cell.
    """
    cells = list(cells)
    refuse_mixture((cell.evaluation, cell.origin) for cell in cells)
    broken = [
        f"model {cell.model} on {cell.kind} at {cell.epsilon:g}/255 after the filter {name}"
        for cell in cells
        for name, claim in cell.certificate.items()
        if claim.inside and not claim.identical
    ]
    if broken:
        raise CertificateViolated(
            "predictions changed inside the certificate: " + "; ".join(broken)
        )
    return cells


def largest(cells: Iterable[Cell]) -> list[Cell]:
    """Among cells that differ only in the number of images, the one with the most."""
    best: dict[Evaluation, Cell] = {}
    for cell in cells:
        rest = replace(cell.evaluation, images=1)
        if rest not in best or best[rest].images < cell.images:
            best[rest] = cell
    return list(best.values())


def refuse_mixture(made: Iterable[tuple[Evaluation, Origin]]) -> None:
    """Raises ValueError, naming two cells, if their images or their models differ."""
    first: dict[str, tuple[str, str]] = {}
    for evaluation, origin in made:
        name = (
            f"model {evaluation.model} ({origin.model_sha256[:8]}) on {evaluation.kind} "
            f"({origin.data['source']}, {origin.data['sha256'][:8]})"
        )
        for what, digest in (
            ("test images", origin.data["sha256"]),
            (f"files of model {evaluation.model}", origin.model_sha256),
        ):
            known, other = first.setdefault(what, (digest, name))
            if digest != known:
                raise ValueError(
                    f"cells from different {what} do not belong together: {other}, and {name}; name "
                    "another directory with --results"
                )


def certified_count(cells: list[Cell], filter_name: str) -> int:
    """In how many cells the attack is inside the certificate of a filter; ``none`` has none."""
    if filter_name == "none":
        return 0
    claims = (cell.certificate.get(filter_name) for cell in cells)
    return sum(claim is not None and claim.inside for claim in claims)


def describe(cells: list[Cell]) -> str:
    """For a table: which images, how many, in what arithmetic; which models have no record."""
    sources = sorted({cell.origin.data["source"] for cell in cells})
    counts = sorted({cell.images for cell in cells})
    total = max(cell.origin.data["images"] for cell in cells)
    amount = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    if counts == [total]:
        extent = f"all {total:,} test images"
    elif counts[-1] == total:
        extent = f"all or a fixed random subset ({amount}) of {total:,} test images"
    else:
        extent = f"a fixed random subset of {amount} of {total:,} test images"
    precision = ", ".join(sorted({cell.evaluation.precision for cell in cells}))
    text = f"{' and '.join(sources)}: {extent}, {precision}."
    unrecorded = list(dict.fromkeys(cell.model for cell in cells if not cell.origin.recorded))
    return text + (f" Without a training record: {', '.join(unrecorded)}." if unrecorded else "")
