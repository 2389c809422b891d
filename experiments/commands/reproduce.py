"""Trains what is missing, and makes every table and figure of the paper."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from rich.console import Console

from experiments.cluster.connection import at_once_on, connected
from experiments.commands import (
    before_dithering,
    detection,
    figure4,
    pictures,
    precision,
    summary,
    table1,
    table2,
)
from experiments.evaluation.attackers import own_cells
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import image_count, make, passes, unmade
from experiments.evaluation.sweep_config import GridConfig
from experiments.method.kinds import check_kind
from experiments.pictures import PicturesConfig
from experiments.reproduce import ReproduceConfig
from experiments.summary import SummaryConfig
from experiments.support.data_sets import Split, load_split
from experiments.support.progress import Meter, duration, progress_bars
from experiments.support.storage import require_writable
from experiments.support.terminal import terminal
from experiments.timing.estimate import seconds_per_pass, seconds_per_step
from experiments.training.model_files import available, require_models
from experiments.training.recipes import recipe
from experiments.training.run import Images, load_images, steps_left
from experiments.training.side_by_side import networks_at_once, train_side_by_side

#: What each report is made from, and what writes it.
REPORTS = (
    (table1.evaluations, table1.report),
    (table2.evaluations, table2.report),
    (figure4.evaluations, figure4.report),
    (own_cells, before_dithering.report),
    (own_cells, detection.report),
    (precision.evaluations, precision.report),
)


def main(config: ReproduceConfig) -> None:
    """Trains the networks that are missing, makes the cells that are missing, and reports."""
    console = terminal()
    for kind in config.kinds:
        check_kind(kind, "kinds")
    sweep = config.sweep()
    config = replace(config, models=sweep.models)
    require_writable(sweep.directory)
    device = config.runtime.start(config.cluster)
    at_once = networks_at_once(config.at_once, device)
    images: Images | None = None
    left: dict[str, int] = {}
    if config.is_shipped:
        kinds = [kind for kind in require_models(sweep.models) if kind in config.kinds]
        test = load_split(config.data, "test").to(device)
    else:
        kinds = list(config.kinds)
        images = load_images(config)
        test = images.test
        left = {kind: steps_left(kind, config, images) for kind in kinds}
    count = image_count(sweep, test)
    missing = unmade(cells_of(sweep, kinds, count), sweep)
    to_train = [kind for kind, steps in left.items() if steps]
    networks = f"{len(to_train)} of {len(left)} networks to train, " if left else ""
    cells = len(set(cells_of(sweep, kinds, count)))
    splits = {"test": test} if images is None else {"train": images.train, "test": images.test}
    needed = config.cluster if to_train or missing else None
    with connected(needed, config.runtime, console, **splits) as cluster:
        here = f"{device.type} with {torch.get_num_threads()} CPU threads"
        console.print(f"{networks}{len(missing)} of {cells} cells to measure, on {cluster or here}")
        if cluster:  # nobody has measured its machines
            step, each = passes_per_step(config), 1.0
        else:
            step = step_time(config, images, to_train[:at_once])
            each = pass_time(sweep, test, missing)
        training, measuring = step * sum(left.values()), each * sum(map(passes, missing))
        parts = {"training": training, "measuring": measuring, "together": training + measuring}
        if not cluster and (training or measuring):
            about = ", ".join(f"{what} {duration(seconds)}" for what, seconds in parts.items())
            console.print(f"estimated from a short measurement: {about}")
        with progress_bars(console) as progress:
            bar = progress.add_task(
                "everything",
                total=training + measuring,
                whole="everything" if cluster else None,
                at_once=at_once_on(cluster, len(to_train or missing)),
            )
            if images is not None:
                meter = Meter(progress, bar, step)
                train_side_by_side(
                    left, config, images, config.at_once, meter, quiet=True, cluster=cluster
                )
                # Sets the threads again: a checkpoint may have had others.
                config.runtime.start(config.cluster)
            trained = [kind for kind in kinds if kind in available(sweep.models)]
            meter = Meter(progress, bar, each)
            make(cells_of(sweep, trained, count), sweep, test, meter, cluster)
    report(sweep, trained, count, console)


def cells_of(sweep: GridConfig, kinds: Sequence[str], images: int) -> list[Evaluation]:
    """The settings of every cell of every report on these networks."""
    return [cell for evaluations, _ in REPORTS for cell in evaluations(sweep, kinds, images)]


def passes_per_step(config: ReproduceConfig) -> float:
    """About how much work a training step is, in forward passes of one image."""
    return 3.0 * recipe(config.preset, config.epochs).batch_size


def step_time(config: ReproduceConfig, images: Images | None, kinds: Sequence[str]) -> float:
    """Seconds of a training step of one network while these train at once; 0 if there are none."""
    if images is None or not kinds:
        return 0.0
    settings = recipe(config.preset, config.epochs)
    return seconds_per_step(images.train, kinds, settings, config.runtime.precision)


def pass_time(sweep: GridConfig, test: Split, missing: Sequence[Evaluation]) -> float:
    """Seconds of a forward pass of one image, the mean over these cells; 0 if there are none."""
    if not missing:
        return 0.0
    pace = {
        arithmetic: seconds_per_pass(test, arithmetic, sweep.batch_size)
        for arithmetic in {cell.precision for cell in missing}
    }
    seconds = sum(passes(cell) * pace[cell.precision] for cell in missing)
    return seconds / sum(map(passes, missing))


def report(sweep: GridConfig, kinds: Sequence[str], images: int, console: Console) -> None:
    """Writes every report that these networks have cells for, and the pictures."""
    for evaluations, write in REPORTS:
        if evaluations(sweep, kinds, images):
            write(sweep, console)
    summary.main(SummaryConfig(sweep.models, sweep.directory))
    if {"2d", "8"} <= set(kinds):
        # The device of the option is that of the cluster; this machine may lack it.
        here = replace(sweep.runtime, device="auto") if sweep.cluster else sweep.runtime
        try:
            pictures.main(
                PicturesConfig(sweep.models, output=sweep.directory, data=sweep.data, runtime=here)
            )
        except ValueError as error:  # with few images, the attack may fool a network on none
            console.print(f"no pictures: {error}")
