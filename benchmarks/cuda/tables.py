"""The tables of a report of a GPU."""

from benchmarks.cases import Case
from benchmarks.contenders import FROM_PYTHON, OWN, is_peer
from benchmarks.formatting import contender, duration, mark, number, shape, times
from benchmarks.measurements import ResultTable
from experiments.reporting.markdown import markdown_table

COPY = ("copy_", 1)


def own_table(table: ResultTable, cases: list[Case]) -> str:
    """Pyquant against the copy, inside graphs; from Python against clamp."""
    header = ["mode", "dtype", "shape", "time", "G samples/s", "GB/s", "copy_, GB/s", "of copy_"]
    header += [FROM_PYTHON, f"clamp {FROM_PYTHON}", "x fastest peer", "peer"]
    return markdown_table(header, [_own_row(table, case) for case in cases])


def _own_row(table: ResultTable, case: Case) -> list[str]:
    row = table.by_case[case]
    own, copy, peer = row[OWN, 1], row[COPY], table.fastest_peer(case)
    return [
        *(case.mode, case.dtype, shape(case), duration(own)),
        number(own.megasamples_per_second / 1000),
        *(number(result.gigabytes_per_second) for result in (own, copy)),
        number(copy.timing.median / own.timing.median),
        *(duration(row[f"{name} {FROM_PYTHON}", 1]) for name in (OWN, "clamp")),
        times(table.over_fastest_peer(case)),
        contender(peer) + mark(peer) if peer else "",
    ]


def peer_table(table: ResultTable, cases: list[Case]) -> str:
    """The time of every peer, beside that of pyquant and of the copy."""
    every = [key for case in cases for key in table.by_case[case] if is_peer(key[0])]
    keys = [(OWN, 1), COPY, *dict.fromkeys(every)]
    rows: list[list[str]] = []
    names: dict[tuple[str, int], str] = {}
    for case in cases:
        row = table.by_case[case]
        names |= {key: contender(row[key]) + mark(row[key]) for key in keys if key in row}
        found = [duration(row[key]) if key in row else "" for key in keys]
        rows.append([case.mode, case.dtype, shape(case), *found])
    return markdown_table(["mode", "dtype", "shape", *(names[key] for key in keys)], rows)
