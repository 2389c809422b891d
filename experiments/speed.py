"""How much of the time goes to the network alone: python -m experiments.speed

The images are noise: nothing measured here depends on what they show. What is compared is measured
in turn, round by round, so that a machine that changes its pace changes it for both.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch.nn import functional

from experiments.evaluation.cells import BATCH_SIZE, Cell, Evaluator
from experiments.support.command_line import run_command
from experiments.support.data_sets import Split
from experiments.timing.per_pixel_baseline import prepare_batch
from experiments.support.progress import progress_bars
from experiments.support.provenance import provenance
from experiments.training.recipes import recipe
from experiments.reporting.row_report import write_rows
from experiments.support.runtime import Runtime
from experiments.support.storage import write_json
from experiments.evaluation.sweep import RESULTS
from experiments.training.trainer import Trainer

KIND = "2d"
BITS = 2
BATCHES = 4
PIPELINE_IMAGES = 64


@dataclass(frozen=True)
class SpeedConfig:
    """Measures training and attack against the bare network, and against Python pixel by pixel."""

    rounds: int = 9
    results: Path = RESULTS
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class Comparison:
    """Images per second of two ways to do one thing; the ratio is the median over the rounds."""

    what: str
    ours: str
    other: str
    ours_per_second: float
    other_per_second: float
    ratio: float
    ratio_quartiles: tuple[float, float]
    target: float


def noise(count: int, device: torch.device) -> Split:
    """``count`` random images, (count, 3, 32, 32) uint8, of ten classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (count,), generator=generator)
    names = tuple(str(number) for number in range(10))
    return Split(images.to(device), labels.to(device), names, "noise", flip=True)


def compare(
    what: str,
    target: float,
    ours: tuple[str, int, Callable[[], object]],
    other: tuple[str, int, Callable[[], object]],
    rounds: int,
    progress: Progress,
) -> Comparison:
    """Times two ways in turn; each is (name, images per call, call). The first calls do not count."""
    bar = progress.add_task(what, total=2 * (rounds + 1))
    rates: dict[str, list[float]] = {ours[0]: [], other[0]: []}
    for _ in range(rounds + 1):
        for name, images, call in (ours, other):
            _wait()
            start = time.perf_counter()
            call()
            _wait()
            rates[name].append(images / (time.perf_counter() - start))
            progress.advance(bar)
    ours_rates, other_rates = (values[1:] for values in rates.values())
    ratios = [mine / theirs for mine, theirs in zip(ours_rates, other_rates, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Comparison(
        what,
        ours[0],
        other[0],
        statistics.median(ours_rates),
        statistics.median(other_rates),
        middle,
        (low, high),
        target,
    )


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def training(config: SpeedConfig, device: torch.device, progress: Progress) -> list[Comparison]:
    """Training a dithered model: against the bare step, and against Python pixel by pixel."""
    settings = recipe("paper")
    split = noise(BATCHES * settings.batch_size, device)
    trainer = Trainer(split, KIND, settings, 0, config.runtime.precision)
    images = trainer.batch(torch.arange(settings.batch_size, device=device), _generator(device))
    labels = split.labels[: settings.batch_size]

    def bare() -> None:
        trainer.model.train()
        for _ in range(BATCHES):
            trainer.step(images, labels)

    # Its network runs in float32 and in the default memory format, as published.
    plain = Trainer(split, KIND, settings, 0, "float32")
    plain.model.to(memory_format=torch.contiguous_format)
    source = random.Random(0)

    def per_pixel() -> None:
        plain.model.train()
        # A part of a batch is prepared and the step is that of this part: a whole one takes long.
        few = prepare_batch(split.images[:PIPELINE_IMAGES].cpu(), BITS, settings.padding, source)
        plain.step(few.to(device), split.labels[:PIPELINE_IMAGES])

    def prepare_alone() -> None:
        generator = _generator(device)
        for index in torch.arange(len(split.labels), device=device).split(settings.batch_size):
            trainer.batch(index, generator)

    whole = ("training, as it is", len(split.labels), trainer.epoch)
    return [
        # At most 2 % of the time of a step.
        compare(
            "preparing a batch against the bare step",
            50.0,
            ("crop, flip, dither, convert", len(split.labels), prepare_alone),
            ("the step on one prepared batch", len(split.labels), bare),
            config.rounds,
            progress,
        ),
        compare(
            "training against the bare step",
            0.95,
            whole,
            ("the step on one prepared batch", len(split.labels), bare),
            config.rounds,
            progress,
        ),
        compare(
            "training against Python, float32",
            8.0,
            whole,
            ("pixel by pixel, then a float32 step", PIPELINE_IMAGES, per_pixel),
            config.rounds,
            progress,
        ),
    ]


def attack(config: SpeedConfig, device: torch.device, progress: Progress) -> Comparison:
    """PGD-20 against twenty times forward and backward to the image."""
    split = noise(BATCH_SIZE, device)
    trainer = Trainer(split, KIND, recipe("paper"), 0, config.runtime.precision)
    model = trainer.model.eval().requires_grad_(False)
    cell = Cell("speed", KIND, KIND, BATCH_SIZE, "after", 8.0, precision=config.runtime.precision)
    evaluator = Evaluator(model, cell)
    images = evaluator.images(split.images, split.labels)[0].requires_grad_()

    def bare() -> None:
        for _ in range(cell.steps):
            loss = functional.cross_entropy(evaluator.logits(images), split.labels, reduction="sum")
            torch.autograd.grad(loss, images)

    return compare(
        "attack against forward and backward",
        0.95,
        ("PGD-20", BATCH_SIZE, lambda: evaluator.attack(images.detach(), split.labels)),
        ("20 x forward and backward", BATCH_SIZE, bare),
        config.rounds,
        progress,
    )


def _generator(device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


def main(config: SpeedConfig) -> None:
    """Measures, and writes speed.json, .csv and .md."""
    if config.rounds < 2:
        raise ValueError(f"rounds is {config.rounds!r}; accepted are whole numbers from 2")
    console = Console()
    device = config.runtime.start()
    with progress_bars(console) as progress:
        found = [*training(config, device, progress), attack(config, device, progress)]
    about = provenance(device)
    stem = config.results / "speed"
    comparisons = [asdict(item) for item in found]
    write_json(stem.with_suffix(".json"), {"comparisons": comparisons, "provenance": about})
    machine = about["machine"]
    note = (
        f"Images per second, batch {recipe('paper').batch_size} in training and {BATCH_SIZE} in the "
        f"attack, {config.runtime.precision}; {machine['device']}, {machine['processor']}, "
        f"{machine['threads']} threads. Medians of {config.rounds} rounds; the ratio with its quartiles."
    )
    write_rows(
        stem,
        "Speed",
        note,
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
    )
    for item in found:
        console.print(f"{item.what}: {item.ratio:.3g} (target {item.target:g})")


if __name__ == "__main__":
    run_command(main, SpeedConfig, __doc__)
