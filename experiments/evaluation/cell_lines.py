"""Turns cells into lines of JSON, and back; ``cell_store`` describes the format."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy

from experiments.evaluation.cells import Cell, Origin
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.prediction_file import PredictionFile
from experiments.method.kinds import KINDS
from experiments.support.storage import read_json

STATES = ("clean", "attacked")


def read_shared(path: Path) -> dict[str, dict[str, Any]]:
    """Reads what many cells share, each by its key.

    Raises:
        ValueError: the file is damaged, or a key does not belong to what it stands for.
    """
    shared = read_json(path)
    try:
        keys = {
            "model_file": {key: value[:16] for key, value in shared["model_file"].items()},
            "data": {key: value["sha256"][:16] for key, value in shared["data"].items()},
            "made_by": {key: _digest(value) for key, value in shared["made_by"].items()},
        }
        for about in shared["data"].values():
            for name in ("images", "size", "classes"):
                about[name]
            if not isinstance(about["source"], str):
                raise TypeError(f"source is {about['source']!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not what cells share: {error!r}") from error
    for name, pairs in keys.items():
        for key, digest in pairs.items():
            if key != digest:
                raise ValueError(f"{path} is damaged at {name} {key}: its digest is {digest}")
    return shared


def read_cell(
    path: Path,
    evaluation: Evaluation,
    line: dict[str, Any],
    shared: dict[str, dict[str, Any]],
    packed: PredictionFile,
) -> Cell:
    """The cell of a line of ``path``.

    Raises:
        ValueError: the parts of the line do not fit together, or a count is not that of the
            predictions.
    """
    origin = read_origin(path, evaluation, line, shared)
    try:
        predictions = {
            state: {name: packed.vector(key) for name, (_, key) in line[state].items()}
            for state in STATES
            if state in line
        }
        cell = Cell(
            evaluation,
            packed.labels(line["data"], evaluation.images),
            predictions,
            line["off_grid"],
            origin,
            {**shared["made_by"][line["made_by"]], "date": line["date"]},
        )
        _check_data(packed.vector(line["data"]), origin.data)
        _check_parts(cell)
        for state in predictions:
            for name, (correct, _) in line[state].items():
                if cell.correct(state, name) != correct:
                    raise ValueError(
                        f"{correct} correct predictions are noted for {state} images after the "
                        f"filter {name}, but {cell.correct(state, name)} are stored"
                    )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}, {evaluation}: {error}") from error
    return cell


def read_origin(
    path: Path, evaluation: Evaluation, line: dict[str, Any], shared: dict[str, dict[str, Any]]
) -> Origin:
    """What the cell of a line of ``path`` was made from.

    Raises:
        ValueError: the line names something that is not there.
    """
    try:
        return Origin(
            shared["model_file"][line["model_file"]],
            shared["data"][line["data"]],
            line.get("training_record", True),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}, {evaluation}: {error} is missing") from error


def _check_data(labels: numpy.ndarray, data: dict[str, Any]) -> None:
    if len(labels) != data["images"]:
        raise ValueError(
            f"{data['images']} test images are written, there are labels of {len(labels)}"
        )
    if labels.max() >= len(data["classes"]):
        raise ValueError(f"a label is {labels.max()}, there are {len(data['classes'])} classes")


def _check_parts(cell: Cell) -> None:
    evaluation = cell.evaluation
    states = STATES if evaluation.attack is not None else STATES[:1]
    for what, found in (("predictions", cell.predictions), ("off_grid", cell.off_grid)):
        if sorted(found) != sorted(states):
            raise ValueError(f"{what} is of the images {list(found)}, not {list(states)}")
    for state in states:
        if sorted(cell.predictions[state]) != sorted(evaluation.filters):
            raise ValueError(
                f"predictions on {state} images are after {list(cell.predictions[state])}, "
                f"not {list(evaluation.filters)}"
            )
        if cell.off_grid[state] not in range(evaluation.images + 1):
            raise ValueError(f"off_grid of {state} images is {cell.off_grid[state]!r}")
        for name, vector in cell.predictions[state].items():
            if len(vector) != evaluation.images:
                raise ValueError(
                    f"predictions on {state} images after the filter {name} are of {len(vector)} "
                    "images"
                )


def line_of(
    cell: Cell, labels: numpy.ndarray, shared: dict[str, dict[str, Any]], packed: PredictionFile
) -> dict[str, Any]:
    """The line of a cell; what it refers to is added to ``shared`` and ``packed``."""
    data = packed.add_labels(cell.origin.data["sha256"], labels)
    shared["data"][data] = cell.origin.data
    model_file = cell.origin.model_sha256[:16]
    shared["model_file"][model_file] = cell.origin.model_sha256
    made_by = {name: value for name, value in cell.provenance.items() if name != "date"}
    digest = _digest(made_by)
    shared["made_by"][digest] = made_by
    line: dict[str, Any] = {"evaluation": cell.evaluation.record()}
    keys: list[str] = []
    for state, vectors in cell.predictions.items():
        line[state] = {}
        for name, vector in vectors.items():
            keys.append(packed.add(vector, data, keys))
            line[state][name] = [cell.correct(state, name), keys[-1]]
    if not cell.origin.recorded:
        line["training_record"] = False
    return {
        **line,
        "off_grid": cell.off_grid,
        "model_file": model_file,
        "data": data,
        "made_by": digest,
        "date": cell.provenance["date"],
    }


def _digest(made_by: dict[str, Any]) -> str:
    text = json.dumps(made_by, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def keys_of(line: dict[str, Any]) -> list[str]:
    """The keys of the labels and of the predictions that a line refers to."""
    vectors = [found for state in STATES for found in line.get(state, {}).values()]
    return [line["data"], *(key for _, key in vectors)]


def place_of(evaluation: Evaluation) -> tuple[Any, ...]:
    """What cells are sorted by: first the set, the model and the kind of images."""
    attack = evaluation.attack
    return (
        evaluation.models,
        KINDS.index(evaluation.model),
        KINDS.index(evaluation.kind),
        "" if attack is None else attack.method,
        evaluation.attacker,
        evaluation.gradient,
        evaluation.epsilon,
        evaluation.precision,
        evaluation.images,
        evaluation.digest,
    )
