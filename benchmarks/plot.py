"""One picture of a run: throughput of every contender on the headline cases."""

from typing import IO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.cases import Case
from benchmarks.report import number
from benchmarks.run import Result
from benchmarks.targets import OWN, ROOFS, Table

PANELS = (
    ("floyd_steinberg", "published", "uint8", "batch"),
    ("floyd_steinberg", "published", "uint8", "square"),
    ("floyd_steinberg", "textbook", "float32", "batch"),
    ("floyd_steinberg", "textbook", "float32", "square"),
    ("linear_quantize", "nearest", "uint8", "64mb"),
    ("linear_quantize", "nearest", "float32", "64mb"),
)
OWN_COLOUR = "#c8442c"
PEER_COLOUR = "#8a9aa8"
ROOF_COLOUR = "#33404c"


def draw(results: list[Result], title: str, file: IO[bytes]) -> None:
    """Writes a PNG. Cases that were not timed leave no panel; without any of the headline
    cases the first ones timed are drawn."""
    table = Table(results)
    headline = [
        case for case in table.by_case if (case.op, case.mode, case.dtype, case.size) in PANELS
    ]
    chosen = headline or list(table.by_case)[: len(PANELS)]
    rows = (len(chosen) + 1) // 2
    figure = Figure(figsize=(11, 0.6 + 2.9 * rows), layout="constrained")
    for axes, case in zip(figure.subplots(rows, 2, squeeze=False).flat, chosen, strict=False):
        _panel(axes, case, list(table.by_case[case].values()))
    for axes in figure.axes[len(chosen) :]:
        axes.axis("off")
    figure.suptitle(title)
    figure.savefig(file, format="png", dpi=110)


def _panel(axes: Axes, case: Case, results: list[Result]) -> None:
    """One bar per contender, fastest on top; the copy of the same bytes is the dashed roof."""
    roof = next(result for result in results if result.contender == "copy_")
    shown = [
        result
        for result in results
        if result.contender not in ROOFS and not result.contender.startswith(f"{OWN} ")
    ]
    shown.sort(key=lambda result: result.megasamples_per_second)
    for place, result in enumerate(shown):
        rate = result.megasamples_per_second
        slow = result.samples / result.timing.third_quartile / 1e6
        fast = result.samples / result.timing.first_quartile / 1e6
        colour = OWN_COLOUR if result.contender == OWN else PEER_COLOUR
        spread = [[rate - slow], [fast - rate]]
        axes.barh(place, rate, color=colour, xerr=spread, ecolor=ROOF_COLOUR)
        axes.text(fast * 1.1, place, number(rate), va="center")
    axes.axvline(roof.megasamples_per_second, color=ROOF_COLOUR, linestyle="--")
    axes.text(
        roof.megasamples_per_second, 1.01, "copy_", transform=axes.get_xaxis_transform(),
        ha="center", va="bottom", color=ROOF_COLOUR, fontsize="small",
    )  # fmt: skip
    axes.set_yticks(range(len(shown)), [_label(result) for result in shown])
    axes.set_xscale("log")
    rates = [result.megasamples_per_second for result in (*shown, roof)]
    axes.set_xlim(min(rates) / 2, max(rates) * 4)
    shape = ",".join(str(size) for size in case.shape)
    axes.set_title(f"{case.op} {case.mode}, {case.dtype} ({shape})", fontsize="medium", pad=16)
    axes.set_xlabel("M samples/s", fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)


def _label(result: Result) -> str:
    threads = f", {result.threads} threads" if result.threads > 1 else ""
    mark = "*" if result.check == "levels" else ""
    return f"{result.contender}{mark}{threads}"
