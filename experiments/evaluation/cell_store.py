"""The cells of a directory of results, as three files.

``cells.jsonl``
    One cell a line, as JSON, sorted: ``evaluation`` holds the settings (``Evaluation.record``).
    ``clean`` and ``attacked`` hold, by filter, the number of correct predictions and the key of the
    predictions. ``off_grid`` is how many images hold a value that is not a level. ``model_file``,
    ``data``, ``made_by`` and ``date`` say what the cell was made from, by what, and when.
    ``training_record`` is false if there was no record with the model.
``provenance.json``
    What many cells share, by the keys in ``cells.jsonl``: ``model_file`` has the SHA-256 of each
    network's file, ``data`` a description of each data set, ``made_by`` each combination of commit,
    versions and machine.
``predictions.bin``
    The class of every image, and the labels of each data set (see ``prediction_file``).

A cell is added under a lock. Each file is replaced as a whole, ``cells.jsonl`` last; entries of the
other two files that it does not name do no harm. So a process that dies leaves the cells as they were,
and a reader without the lock sees a complete state. A reader counts the correct predictions again,
and compares each key with the digest of what it stands for.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy

from experiments.evaluation.cell_lines import (
    keys_of,
    line_of,
    place_of,
    read_cell,
    read_origin,
    read_shared,
)
from experiments.evaluation.cells import Cell, Origin
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.prediction_file import PredictionFile
from experiments.support.storage import lock, write_json, write_text
from pyquant.atomic_files import remove_parts


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
        # Read first: the other files were written before it.
        lines = list(self._lines())
        shared = self._shared()
        return [
            (evaluation, read_origin(self.lines, evaluation, line, shared))
            for evaluation, line in lines
        ]

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
        return [
            read_cell(self.lines, evaluation, line, shared, packed) for evaluation, line in lines
        ]

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
                    lines[cell.evaluation] = line_of(cell, labels, shared, packed)
            packed.write(key for line in lines.values() for key in keys_of(line))
            write_json(self.shared, shared)
            text = (
                json.dumps(line, separators=(",", ":"), allow_nan=False)
                for _, line in sorted(lines.items(), key=lambda item: place_of(item[0]))
            )
            write_text(self.lines, "".join(f"{line}\n" for line in text))

    def _lines(self) -> Iterator[tuple[Evaluation, dict[str, Any]]]:
        if not self.lines.exists():
            return
        seen: dict[Evaluation, int] = {}
        for number, line in enumerate(self.lines.read_bytes().splitlines(), 1):
            try:
                record = json.loads(line)
                evaluation = Evaluation.from_record(record["evaluation"])
                first = seen.setdefault(evaluation, number)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise ValueError(f"{self.lines}, line {number}, is not a cell: {error}") from error
            if first != number:
                raise ValueError(
                    f"{self.lines}, lines {first} and {number} are the same cell: {evaluation}"
                )
            yield evaluation, record

    def _shared(self) -> dict[str, dict[str, Any]]:
        if self.shared.exists():
            return read_shared(self.shared)
        return {"model_file": {}, "data": {}, "made_by": {}}
