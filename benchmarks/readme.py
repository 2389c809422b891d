"""The tables of README.md: how fast the ops are on each machine, and where they are slow."""

from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, is_peer
from benchmarks.formatting import number, shape, times
from benchmarks.measurements import Result, ResultTable, Run, losses
from benchmarks.report import disturbance
from benchmarks.settings import ROOT
from experiments.reporting.generated import write_block
from experiments.reporting.markdown import markdown_table

README = ROOT / "README.md"
BLOCK = "speed"
CASES = (
    ("published", "uint8", "batch"),
    ("published", "uint8", "square"),
    ("textbook", "float32", "batch"),
    ("textbook", "float32", "square"),
)
COLUMNS = {  # each with its contenders, of which the fastest is shown
    "pyquant": [OWN],
    "numba, tuned loop": ["numba"],
    "numba, plain loop": ["numba plain"],
    "Pillow\\*": ["Pillow channels", "Pillow joint"],
    "`dithering`\\*": ["dithering"],
    "numpy reference": ["numpy"],
    "`copy_`": ["copy_"],
}


def write(runs: dict[str, Run]) -> bool:
    """Runs of CPUs by the name of their folder. Returns whether the README changed."""
    return write_block(README, BLOCK, content(runs))


def content(runs: dict[str, Run]) -> str:
    reports = [
        f"[{run.machine['device']}](benchmarks/results/{folder}/report.md), "
        f"{run.machine['build']['cpu']}, commit {run.machine['commit']['id'][:12]}"
        for folder, run in runs.items()
    ]
    slow = "\n".join(slow_cases(run) for run in runs.values())
    about = f"Reports: {'; '.join(reports)}. Where pyquant is slow:"
    return "\n\n".join([speed_table(runs), about, slow])


def speed_table(runs: dict[str, Run]) -> str:
    """M samples/s on one thread."""
    rows = []
    for run in runs.values():
        table = ResultTable(run.results)
        cases = {(case.mode, case.dtype, case.size): case for case in table.by_case}
        for case in (cases[key] for key in CASES if key in cases):
            found = [_fastest(table, case, names) for names in COLUMNS.values()]
            rates = [number(result.megasamples_per_second) if result else "" for result in found]
            work = f"`{case.mode}`, {case.dtype} ({shape(case)})"
            ratio = times(table.over_fastest_peer(case))
            rows.append([run.machine["device"], work, *rates, ratio])
    return markdown_table(["processor", "", *COLUMNS, "x fastest peer"], rows)


def slow_cases(run: Run) -> str:
    """The time of one small image, where the call takes longer than the arithmetic, and the cases in
    which a peer was faster than pyquant."""
    table = ResultTable(run.results)
    small = [row for case, row in table.by_case.items() if case.size == "image"]
    dithered = [row for row in small if next(iter(row.values())).case.op == "floyd_steinberg"]
    lost = [
        loss
        for loss in losses(run.results)
        if is_peer(loss.faster.contender) or loss.faster.contender.endswith(INTO)
    ]
    cases_lost = {loss.slower.case for loss in lost}
    worst = min(lost, key=lambda loss: loss.speed, default=None)
    text = (
        f"- {run.machine['device']}: one 3x32x32 image dithered takes "
        f"{_microseconds([row[OWN, 1] for row in dithered])}, `clamp` of it "
        f"{_microseconds([row['clamp', 1] for row in small])}. "
        f"A peer is faster in {len(cases_lost)} of {len(table.by_case)} cases"
    )
    if worst:
        text += f", at worst {worst.faster.contender} in {worst.slower.case}: pyquant has "
        text += f"{times(worst.speed)} its speed"
    return " ".join([f"{text}.", disturbance(run)]).rstrip()


def _fastest(table: ResultTable, case: Case, names: list[str]) -> Result | None:
    found = [table.by_case[case][name, 1] for name in names if (name, 1) in table.by_case[case]]
    return min(found, key=lambda result: result.timing.median, default=None)


def _microseconds(results: list[Result]) -> str:
    found = sorted(result.timing.median * 1e6 for result in results)
    return f"{found[0]:.1f} to {found[-1]:.1f} µs"
