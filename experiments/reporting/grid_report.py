"""A 15 x 15 table of accuracies as CSV, Markdown and a picture, beside the paper's."""

import csv
import io
import textwrap
from pathlib import Path

import numpy
from matplotlib import pyplot
from rich.console import Console

from experiments.method.kinds import KINDS
from experiments.reporting.figure_files import save_figure
from experiments.reporting.markdown import markdown_table, plain
from experiments.reporting.paper_numbers import SOURCE, Table
from experiments.reporting.text_table import print_table
from experiments.support.storage import write_text


def write_grid(
    stem: Path, title: str, note: str, ours: Table, paper: Table, console: Console
) -> None:
    """Writes ``stem``.csv (ours alone), .md and .png (both tables, or ours if ``paper`` is empty).

    Cells that do not exist stay empty. The terminal shows ours.
    """
    write_text(stem.with_suffix(".csv"), grid_csv(ours))
    write_text(stem.with_suffix(".md"), grid_markdown(title, note, ours, paper))
    _draw(stem.with_suffix(".png"), title, note, ours, paper)
    rows, columns = measured(ours)
    print_table(
        console,
        f"{title}, percent",
        ["train", *columns],
        [[row, *(_pair(ours.get((row, column)), None) for column in columns)] for row in rows],
    )


def measured(table: Table) -> tuple[list[str], list[str]]:
    """The rows and the columns that hold a number, in the order of the tables."""
    rows, columns = {row for row, _ in table}, {column for _, column in table}
    return [kind for kind in KINDS if kind in rows], [kind for kind in KINDS if kind in columns]


def grid_csv(table: Table) -> str:
    """First column the training images, header the test images, accuracies in percent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["train", *KINDS])
    for model in KINDS:
        cells = (table.get((model, column)) for column in KINDS)
        writer.writerow(
            [model, *("" if value is None else f"{100 * value:.2f}" for value in cells)]
        )
    return text.getvalue()


def grid_markdown(title: str, note: str, ours: Table, paper: Table) -> str:
    """One table, each cell ``ours (paper)``, both in percent."""
    beside = f", ours first, in brackets the paper's ({SOURCE})" if paper else ""
    made = [model for model in KINDS if any(row == model for row, _ in ours)]
    rows = [
        [f"**{model}**", *(_pair(ours.get((model, c)), paper.get((model, c))) for c in KINDS)]
        for model in made
    ]
    parts = [
        f"# {title}",
        f"{plain(note)} Rows: what the network was trained on; columns: what it is tested on; "
        f"d: dithered. Percent{beside}.",
        markdown_table(["train", *KINDS], rows),
    ]
    missing = [model for model in KINDS if model not in made]
    if missing:
        parts.append(f"Not trained or not evaluated yet: {', '.join(missing)}.")
    return "\n\n".join(parts) + "\n"


def _pair(ours: float | None, paper: float | None) -> str:
    left = "" if ours is None else f"{100 * ours:.1f}"
    right = "" if paper is None else f"({100 * paper:.1f})"
    return f"{left} {right}".strip()


def _draw(path: Path, title: str, note: str, ours: Table, paper: Table) -> None:
    tables = {"this project": ours} | ({"the paper": paper} if paper else {})
    rows, columns = measured(ours)
    # 7.5 by 7.2 inches for all kinds; less for few, but enough for titles and labels.
    width, height = (
        max(4.0, size - 0.35 * (len(KINDS) - len(kinds)))
        for size, kinds in ((7.5, columns), (7.2, rows))
    )
    figure, axes = pyplot.subplots(
        1, len(tables), figsize=(width * len(tables), height), layout="constrained", squeeze=False
    )
    for axis, (name, table) in zip(axes[0], tables.items(), strict=True):
        values = numpy.array(
            [[table.get((row, column), numpy.nan) for column in columns] for row in rows]
        )
        axis.imshow(values, vmin=0, vmax=1, cmap="viridis")
        axis.set_facecolor("0.9")
        for (y, x), value in numpy.ndenumerate(values):
            if not numpy.isnan(value):
                color = "white" if value < 0.6 else "black"
                text = f"{100 * value:.0f}"
                axis.text(x, y, text, ha="center", va="center", color=color, fontsize=9)
        axis.set_xticks(range(len(columns)), columns)
        axis.set_yticks(range(len(rows)), rows)
        axis.set(title=name, xlabel="tested on (d = dithered)", ylabel="trained on")
    figure.suptitle(f"{title}, percent")
    figure.supxlabel(textwrap.fill(note, 95 * len(tables)), fontsize=9)
    save_figure(path, figure)
