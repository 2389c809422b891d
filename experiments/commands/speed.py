"""How much of the time goes to the network alone.

The images are noise: nothing measured here depends on what they show.
"""

from dataclasses import asdict
from typing import Any

from rich.console import Console

from experiments.evaluation.measure import default_batch_size
from experiments.reporting.row_report import write_rows
from experiments.speed import SpeedConfig
from experiments.support.places import results_directory
from experiments.support.progress import progress_bars
from experiments.support.provenance import provenance
from experiments.support.storage import require_writable, write_json
from experiments.support.terminal import terminal
from experiments.timing.attack import compare_attack
from experiments.timing.comparison import Comparison
from experiments.timing.options import compare_options
from experiments.timing.training import RECIPE, compare_training

KIND = "2d"


def main(config: SpeedConfig) -> None:
    """Measures, and writes speed.json, .csv and .md; with ``options``, options.json, .csv and .md."""
    if config.rounds < 2:
        raise ValueError(f"rounds is {config.rounds!r}; accepted are whole numbers from 2")
    console = terminal()
    require_writable(results_directory(config.results))
    device = config.runtime.start()
    with progress_bars(console) as progress:
        setting = (KIND, config.runtime.precision, device, config.rounds, progress)
        if config.options:
            found = compare_options(*setting)
        else:
            found = [*compare_training(*setting), compare_attack(*setting)]
    about = provenance(device)
    comparisons = [asdict(item) for item in found]
    write_json(
        results_directory(config.results) / f"{name_of(config)}.json",
        {"comparisons": comparisons, "provenance": about},
    )
    write_table(config, found, default_batch_size(device), about["machine"], console)


def name_of(config: SpeedConfig) -> str:
    """What the files of the report are called, without their endings."""
    return "options" if config.options else "speed"


def write_table(
    config: SpeedConfig,
    found: list[Comparison],
    attacked: int,
    machine: dict[str, Any],
    console: Console,
) -> None:
    """Writes the .csv and the .md."""
    write_rows(
        results_directory(config.results) / name_of(config),
        name_of(config).capitalize(),
        f"Images per second, batch {RECIPE.batch_size} in training and {attacked} in the attack, "
        f"{config.runtime.precision}; {machine['device']}, {machine['processor']}, "
        f"{machine['threads']} threads. Medians of {config.rounds} rounds; the ratio with its "
        "quartiles.",
        ("what", "ours", "images/s", "other", "images/s of it", "ratio", "quartiles", "target"),
        [
            (
                item.what,
                item.ours,
                round(item.ours_per_second),
                item.other,
                round(item.other_per_second),
                f"{item.ratio:.3g}",
                f"{item.ratio_quartiles[0]:.3g} to {item.ratio_quartiles[1]:.3g}",
                f"{item.target:g}",
            )
            for item in found
        ],
        console,
    )
