"""A run for readers, in Markdown."""

from collections.abc import Iterator
from statistics import median

import benchmarks.cuda.tables as cuda_tables
from benchmarks import other_processes, tables
from benchmarks.cases import Case
from benchmarks.contenders import is_path
from benchmarks.measurements import ResultTable, Run
from benchmarks.targets import outcomes

OTHER_ARITHMETIC = "\\* the same work by another arithmetic: levels and mean checked, not bits."


def to_markdown(run: Run) -> str:
    table = ResultTable(run.results)
    on_cpu = run.config.device == "cpu"
    parts = [f"# Benchmarks on {run.machine['device']}"]
    if note := disturbance(run):
        parts += [f"**{note}**"]
    parts += [_machine_lines(run)]
    if on_cpu:
        parts += ["## Targets", tables.target_table(outcomes(run.results))]
    parts += ["## Losses", tables.loss_table(run.results)]
    for op in dict.fromkeys(case.op for case in table.by_case):
        of_op = [case for case in table.by_case if case.op == op]
        parts += [f"## {op}", *(_of_cpu if on_cpu else _of_gpu)(table, of_op), OTHER_ARITHMETIC]
    if on_cpu and any(is_path(name) for row in table.by_case.values() for name, _ in row):
        parts += ["## Instruction sets", "M samples/s, one thread:", tables.path_table(table)]
    if run.left_out:
        parts += ["## Left out", "\n".join(f"- {what}" for what in run.left_out)]
    return "\n\n".join(parts) + "\n"


def _of_cpu(table: ResultTable, cases: list[Case]) -> Iterator[str]:
    yield tables.own_table(table, cases)
    yield "Everything in M samples/s, one thread:"
    yield tables.throughput_table(table, cases)


def _of_gpu(table: ResultTable, cases: list[Case]) -> Iterator[str]:
    yield cuda_tables.own_table(table, cases)
    yield "Everything that does the same work, and the copy:"
    yield cuda_tables.peer_table(table, cases)


def disturbance(run: Run) -> str:
    """What a reader must know if the machine was not quiet; empty if it was, or nothing is known."""
    share = run.machine.get("share of other processes")
    if not other_processes.disturbs(share):
        return ""
    return (
        f"Other processes used {share:.0%} of this machine during the run: its figures, and losses "
        "most of all, may be noise."
    )


def _machine_lines(run: Run) -> str:
    config, machine = run.config, run.machine
    processor, commit, build = machine["processor"], machine["commit"], machine["build"]
    caches = ", ".join(f"{name} {size}" for name, size in processor["caches"].items())
    family = f" (family {processor['cpu family']})" if "cpu family" in processor else ""
    spread = median(result.spread for result in run.results)
    share = machine.get("share of other processes")  # not in the first runs
    others = "" if share is None else f", {share:.1%} of it used by other processes during the run"
    target = build["cpu"] if config.device == "cpu" else f"CUDA for {build['cuda architectures']}"
    lines = [
        f"{processor['model name']}{family}, {processor['cores']} cores, "
        f"{caches or 'caches unknown'}; load average {machine['load average']} at the start{others}",
        f"{machine['system']}, transparent huge pages: {machine['transparent huge pages']}",
        ", ".join(f"{name} {value}" for name, value in machine["versions"].items()),
        f"pyquant {build['pyquant']}: {target}; commit {commit['id'][:12]}"
        + (" with uncommitted changes" if commit["dirty"] else ""),
        f"{config.rounds} interleaved rounds, {config.seconds:g} s per measurement; "
        f"medians, ± is half the interquartile range, {spread:.0%} for the typical measurement",
    ]
    if "gpu" in machine:
        gpu = machine["gpu"].items()
        lines.insert(0, ", ".join(f"{name} {value}" for name, value in gpu if name != "name"))
        lines.append(
            "times inside CUDA graphs, where images take turns; from Python: one call at a time; "
            "of copy_: the time of a copy of the same bytes divided by ours"
        )
    return "\n".join(f"- {line}" for line in lines)


def plot_title(run: Run) -> str:
    threads = ", one thread unless noted" if run.config.device == "cpu" else ", inside CUDA graphs"
    return (
        f"pyquant on {run.machine['device']}, {run.config.bits} bits{threads}; "
        "* the same work by another arithmetic"
    )
