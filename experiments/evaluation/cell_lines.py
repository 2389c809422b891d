"""Cells as lines of JSON (see ``cell_store``): what each refers to, and back."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy

from experiments.evaluation.cells import Cell, Origin
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.prediction_file import PredictionFile
from experiments.method.kinds import KINDS

STATES = ("clean", "attacked")


def read_cell(
    path: Path,
    evaluation: Evaluation,
    line: dict[str, Any],
    shared: dict[str, dict[str, Any]],
    packed: PredictionFile,
) -> Cell:
    """The cell of a line of ``path``; its correct predictions are counted again."""
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
            origin_of(line, shared),
            {**shared["made_by"][line["made_by"]], "date": line["date"]},
        )
        for state in predictions:
            for name, (correct, _) in line[state].items():
                if cell.correct(state, name) != correct:
                    raise ValueError(
                        f"{correct} correct predictions are noted for {state} images after the "
                        f"filter {name}, but {cell.correct(state, name)} are stored"
                    )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}, {evaluation}: {error}") from error
    return cell


def line_of(
    cell: Cell, labels: numpy.ndarray, shared: dict[str, dict[str, Any]], packed: PredictionFile
) -> dict[str, Any]:
    """The line of a cell; adds what it refers to."""
    data = packed.add_labels(cell.origin.data["sha256"], labels)
    shared["data"][data] = cell.origin.data
    model_file = cell.origin.model_sha256[:16]
    shared["model_file"][model_file] = cell.origin.model_sha256
    made_by = {name: value for name, value in cell.provenance.items() if name != "date"}
    text = json.dumps(made_by, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    shared["made_by"][digest] = made_by
    line: dict[str, Any] = {"evaluation": cell.evaluation.record()}
    keys: list[str] = []
    for state, vectors in cell.predictions.items():
        line[state] = {}
        for name, vector in vectors.items():
            keys.append(packed.add(vector, data, keys))
            line[state][name] = [cell.correct(state, name), keys[-1]]
    return {
        **line,
        "off_grid": cell.off_grid,
        "model_file": model_file,
        "data": data,
        "made_by": digest,
        "date": cell.provenance["date"],
    }


def origin_of(line: dict[str, Any], shared: dict[str, dict[str, Any]]) -> Origin:
    """What the cell of a line was made from."""
    return Origin(shared["model_file"][line["model_file"]], shared["data"][line["data"]])


def keys_of(line: dict[str, Any]) -> list[str]:
    """The keys of the labels and of the predictions that a line refers to."""
    vectors = [found for state in STATES for found in line.get(state, {}).values()]
    return [line["data"], *(key for _, key in vectors)]


def place_of(evaluation: Evaluation) -> tuple[Any, ...]:
    """Where a cell stands among the others: by model, then by kind of images."""
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
