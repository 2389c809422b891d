"""Detection, Section V of the paper."""

from pathlib import Path

from matplotlib import pyplot
from rich.console import Console

from experiments.evaluation.attackers import ATTACKERS, attacker_of, own_cells, read_own_cells
from experiments.evaluation.cells import Cell, describe
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.reporting.bar_chart import draw_bars
from experiments.reporting.figure_files import save_figure
from experiments.reporting.row_report import write_rows
from experiments.support.terminal import terminal

NOTE = (
    "There are two detectors.\n\n"
    "- By accuracy, the paper's: a known reference set is classified after the floor filter, once as "
    "it was sent and once as it arrived. A difference betrays an attack before quantization. An "
    "attack after quantization, within the certificate, has no effect, so this detector does not "
    "see it.\n"
    "- Image by image: a quantized image that nobody touched holds only levels; the last two columns "
    "count the images with any other value. This detector sees an attack after quantization even "
    "where the filter undoes it, but never an attack before quantization. The images of model 8 are "
    "not quantized, so every attack on them counts as one after quantization."
)


def main(config: SweepConfig) -> None:
    """Tries both detectors on every model's own kind of images, at epsilon 8/255."""
    console = terminal()
    if not config.report_only:
        run(own_cells, config, console)
    report(config, console)


def report(config: SweepConfig, console: Console) -> None:
    """Writes detection.csv, .md and .png from the cells that exist."""
    cells = read_own_cells(config)
    stem = config.directory / "detection"
    write_rows(
        stem,
        "Detection of adversarial images",
        f"Models: {config.set_name}. {describe(cells)} {NOTE}",
        (
            "model",
            "attacker",
            "gradient",
            "accuracy sent",
            "accuracy arrived",
            "difference",
            "images",
            "off grid sent",
            "off grid arrived",
        ),
        [
            (
                cell.model,
                cell.evaluation.attacker,
                cell.evaluation.gradient,
                cell.accuracy("clean", "floor"),
                cell.accuracy("attacked", "floor"),
                accuracy_difference(cell),
                cell.images,
                cell.off_grid["clean"],
                cell.off_grid["attacked"],
            )
            for cell in cells
        ],
        console,
    )
    draw(stem.with_suffix(".png"), cells, config.set_name)
    console.print(f"{stem}.csv, .md, .png: {len(cells)} cells")


def accuracy_difference(cell: Cell) -> float:
    """Accuracy after the floor filter on what arrived, less that on what was sent."""
    return cell.accuracy("attacked", "floor") - cell.accuracy("clean", "floor")


def draw(path: Path, cells: list[Cell], models: str) -> None:
    """What each of the two detectors sees of each attack, one above the other."""
    kinds = list(dict.fromkeys(cell.model for cell in cells))
    lost: dict[str, dict[str, float]] = {name: {} for name in ATTACKERS}
    off_grid: dict[str, dict[str, float]] = {name: {} for name in ATTACKERS}
    for cell in cells:
        lost[attacker_of(cell)][cell.model] = 100 * (0.0 - accuracy_difference(cell))
        off_grid[attacker_of(cell)][cell.model] = 100 * cell.off_grid["attacked"] / cell.images
    figure, axes = pyplot.subplots(
        2, figsize=(6 + 0.6 * len(kinds), 7), sharex=True, layout="constrained"
    )
    draw_bars(axes[0], kinds, lost)
    axes[0].set(
        title="by accuracy: lost on a known set, after the floor filter",
        ylabel="points",
        xlabel="",
    )
    draw_bars(axes[1], kinds, off_grid)
    axes[1].set(title="image by image: those with a value off the grid of levels", ylabel="percent")
    about = describe(cells)
    figure.suptitle(f"Detecting PGD at 8/255, models: {models}.\n{about}")
    figure.legend(*axes[0].get_legend_handles_labels(), ncols=3, loc="outside lower center")
    save_figure(path, figure)
