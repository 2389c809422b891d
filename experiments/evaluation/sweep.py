"""Makes cells, except those that exist and those that another process is making."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy
import torch
from rich.console import Console

from experiments.cluster.connection import at_once_on, connected
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, Origin, Outcome, refuse_mixture
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import default_batch_size, measure, passes_per_image
from experiments.evaluation.selection import existing_rows
from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.data_sets import Split, load_split
from experiments.support.errors import LockedElsewhere
from experiments.support.progress import Meter, progress_bars
from experiments.support.provenance import provenance
from experiments.training.model_files import (
    checked_record,
    file_digest,
    load_model,
    model_config,
    model_path,
)
from experiments.training.resnet20 import ResNet20

if TYPE_CHECKING:
    from experiments.cluster.ray_cluster import RayCluster

Config = TypeVar("Config", bound=SweepConfig)


EvaluationsOf = Callable[[Config, Sequence[str], int], list[Evaluation]]
#: An outcome and its provenance.
Made = tuple[Outcome, dict[str, Any]]


def run(evaluations_of: EvaluationsOf[Config], config: Config, console: Console) -> None:
    """Makes every cell that is not done.

    Args:
        evaluations_of: takes the options, the models and the number of images of a cell; returns the
            settings of the cells.
        config: models, images, where the results are kept.
        console: for the progress bar.

    Raises:
        ValueError: cells that exist were made from another model or other images, or a model was
            trained on other classes than those of the test images.
    """
    device = config.runtime.start(config.cluster)
    models = existing_rows(config)  # before anything is downloaded
    split = load_split(config.data, "test").to(device)
    evaluations = evaluations_of(config, models, image_count(config, split))
    missing = unmade(evaluations, config)
    whole = f"{len(missing)} of {len(evaluations)} cells to measure"
    needed = config.cluster if missing else None
    with connected(needed, config.runtime, console, test=split) as cluster:
        if missing:
            here = f"{device.type} with {torch.get_num_threads()} CPU threads"
            console.print(f"{whole}, on {cluster or here}")
        with progress_bars(console) as progress:
            total, at_once = sum(map(passes, missing)), at_once_on(cluster, len(missing))
            bar = progress.add_task("cells", total=total, whole=whole, at_once=at_once)
            make(evaluations, config, split, Meter(progress, bar), cluster)


def image_count(config: SweepConfig, split: Split) -> int:
    """How many test images a cell is to have.

    Raises:
        ValueError: limit or batch_size is not positive.
    """
    for name in ("limit", "batch_size"):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value!r}; accepted are whole numbers from 1")
    return min(config.limit or len(split.labels), len(split.labels))


def unmade(evaluations: Iterable[Evaluation], config: SweepConfig) -> list[Evaluation]:
    """The evaluations whose cell does not exist, each once."""
    done = {evaluation for evaluation, _ in CellStore(config.directory).origins()}
    return [evaluation for evaluation in dict.fromkeys(evaluations) if evaluation not in done]


def passes(evaluation: Evaluation) -> int:
    """About how much work an evaluation is, in forward passes of one image."""
    return evaluation.images * passes_per_image(evaluation)


def make(
    evaluations: list[Evaluation],
    config: SweepConfig,
    split: Split,
    meter: Meter,
    cluster: "RayCluster | None" = None,
) -> None:
    """Makes the cells of these evaluations that do not exist, here or on a cluster.

    Args:
        evaluations: the settings of the cells.
        config: options.
        split: the test images, on the device of the measurement.
        meter: counts ``passes``.
        cluster: where to measure, if not in this process.

    Raises:
        ValueError: as in ``run``.
    """
    device, console = split.labels.device, meter.console
    files = {kind: model_path(kind, config.models) for kind in {e.model for e in evaluations}}
    models = {kind: load_model(file, device) for kind, file in files.items()}
    for file in files.values():
        check_classes(file, split)
    data = split.describe()
    origins = {
        kind: Origin(file_digest(file), data, checked_record(file) is not None)
        for kind, file in files.items()
    }
    unrecorded = [kind for kind, origin in origins.items() if not origin.recorded]
    if unrecorded:
        console.print(
            f"{', '.join(unrecorded)}: no training record beside the model; its cells say so"
        )
    store = CellStore(config.directory)
    existing = [pair for pair in store.origins() if pair[0].models == config.set_name]
    refuse_mixture([*existing, *((e, origins[e.model]) for e in evaluations)])
    labels = split.labels.cpu().numpy().astype(numpy.uint8)

    def keep(made: Made) -> None:
        outcome, about = made
        store.add([Cell.of(outcome, origins[outcome.evaluation.model], about)], labels)

    missing = unmade(evaluations, config)
    if cluster is not None and cluster.slow_to_start:
        missing.sort(key=lambda evaluation: evaluation.model)  # a task makes those of one network
    with ExitStack() as locks:
        claims = claimed(missing, store, meter, locks)
        if cluster is not None:
            from experiments.cluster.measuring import measure_on_cluster

            measure_on_cluster(claims, models, keep, config.batch_size, meter, cluster)
            return
        for evaluation, lock in claims:
            meter.begin(f"{evaluation.model} on {evaluation.kind}")
            on_batch = meter.times(passes_per_image(evaluation)).advance
            keep(measured(evaluation, models[evaluation.model], split, config.batch_size, on_batch))
            lock.close()


def claimed(
    evaluations: Iterable[Evaluation], store: CellStore, meter: Meter, locks: ExitStack
) -> Iterator[tuple[Evaluation, ExitStack]]:
    """Yields each evaluation that no process has made or is making, with its lock.

    A lock is taken only when the evaluation is asked for.
    """
    elsewhere = 0
    for evaluation in evaluations:
        lock = locks.enter_context(ExitStack())
        try:
            lock.enter_context(store.claim(evaluation))
        except LockedElsewhere:
            elsewhere += 1
            meter.skip(passes(evaluation))
            continue
        if evaluation in store:
            meter.skip(passes(evaluation))
            lock.close()
            continue
        yield evaluation, lock
    if elsewhere:
        meter.console.print(
            f"{elsewhere} cells are being made by another process; run again for the rest"
        )


def measured(
    evaluation: Evaluation,
    model: ResNet20,
    split: Split,
    batch_size: int | None,
    on_batch: Callable[[int], object] = lambda count: None,
) -> Made:
    """Makes an evaluation; returns the outcome and its provenance."""
    device = split.labels.device
    batch_size = batch_size or default_batch_size(device)
    outcome = measure(evaluation, model, split, on_batch, batch_size)
    return outcome, {**provenance(device), "batch_size": batch_size}


def check_classes(file: Path, split: Split) -> None:
    """Raises ValueError if the model was trained on other classes than those of the test images."""
    trained = model_config(file)["train_data"]
    if tuple(trained["classes"]) != split.classes:
        here, there = set(split.classes), set(trained["classes"])
        differing = [
            f"{what} {', '.join(sorted(names))}"
            for what, names in (("without", there - here), ("with", here - there))
            if names
        ]
        raise ValueError(
            f"model {file.stem} was trained on the classes {', '.join(trained['classes'])} "
            f"({trained['source']}); the test images ({split.source}) have others: "
            f"{', '.join(differing) or 'the same in another order'}. Choose other --data or --models"
        )
