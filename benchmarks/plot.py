"""One picture of a run: throughput of every contender on the headline cases."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.cases import Case
from benchmarks.contenders import OWN, is_peer
from benchmarks.formatting import contender, number
from benchmarks.measurements import Result, ResultTable

PANELS = (
    ("floyd_steinberg", "published", "uint8", "batch"),
    ("floyd_steinberg", "published", "uint8", "square"),
    ("floyd_steinberg", "textbook", "float32", "batch"),
    ("floyd_steinberg", "textbook", "float32", "square"),
    ("floyd_steinberg", "textbook", "uint8", "cifar"),
    ("floyd_steinberg", "textbook", "float32", "cifar"),
    ("linear_quantize", "nearest", "uint8", "cifar"),
    ("linear_quantize", "nearest", "float32", "cifar"),
    ("linear_quantize", "nearest", "uint8", "64mb"),
    ("linear_quantize", "nearest", "float32", "64mb"),
)
OWN_COLOUR = "#c8442c"
PEER_COLOUR = "#8a9aa8"
ROOF_COLOUR = "#33404c"
COPIES = {"copy_": ("--", 1.02), "clone": (":", 1.09)}  # line style, height of the name


def draw(results: list[Result], title: str, path: Path) -> None:
    """Writes a PNG. Cases that were not timed leave no panel; without any of the headline
    cases the first ones timed are drawn."""
    table = ResultTable(results)
    headline = [
        case for case in table.by_case if (case.op, case.mode, case.dtype, case.size) in PANELS
    ]
    shown = headline or list(table.by_case)[: len(PANELS)]
    rows = (len(shown) + 1) // 2
    figure = Figure(figsize=(11, 0.6 + 3 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True)
    for axes, case in zip(panels.flat, shown, strict=False):
        _panel(axes, case, list(table.by_case[case].values()))
    for axes in figure.axes[len(shown) :]:
        axes.axis("off")
    figure.suptitle(title)
    figure.savefig(path, format="png", dpi=110)


def _panel(axes: Axes, case: Case, results: list[Result]) -> None:
    """One dot per contender, fastest on top, with its interquartile range; the copies of the
    same bytes are lines."""
    shown = [result for result in results if result.contender == OWN or is_peer(result.contender)]
    shown.sort(key=lambda result: result.megasamples_per_second)
    for place, result in enumerate(shown):
        rate = result.megasamples_per_second
        slow = result.samples / result.timing.third_quartile / 1e6
        fast = result.samples / result.timing.first_quartile / 1e6
        colour = OWN_COLOUR if result.contender == OWN else PEER_COLOUR
        axes.plot([slow, fast], [place, place], color=colour, linewidth=3)
        axes.plot(rate, place, "o", color=colour, markersize=8)
        axes.annotate(number(rate), (rate, place), (0, 7), textcoords="offset points",
                      ha="center", fontsize="small")  # fmt: skip
    for result in results:
        if result.contender in COPIES and result.threads == 1:
            style, height = COPIES[result.contender]
            rate = result.megasamples_per_second
            axes.axvline(rate, color=ROOF_COLOUR, linestyle=style, linewidth=1, zorder=0)
            axes.text(rate, height, result.contender, transform=axes.get_xaxis_transform(),
                      ha="center", color=ROOF_COLOUR, fontsize="small")  # fmt: skip
    axes.set_yticks(range(len(shown)), [_label(result) for result in shown])
    axes.set_ylim(-0.6, len(shown) - 0.3)
    axes.set_xscale("log")
    shape = ",".join(str(size) for size in case.shape)
    axes.set_title(f"{case.op} {case.mode}, {case.dtype} ({shape})", fontsize="medium", pad=26)
    axes.set_xlabel("M samples/s", fontsize="small")
    axes.tick_params(labelbottom=True)
    axes.grid(axis="x", color="#e4e8eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _label(result: Result) -> str:
    return contender(result) + ("*" if result.check == "levels" else "")
