"""The paper in a minute, on scikit-learn's bundled digits.

Trains a network on 8-bit images and one on images dithered to 2 bits, attacks both with PGD, and
shows what the filter leaves of the attack.
"""

from dataclasses import asdict
from pathlib import Path

from matplotlib import pyplot
from rich.progress import Progress, TaskID
from rich.table import Table

from experiments.demo import DemoConfig
from experiments.evaluation.cells import Outcome
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import measure
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.method.kinds import is_dithered
from experiments.reporting.example_images import draw, fooled, restored
from experiments.reporting.figure_files import save_figure
from experiments.support.data_sets import DataConfig, Split, load_split
from experiments.support.progress import progress_bars
from experiments.support.storage import require_writable
from experiments.support.terminal import terminal
from experiments.training.model_files import load_model, refuse_recorded, save_model
from experiments.training.recipes import Recipe
from experiments.training.resnet20 import ResNet20
from experiments.training.trainer import Trainer

RECIPE = Recipe(
    "one_cycle",
    epochs=6,
    learning_rate=0.1,
    nesterov=True,
    weight_decay=5e-4,
    batch_size=64,
    padding=2,
)
#: The undefended network, and the paper's best.
KINDS = ("8", "2d")
#: The largest change that the paper's filter is certain to undo at 2 bits, and one beyond it that
#: rounding to the nearest level still undoes.
EPSILONS = (21.0, 32.0)
IMAGES = 200


def main(config: DemoConfig) -> None:
    """Runs the demonstration."""
    for kind in KINDS:
        refuse_recorded(config.output / f"{kind}.safetensors")
    console = terminal()
    require_writable(config.output)
    device = config.runtime.start()
    train, test = (load_split(DataConfig(), name).to(device) for name in ("train", "test"))
    evaluations = {
        (kind, epsilon): Evaluation(
            "demo", kind, kind, IMAGES, ProjectedGradientDescent(epsilon),
            precision=config.runtime.precision,
        )
        for kind in KINDS
        for epsilon in EPSILONS
    }  # fmt: skip
    with progress_bars(console) as progress:
        bars = {
            kind: progress.add_task(f"training {kind}", total=None, start=False) for kind in KINDS
        }
        attack = progress.add_task("attack", total=IMAGES * len(evaluations), start=False)
        models = {}
        for kind, bar in bars.items():
            path = train_and_save(kind, train, config, progress, bar)
            models[kind] = load_model(path, device)
        progress.start_task(attack)
        outcomes = {
            key: measure(
                evaluation,
                models[evaluation.model],
                test,
                lambda count: progress.advance(attack, count),
            )
            for key, evaluation in evaluations.items()
        }
    console.print(summary(outcomes), crop=False)
    figure = config.output / "demo.png"
    draw_figure(figure, evaluations, models, test)
    console.print(f"{figure}: the attack, and what the filter makes of it")


def train_and_save(
    kind: str, train: Split, config: DemoConfig, progress: Progress, bar: TaskID
) -> Path:
    """Trains a network on images of ``kind``; returns the path of its file."""
    trainer = Trainer(train, kind, RECIPE, config.seed, config.runtime.precision)
    progress.start_task(bar)
    progress.update(bar, total=RECIPE.epochs * trainer.steps_per_epoch)
    for _ in range(RECIPE.epochs):
        trainer.epoch(lambda: progress.advance(bar))
    path = config.output / f"{kind}.safetensors"
    settings = {
        "kind": kind,
        "recipe": asdict(RECIPE),
        "seed": config.seed,
        "train_data": train.describe(),
    }
    save_model(trainer.model, path, settings)
    return path


def summary(outcomes: dict[tuple[str, float], Outcome]) -> Table:
    """Accuracy in percent: a row for each network and epsilon, a column for each filter."""
    table = Table(title=f"Accuracy on {IMAGES} test digits, percent", caption="attacked by PGD-20")
    table.add_column("network", no_wrap=True)
    attacked = ("no filter" if name == "none" else f"filter {name}" for name in FILTERS)
    for name in ("clean", "epsilon", *attacked):
        table.add_column(name, justify="right", no_wrap=True)
    for (kind, epsilon), outcome in outcomes.items():
        table.add_row(
            "2-bit dithered" if is_dithered(kind) else "undefended",
            f"{100 * outcome.accuracy('clean', 'none'):.1f}",
            f"{epsilon:g}/255",
            *(f"{100 * outcome.accuracy('attacked', name):.1f}" for name in FILTERS),
        )
    return table


def draw_figure(
    path: Path,
    evaluations: dict[tuple[str, float], Evaluation],
    models: dict[str, ResNet20],
    test: Split,
) -> None:
    """Figs. 7 and 1 of the paper, one above the other, as a PNG."""
    epsilon = EPSILONS[0]
    figure, axes = pyplot.subplots(2, 4, figsize=(10, 6), layout="constrained")
    draw(axes[0], restored(models["2d"], evaluations["2d", epsilon], test, "floor"))
    draw(axes[1], fooled(models["8"], evaluations["8", epsilon], test))
    axes[1, 3].axis("off")
    axes[0, 0].set_ylabel("trained on 2 bits, dithered")
    axes[1, 0].set_ylabel("trained on 8 bits, undefended")
    save_figure(path, figure)
