"""Writes a run down: JSON for machines, Markdown for readers."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import IO

from benchmarks.cases import Case
from benchmarks.measure import Result
from benchmarks.settings import Config
from benchmarks.targets import OWN, Table, Target, is_peer


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """The file is complete or as it was before, whatever happens in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def to_json(
    config: Config, machine: dict, left_out: dict, results: list[Result], goals: list[Target]
) -> str:
    settings = asdict(config)
    settings.pop("output")  # where the files lie says nothing about the run
    document = {
        "settings": settings,
        "machine": machine,
        "instruction sets left out": left_out,
        "targets": [{**asdict(goal), "verdict": goal.verdict} for goal in goals],
        "results": [
            {
                **asdict(result),
                "shape": result.case.shape,
                "megasamples_per_second": result.megasamples_per_second,
                "gigabytes_per_second": result.gigabytes_per_second,
            }
            for result in results
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def to_markdown(
    config: Config, machine: dict, left_out: dict, results: list[Result], goals: list[Target]
) -> str:
    table = Table(results)
    parts = [
        f"# Benchmarks on {machine['device'] if config.device == 'cuda' else 'the CPU'}",
        _machine_lines(config, machine, left_out, results),
    ]
    if goals:
        parts += ["## Targets", targets_table(goals)]
    parts += ["## Losses", losses(results)]
    for op in dict.fromkeys(case.op for case in table.by_case):
        of_op = [case for case in table.by_case if case.op == op]
        parts += [f"## {op}", _own_table(table, of_op)]
        threads = ", one thread" if config.device == "cpu" else ""
        parts += [f"Everything in M samples/s{threads}:", _throughput_table(table, of_op)]
    if any(name.startswith(f"{OWN} ") for row in table.by_case.values() for name, _ in row):
        parts += ["## Instruction sets", _paths_table(table)]
    return "\n\n".join(parts) + "\n"


def targets_table(goals: list[Target]) -> str:
    rows = []
    for goal in goals:
        measured = _times(goal.ratio)
        required = f"{goal.required:g}x"
        rows.append([goal.work, goal.against, required, measured, goal.verdict, goal.case])
    return markdown_table(["work", "against", "target", "measured", "verdict", "worst case"], rows)


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine_lines(config: Config, machine: dict, left_out: dict, results: list[Result]) -> str:
    processor = machine["processor"]
    commit = machine["commit"]
    caches = ", ".join(f"{name} {size}" for name, size in processor["caches"].items())
    family = f" (family {processor['cpu family']})" if "cpu family" in processor else ""
    spread = median(_spread(result) for result in results)
    build = machine["build"]
    target = build["cpu"] if config.device == "cpu" else f"CUDA for {build['cuda architectures']}"
    lines = [
        f"- {processor['model name']}{family}, {processor['cores']} cores, "
        f"{caches or 'caches unknown'}; load average {machine['load average']} at the start",
        f"- {machine['system']}, transparent huge pages: {machine['transparent huge pages']}",
        "- " + ", ".join(f"{name} {value}" for name, value in machine["versions"].items()),
        f"- pyquant {build['pyquant']}: {target}; commit {commit['id'][:12]}"
        + (" with uncommitted changes" if commit["dirty"] else ""),
        f"- {config.rounds} interleaved rounds, {config.seconds:g} s per measurement; "
        f"medians, ± is half the interquartile range, {spread:.0%} for the typical measurement",
    ]
    lines += [f"- instruction set {name} left out: {reason}" for name, reason in left_out.items()]
    return "\n".join(lines)


def losses(results: list[Result]) -> str:
    """Every case in which something doing the same work was faster than pyquant, two threads
    were slower than one, or a wider instruction set was slower than the portable path. Page
    faults of one call show whose result was new memory."""
    table = Table(results)
    rows = []
    for case, row in table.by_case.items():
        for name, threads in row:
            if is_peer(name):
                ours, other = (OWN, 1), (name, threads)
            elif name == OWN and threads > 1:
                ours, other = (name, threads), (OWN, 1)
            elif name.startswith(f"{OWN} "):
                ours, other = (name, threads), (f"{OWN} portable", 1)
            else:
                continue
            if ours in row and other in row and _slower(row[ours], row[other]):
                speed = _times(table.ratio(case, ours, other))
                faults = [f"{row[name].page_faults:,}" for name in (ours, other)]
                rows.append([str(case), _named(*ours), _named(*other), speed, *faults])
    if not rows:
        return "None."
    header = ["case", "slower", "faster", "speed", "page faults of the slower", "of the faster"]
    return markdown_table(header, rows)


def _slower(result: Result, other: Result) -> bool:
    """Beyond the spread: the interquartile ranges do not overlap."""
    return result.timing.first_quartile > other.timing.third_quartile


def _named(name: str, threads: int) -> str:
    return f"{name}, {threads} threads" if threads > 1 else name


def _own_table(table: Table, cases: list[Case]) -> str:
    """Pyquant on one thread against the copies and the fastest peer."""
    more_threads = sorted(
        {threads for case in cases for name, threads in table.by_case[case] if threads > 1}
    )
    header = ["mode", "dtype", "shape", "time", "M samples/s", "GB/s"]
    header += ["x copy_", "new memory", "x clone"]
    for threads in more_threads:
        header += [f"{threads} threads", f"copy_, {threads} threads"]
    header += ["x fastest peer", "peer"]
    rows = []
    for case in cases:
        own = table.by_case[case].get((OWN, 1))
        if own is None:
            continue
        peer = table.fastest_peer(case)
        row = [case.mode, case.dtype, _shape(case), _time(own)]
        row += [f"{number(own.megasamples_per_second)}", f"{own.gigabytes_per_second:.2f}"]
        new_memory = table.ratio(case, (OWN, 1), ("new memory", 1))
        row.append(_times(table.ratio(case, (OWN, 1), ("copy_", 1))))
        row.append(f"{new_memory:.0%}" if new_memory else "")  # of pyquant's time
        row.append(_times(table.ratio(case, (OWN, 1), ("clone", 1))))
        for threads in more_threads:
            row += [_times(table.ratio(case, (n, threads), (n, 1))) for n in (OWN, "copy_")]
        row += [_times(table.over_fastest_peer(case)), _marked(peer) if peer else ""]
        rows.append(row)
    return markdown_table(header, rows)


def _throughput_table(table: Table, cases: list[Case]) -> str:
    names = list(
        dict.fromkeys(
            name
            for case in cases
            for name, threads in table.by_case[case]
            if threads == 1 and not name.startswith(f"{OWN} ")
        )
    )
    rows = []
    for case in cases:
        found = [table.by_case[case].get((name, 1)) for name in names]
        rates = [_rate(result) if result else "" for result in found]
        rows.append([case.mode, case.dtype, _shape(case), *rates])
    note = "* the same work by another arithmetic: levels and mean checked, not bits."
    return markdown_table(["mode", "dtype", "shape", *names], rows) + "\n\n" + "\\" + note


def _paths_table(table: Table) -> str:
    names = sorted(
        {name for row in table.by_case.values() for name, _ in row if name.startswith(f"{OWN} ")}
    )
    rows = []
    for case, row in table.by_case.items():
        found = [row.get((name, 1)) for name in names]
        if any(found):
            rates = [_rate(result) if result else "" for result in found]
            rows.append([case.op, case.mode, case.dtype, _shape(case), *rates])
    header = ["op", "mode", "dtype", "shape", *(name.removeprefix(f"{OWN} ") for name in names)]
    return "M samples/s, one thread:\n\n" + markdown_table(header, rows)


def _marked(result: Result) -> str:
    return result.contender + ("\\*" if result.check == "levels" else "")


def _rate(result: Result) -> str:
    mark = "\\*" if result.check == "levels" else ""
    return f"{number(result.megasamples_per_second)}{mark} ± {_spread(result):.0%}"


def _spread(result: Result) -> float:
    timing = result.timing
    return (timing.third_quartile - timing.first_quartile) / 2 / timing.median


def _time(result: Result) -> str:
    microseconds = result.timing.median * 1e6
    if microseconds < 1000:
        return f"{microseconds:.3g} µs ± {_spread(result):.0%}"
    return f"{number(microseconds / 1000)} ms ± {_spread(result):.0%}"


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{number(ratio)}x"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _shape(case: Case) -> str:
    return ",".join(str(size) for size in case.shape) + case.layout
