"""The paper in a minute, on scikit-learn's bundled digits.

Trains a network on 8-bit images and one on images dithered to 2 bits, attacks both with PGD, and
shows what the filter leaves of the attack.
"""

from dataclasses import asdict
from pathlib import Path

from matplotlib import pyplot
from rich.progress import Progress, TaskID

from experiments.demo import DemoConfig
from experiments.evaluation.cells import Outcome
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import measure
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS, certified_epsilon
from experiments.method.kinds import is_dithered
from experiments.reporting.example_images import draw, fooled, restored
from experiments.reporting.figure_files import save_figure
from experiments.reporting.text_table import print_table
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
#: By the kind of their images: the undefended network, and the paper's best.
NETWORKS = {"8": "8 bits, undefended", "2d": "2 bits, dithered"}
#: The largest change that the paper's filter is certain to undo at 2 bits, and one beyond it that
#: rounding to the nearest level still undoes.
EPSILONS = (21.0, 32.0)
IMAGES = 200

NOTES = """\
The attack is PGD with 20 steps, which changes no value by more than epsilon.
The filter floor is that of the paper, nearest rounds to the nearest level. Each
provably undoes all changes up to the size for which it is certified, and may
fail beyond it. At 8 bits a filter changes next to nothing, and is left out.
"""


def main(config: DemoConfig) -> None:
    """Runs the demonstration."""
    for kind in NETWORKS:
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
        for kind in NETWORKS
        for epsilon in EPSILONS
    }  # fmt: skip
    with progress_bars(console) as progress:
        bars = {
            kind: progress.add_task(f"training on {name}", total=None, start=False)
            for kind, name in NETWORKS.items()
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
    print_table(console, f"Accuracy on {IMAGES} test digits, percent", *summary(outcomes))
    console.print(NOTES)
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


def summary(outcomes: dict[tuple[str, float], Outcome]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: the accuracy in percent, by network, epsilon and filter."""
    header = ["trained on", "not\nattacked", "epsilon"]
    for name in FILTERS:
        certified = certified_epsilon(name, "2d")
        header.append(f"{name},\ncertified\nto {certified}/255" if certified else "no\nfilter")
    rows = []
    for (kind, epsilon), outcome in outcomes.items():
        row = [NETWORKS[kind], percent(outcome.accuracy("clean", "none")), f"{epsilon:g}/255"]
        for name in FILTERS:
            left_out = name != "none" and not is_dithered(kind)
            row.append("-" if left_out else percent(outcome.accuracy("attacked", name)))
        rows.append(row)
    return header, rows


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


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
    axes[0, 0].set_ylabel(f"trained on {NETWORKS['2d']}")
    axes[1, 0].set_ylabel(f"trained on {NETWORKS['8']}")
    save_figure(path, figure)
