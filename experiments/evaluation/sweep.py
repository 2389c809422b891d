"""Makes many cells: skips those that are done and those that another process is making."""

from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from rich.console import Console

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, Origin, Outcome, refuse_mixture
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import measure, passes_per_image
from experiments.evaluation.sweep_config import SweepConfig
from experiments.support.data_sets import Split, load_split
from experiments.support.progress import progress_bars
from experiments.support.provenance import provenance
from experiments.support.storage import LockedElsewhere
from experiments.training.model_files import (
    checked_record,
    file_digest,
    load_model,
    model_config,
    model_path,
    require_models,
)


def run(
    evaluations_of: Callable[[int], list[Evaluation]], config: SweepConfig, console: Console
) -> None:
    """Makes every cell that is not done.

    Args:
        evaluations_of: gives the settings of the cells, told how many images each is to have.
        config: models, images, where the results are kept.
        console: for the progress bar.

    Raises:
        ValueError: cells that exist were made from another model or other images, or a model does
            not know the classes of the test images.
    """
    device = config.runtime.start()
    require_models(config.models)  # before anything is downloaded
    split = load_split(config.data, "test").to(device)
    if config.limit is not None and config.limit < 1:
        raise ValueError(f"limit is {config.limit!r}; accepted are whole numbers from 1")
    evaluations = evaluations_of(min(config.limit or len(split.labels), len(split.labels)))
    data = split.describe()
    labels = split.labels.cpu().numpy().astype(numpy.uint8)
    files = {kind: model_path(kind, config.models) for kind in {e.model for e in evaluations}}
    models = {kind: load_model(file, device) for kind, file in files.items()}
    for file in files.values():
        check_classes(file, split)
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
    done = {evaluation for evaluation, _ in existing}
    missing = [evaluation for evaluation in evaluations if evaluation not in done]
    work = {evaluation: passes_per_image(evaluation) for evaluation in missing}
    whole = f"{len(missing)} of {len(evaluations)} cells to measure"
    if missing:
        console.print(f"{whole}, on {device.type} with {torch.get_num_threads()} CPU threads")
    elsewhere = 0
    with progress_bars(console) as progress:
        bar = progress.add_task(
            "cells", total=sum(e.images * work[e] for e in missing), whole=whole
        )

        def measured(evaluation: Evaluation) -> Outcome:
            passes = work[evaluation]
            return measure(
                evaluation,
                models[evaluation.model],
                split,
                lambda count: progress.advance(bar, count * passes),
            )

        for evaluation in missing:
            progress.update(bar, description=f"{evaluation.model} on {evaluation.kind}")
            amount = evaluation.images * work[evaluation]
            try:
                with store.claim(evaluation):
                    if evaluation in store:
                        progress.skip(bar, amount)
                        continue
                    outcome = measured(evaluation)
                    origin = origins[evaluation.model]
                    store.add([Cell.of(outcome, origin, provenance(device))], labels)
            except LockedElsewhere:
                elsewhere += 1
                progress.skip(bar, amount)
    if elsewhere:
        console.print(
            f"{elsewhere} cells are being made by another process; run again for the rest"
        )


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
