"""A run as two files of a folder: `run.json`, the settings and the machine, and
`measurements.csv`, a line for each result. All else is computed from them."""

import csv
import json
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.measurements import Result, Run
from benchmarks.settings import Config
from benchmarks.timing import Timing
from experiments.support.storage import read_json, write_text

COLUMNS = (
    "op",
    "mode",
    "dtype",
    "size",
    "shape",
    "contender",
    "threads",
    "check",
    "median_seconds",
    "first_quartile_seconds",
    "third_quartile_seconds",
    "rounds",
    "calls_per_round",
    "page_faults",
)


def write_run(folder: Path, run: Run) -> None:
    """Writes each file whole or not at all."""
    settings = asdict(run.config)
    for name in ("output", "report_only"):  # which say nothing about the measurements
        settings.pop(name)
    document = {"settings": settings, "machine": run.machine, "left out": run.left_out}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_line, run.results))
    write_text(folder / "measurements.csv", text.getvalue())
    write_text(folder / "run.json", json.dumps(document, indent=1) + "\n")


def read_run(folder: Path) -> Run:
    """Settings that the run was made without have their defaults.

    Raises:
        ValueError: if a file is not what write_run writes, or a shape is not that of its size.
    """
    document = read_json(folder / "run.json")
    known = {field.name for field in fields(Config)}
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in document["settings"].items()
        if name in known
    }
    config = Config(**settings)
    path = folder / "measurements.csv"
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        if tuple(next(reader)) != COLUMNS:
            raise ValueError(f"{path} must have the columns {', '.join(COLUMNS)}")
        results = [_result(config, dict(zip(COLUMNS, row, strict=True)), path) for row in reader]
    return Run(config, document["machine"], results, document.get("left out", []))


def _line(result: Result) -> list[object]:
    case, timing = result.case, result.timing
    return [
        *(case.op, case.mode, case.dtype, case.size, _shape(case)),
        *(result.contender, result.threads, result.check),
        *(timing.median, timing.first_quartile, timing.third_quartile),
        *(timing.rounds, timing.calls_per_round, result.page_faults),
    ]


def _result(config: Config, row: dict[str, Any], path: Path) -> Result:
    case = Case(row["op"], row["mode"], row["dtype"], row["size"], config.bits, config.device,
                config.seed)  # fmt: skip
    if row["shape"] != _shape(case):
        raise ValueError(f"{path} has {row['shape']} as size {case.size}, which is {_shape(case)}")
    timing = Timing(
        median=float(row["median_seconds"]),
        first_quartile=float(row["first_quartile_seconds"]),
        third_quartile=float(row["third_quartile_seconds"]),
        rounds=int(row["rounds"]),
        calls_per_round=int(row["calls_per_round"]),
    )
    return Result(case, row["contender"], int(row["threads"]), row["check"], timing,
                  int(row["page_faults"]))  # fmt: skip


def _shape(case: Case) -> str:
    return "x".join(str(size) for size in case.shape)
