"""Makes many cells: skips those that are done, leaves alone those that another process makes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from experiments.evaluation.cell_store import refuse_mixture, stored_cells
from experiments.evaluation.cells import Attack, Cell, cell_config, measure
from experiments.support.data_sets import DataConfig, Split, load_split
from experiments.method.kinds import KINDS, check_kind
from experiments.support.progress import progress_bars
from experiments.support.provenance import provenance
from experiments.support.runtime import Runtime
from experiments.training.model_files import (
    available,
    file_digest,
    load_model,
    model_config,
    model_path,
    require_model,
)
from experiments.support.storage import LockedElsewhere, lock, read_json, refuse_other, write_json

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class SweepConfig:
    """What every command that fills a table takes."""

    models: str = "short"
    """Name of a set in experiments/models, or a directory."""
    rows: tuple[str, ...] = ()
    """Models, by what they were trained on (default: all that exist)."""
    limit: int | None = None
    """Evaluate on this many test images, a fixed random subset (default: all)."""
    report_only: bool = False
    """Make no cell. (The report is of all the cells that exist, of each the one with most images.)"""
    results: Path = RESULTS
    """Directory of the cells and the reports."""
    data: DataConfig = field(default_factory=lambda: DataConfig(source="cifar10"))
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def set_name(self) -> str:
        """The name of the set, also when ``models`` is a directory."""
        return Path(self.models).name

    def cell(
        self, model: str, column: str, images: int, attack: Attack = "none", epsilon: float = 0.0
    ) -> Cell:
        """A cell of this set of models, in the precision of this run."""
        return Cell(
            self.set_name, model, column, images, attack, epsilon, precision=self.runtime.precision
        )

    @property
    def existing_rows(self) -> list[str]:
        """The rows asked for, or all whose model exists, in the order of the tables.

        Raises:
            ValueError: a row is not a kind of image, or there is no model at all.
            FileNotFoundError: a model that was asked for does not exist.
        """
        for kind in self.rows:
            require_model(model_path(check_kind(kind, "rows"), self.models))
        found = [kind for kind in available(self.models) if not self.rows or kind in self.rows]
        if not found:
            raise ValueError(f"models is {self.models!r}; no model is there")
        return found


@dataclass(frozen=True)
class GridConfig(SweepConfig):
    """What the commands for Tables I and II take."""

    columns: tuple[str, ...] = ()
    """Kinds of test images (default: those of the paper's table)."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(model, column) for every cell, row by row."""
        columns = [check_kind(kind, "columns") for kind in self.columns or KINDS]
        return [(model, column) for model in self.existing_rows for column in columns]


def run(cells_of: Callable[[int], list[Cell]], config: SweepConfig, console: Console) -> None:
    """Makes every cell that is not done.

    Args:
        cells_of: gives the cells, told how many images each is to have.
        config: models, images, where the results are kept.
        console: for the progress bar.

    Raises:
        ValueError: cells that exist were made from another model or other images, or a model does
            not know the classes of the test images.
    """
    device = config.runtime.start()
    split = load_split(config.data, "test").to(device)
    if config.limit is not None and config.limit < 1:
        raise ValueError(f"limit is {config.limit!r}; accepted are whole numbers from 1")
    cells = cells_of(min(config.limit or len(split.labels), len(split.labels)))
    test_data = split.describe()
    models = {cell.model: model_path(cell.model, config.models) for cell in cells}
    loaded = {kind: load_model(file, device) for kind, file in models.items()}
    for file in models.values():
        check_classes(file, split)
    digests = {kind: file_digest(file) for kind, file in models.items()}
    configs = [cell_config(cell, digests[cell.model], test_data) for cell in cells]
    stored = (cell.config for cell in stored_cells(config.results, config.set_name))
    refuse_mixture([*stored, *configs])
    elsewhere = 0
    with progress_bars(console) as progress:
        work = [cell.images * (1 + cell.steps * (cell.attack != "none")) for cell in cells]
        bar = progress.add_task("cells", total=sum(work))
        for cell, settings, amount in zip(cells, configs, work, strict=True):
            path = cell.path(config.results)
            progress.update(bar, description=path.stem)
            try:
                with lock(path):
                    if path.exists():
                        refuse_other(settings, read_json(path)["config"], path)
                        progress.advance(bar, amount)
                        continue
                    result = measure(
                        cell,
                        loaded[cell.model],
                        split,
                        lambda count, part=amount / cell.images: progress.advance(
                            bar, count * part
                        ),
                    )
                    write_json(
                        path, {"config": settings, **result, "provenance": provenance(device)}
                    )
            except LockedElsewhere:
                elsewhere += 1
                progress.advance(bar, amount)
    if elsewhere:
        console.print(
            f"{elsewhere} cells are being made by another process; run again for the rest"
        )


def check_classes(file: Path, split: Split) -> None:
    """Raises ValueError if the model was trained on other classes than those of the test images."""
    trained = model_config(file)["train_data"]
    if tuple(trained["classes"]) != split.classes:
        raise ValueError(
            f"{file.stem} was trained on {trained['source']} with the classes "
            f"{trained['classes']}; the test images are {split.source} with "
            f"{list(split.classes)}: choose other --data"
        )
