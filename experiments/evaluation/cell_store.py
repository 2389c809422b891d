"""The cells of a directory of results, as three files.

``cells.jsonl``
    One cell a line, as JSON, sorted: ``evaluation`` holds the settings (``Evaluation.record``).
    ``clean`` and ``attacked`` hold, by filter, the number of correct predictions and the key of the
    predictions. ``off_grid`` is how many images hold a value that is not a level. ``model_file``,
    ``data``, ``made_by`` and ``date`` say what the cell was made from, by what, and when.
``provenance.json``
    What many cells share, by the keys in ``cells.jsonl``: ``model_file`` has the SHA-256 of each
    network's file, ``data`` a description of each data set, ``made_by`` each combination of commit,
    versions and machine.
``predictions.bin``
    The class of every image, and the labels of each data set (see ``prediction_file``).

A cell is added under a lock. Each file is replaced as a whole, ``cells.jsonl`` last; entries of the
other two files that it does not name do no harm. So a process that dies leaves the cells as they were,
and a reader without the lock sees a complete state. On reading, the correct predictions are counted
again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy

from experiments.evaluation.cells import Cell, Origin
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.prediction_file import PredictionFile
from experiments.method.kinds import KINDS
from experiments.support.storage import lock, read_json, remove_parts, write_json, write_text

STATES = ("clean", "attacked")


class CellStore:
    """The cells of one directory of results."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self.lines = self.directory / "cells.jsonl"
        self.shared = self.directory / "provenance.json"
        self.predictions = self.directory / "predictions.bin"

    def claim(self, evaluation: Evaluation) -> AbstractContextManager[None]:
        """Holds the right to make a cell; LockedElsewhere at once if another process has it."""
        return lock(self.directory / f"cell-{evaluation.digest}")

    def origins(self) -> list[tuple[Evaluation, Origin]]:
        """What exists: the settings of every cell, and what it was made from."""
        lines = list(self._lines())  # read first: the other files were written before it
        shared = self._shared()
        return [(evaluation, _origin(line, shared)) for evaluation, line in lines]

    def __contains__(self, evaluation: Evaluation) -> bool:
        return any(found == evaluation for found, _ in self._lines())

    def cells(self, wanted: Callable[[Evaluation], bool] = lambda evaluation: True) -> list[Cell]:
        """The cells that exist and whose settings are ``wanted``.

        Raises:
            ValueError: a file is damaged, or a count is not that of the predictions; the message
                names file and cell.
        """
        # Read first: the other files were written before it.
        lines = [(evaluation, line) for evaluation, line in self._lines() if wanted(evaluation)]
        if not lines:
            return []
        shared, packed = self._shared(), PredictionFile(self.predictions)
        return [self._cell(evaluation, line, shared, packed) for evaluation, line in lines]

    def add(self, cells: Iterable[Cell], labels: numpy.ndarray) -> None:
        """Adds cells of one data set, whole or not at all; waits for other processes.

        Args:
            cells: what was measured. A cell whose settings exist already is left as it is.
            labels: (N,) uint8, those of the whole data set.
        """
        with lock(self.lines, wait=True):
            remove_parts(self.shared)
            remove_parts(self.predictions)
            lines = dict(self._lines())
            shared, packed = self._shared(), PredictionFile(self.predictions)
            for cell in cells:
                if cell.evaluation not in lines:
                    lines[cell.evaluation] = _line(cell, labels, shared, packed)
            packed.write(key for line in lines.values() for key in _keys(line))
            write_json(self.shared, shared)
            text = (
                json.dumps(line, separators=(",", ":"), allow_nan=False)
                for _, line in sorted(lines.items(), key=lambda item: _place(item[0]))
            )
            write_text(self.lines, "".join(f"{line}\n" for line in text))

    def _lines(self) -> Iterator[tuple[Evaluation, dict[str, Any]]]:
        if not self.lines.exists():
            return
        text = self.lines.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            try:
                record = json.loads(line)
                yield Evaluation.from_record(record["evaluation"]), record
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{self.lines}, line {number}, is not a cell: {error}") from error

    def _shared(self) -> dict[str, dict[str, Any]]:
        if self.shared.exists():
            return read_json(self.shared)
        return {"model_file": {}, "data": {}, "made_by": {}}

    def _cell(
        self,
        evaluation: Evaluation,
        line: dict[str, Any],
        shared: dict[str, dict[str, Any]],
        packed: PredictionFile,
    ) -> Cell:
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
                _origin(line, shared),
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
            raise ValueError(f"{self.lines}, {evaluation}: {error}") from error
        return cell


def _line(
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


def _origin(line: dict[str, Any], shared: dict[str, dict[str, Any]]) -> Origin:
    return Origin(shared["model_file"][line["model_file"]], shared["data"][line["data"]])


def _keys(line: dict[str, Any]) -> list[str]:
    vectors = [found for state in STATES for found in line.get(state, {}).values()]
    return [line["data"], *(key for _, key in vectors)]


def _place(evaluation: Evaluation) -> tuple[Any, ...]:
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
