"""Detection, Section V of the paper: python -m experiments.detection --data.source cifar10"""

from rich.console import Console

from experiments.before_dithering import own_cells, read_own_cells
from experiments.cell_store import describe
from experiments.command_line import run_command
from experiments.row_report import write_rows
from experiments.sweep import SweepConfig, run

NOTE = (
    "Two detectors. By accuracy, the paper's: a known reference set is classified behind the floor "
    "filter, once as it was sent and once as it arrived; a difference betrays an attack before "
    "quantization, and an attack after it, within the certificate, is not seen because it has no "
    "effect. Image by image: an image that was quantized and not touched holds nothing but levels; "
    "the last two columns count the images with any other value. That sees an attack after "
    "quantization even where the filter undoes it, and never one before; model 8, whose images are "
    "not quantized, has only attacks of the first kind."
)


def main(config: SweepConfig) -> None:
    """Both detectors on every model's own kind of images, at epsilon 8/255."""
    console = Console()
    if not config.report_only:
        run(lambda images: own_cells(config, images), config, console)
    report(config, console)


def report(config: SweepConfig, console: Console) -> None:
    """Writes detection.csv and .md from the cells that exist."""
    cells = read_own_cells(config)
    stem = config.results / "detection"
    write_rows(
        stem,
        "Detection of adversarial images",
        f"Models: {config.set_name}. {describe([cell for _, cell in cells])} {NOTE}",
        (
            "model",
            "attack",
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
                attack,
                cell.accuracy("clean", "floor"),
                cell.accuracy("attacked", "floor"),
                cell.accuracy("attacked", "floor") - cell.accuracy("clean", "floor"),
                cell.images,
                cell.result["off_grid"]["clean"],
                cell.result["off_grid"]["attacked"],
            )
            for attack, cell in cells
        ],
    )
    console.print(f"{stem}.csv, .md: {len(cells)} cells")


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__)
