"""The tables of a report."""

from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, is_path
from benchmarks.formatting import contender, duration, mark, number, rate, shape, times
from benchmarks.measurements import Result, ResultTable, losses
from benchmarks.targets import Outcome
from experiments.reporting.markdown import markdown_table


def target_table(outcomes: list[Outcome]) -> str:
    rows = []
    for outcome in outcomes:
        target = outcome.target
        required, measured = f"{target.required:g}x", times(outcome.ratio)
        row = [target.work, target.against, required, measured, outcome.verdict, outcome.case]
        rows.append(row)
    return markdown_table(["work", "against", "target", "measured", "verdict", "worst case"], rows)


def loss_table(results: list[Result]) -> str:
    """On the CPU, page faults of one call show whose result was new memory."""
    found = losses(results)
    header = ["case", "slower", "faster", "speed"]
    rows = [
        [str(loss.slower.case), contender(loss.slower), contender(loss.faster), times(loss.speed)]
        for loss in found
    ]
    if results[0].case.device == "cpu":
        header += ["page faults of the slower", "of the faster"]
        for row, loss in zip(rows, found, strict=True):
            row += [f"{loss.slower.page_faults:,}", f"{loss.faster.page_faults:,}"]
    return markdown_table(header, rows) if rows else "None."


def own_table(table: ResultTable, cases: list[Case]) -> str:
    """Pyquant on one thread against the copies and the fastest peer."""
    more_threads = sorted(
        {threads for case in cases for name, threads in table.by_case[case] if threads > 1}
    )
    header = ["mode", "dtype", "shape", "time", "M samples/s", "GB/s"]
    header += ["x copy_", f"{INTO} x copy_", "new memory", "x clone"]
    for threads in more_threads:
        header += [f"{threads} threads", f"copy_, {threads} threads"]
    header += ["x fastest peer", "peer"]
    timed = [case for case in cases if (OWN, 1) in table.by_case[case]]
    return markdown_table(header, [_own_row(table, case, more_threads) for case in timed])


def _own_row(table: ResultTable, case: Case, more_threads: list[int]) -> list[str]:
    own = table.by_case[case][OWN, 1]
    new_memory = table.ratio(case, (OWN, 1), ("new memory", 1))
    row = [case.mode, case.dtype, shape(case), duration(own)]
    row += [number(own.megasamples_per_second), f"{own.gigabytes_per_second:.2f}"]
    for name in (OWN, f"{OWN} {INTO}"):
        row.append(times(table.ratio(case, (name, 1), ("copy_", 1))))
    row.append(f"{new_memory:.0%}" if new_memory else "")  # of pyquant's time
    row.append(times(table.ratio(case, (OWN, 1), ("clone", 1))))
    for threads in more_threads:
        row += [times(table.ratio(case, (n, threads), (n, 1))) for n in (OWN, "copy_")]
    peer = table.fastest_peer(case)
    row += [times(table.over_fastest_peer(case)), peer.contender + mark(peer) if peer else ""]
    return row


def throughput_table(table: ResultTable, cases: list[Case]) -> str:
    of_one_thread = [
        name
        for case in cases
        for name, threads in table.by_case[case]
        if threads == 1 and not is_path(name)
    ]
    names = list(dict.fromkeys(of_one_thread))
    rows = [
        [case.mode, case.dtype, shape(case)]
        + [rate(table.by_case[case].get((name, 1))) for name in names]
        for case in cases
    ]
    return markdown_table(["mode", "dtype", "shape", *names], rows)


def path_table(table: ResultTable) -> str:
    """Pyquant on each instruction set."""
    names = sorted({name for row in table.by_case.values() for name, _ in row if is_path(name)})
    rows = [
        [case.op, case.mode, case.dtype, shape(case)] + [rate(row.get((name, 1))) for name in names]
        for case, row in table.by_case.items()
        if any((name, 1) in row for name in names)
    ]
    paths = [name.removeprefix(f"{OWN} ") for name in names]
    return markdown_table(["op", "mode", "dtype", "shape", *paths], rows)
