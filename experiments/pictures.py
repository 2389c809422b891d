"""Figs. 1, 5, 6 and 7 as pictures: python -m experiments.pictures

Figs. 5 and 6 show a photograph that scikit-learn bundles. Figs. 1 and 7 need two networks: by
default those that ``python -m experiments.demo`` leaves, with its digits.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from matplotlib import pyplot
from matplotlib.figure import Figure
from rich.console import Console
from sklearn.datasets import load_sample_image
from torch import Tensor

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import RESULTS, check_classes
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.kinds import prepare
from experiments.reporting.example_images import draw, fooled, restored
from experiments.reporting.figure_files import save_figure
from experiments.support.command_line import run_command
from experiments.support.data_sets import DataConfig, load_split
from experiments.support.runtime import Runtime
from experiments.training.model_files import load_model, model_path


@dataclass(frozen=True)
class PicturesConfig:
    """What to draw, and where."""

    models: str = "build/demo"
    """A set in experiments/models, or a directory, with the models 8 and 2d."""
    epsilon: float = 21.0
    """Largest change of a value in Figs. 1 and 7, in 1/255; the floor filter undoes 21 at 2 bits."""
    output: Path = RESULTS / "pictures"
    data: DataConfig = field(default_factory=DataConfig)
    """Images for Figs. 1 and 7."""
    runtime: Runtime = field(default_factory=lambda: Runtime(threads=1))


def main(config: PicturesConfig) -> None:
    """Writes figure1.png, figure5.png, figure6.png and figure7.png."""
    console = Console()
    device = config.runtime.start()
    files = {kind: model_path(kind, config.models) for kind in ("8", "2d")}
    models = {kind: load_model(file, device) for kind, file in files.items()}
    for number, suffix, how in ((5, "", "without"), (6, "d", "with")):
        title = f"Fig. {number}: quantization {how} dithering"
        save_figure(config.output / f"figure{number}.png", bit_depths(photograph(), suffix, title))
    test = load_split(config.data, "test").to(device)
    shown = {}
    for number, kind in ((1, "8"), (7, "2d")):
        model = models[kind]
        check_classes(files[kind], test)
        evaluation = Evaluation(
            Path(config.models).name,
            kind,
            kind,
            len(test.labels),
            attack=ProjectedGradientDescent(config.epsilon),
            precision=config.runtime.precision,
        )
        examples = (
            fooled(model, evaluation, test)
            if number == 1
            else restored(model, evaluation, test, "floor")
        )
        shown[number] = examples
    for number, examples in shown.items():
        figure, axes = pyplot.subplots(
            1, len(examples), figsize=(2.6 * len(examples), 3.3), layout="constrained"
        )
        draw(axes, examples)
        figure.suptitle(f"Fig. {number}, with {test.source}", fontsize=10)
        save_figure(config.output / f"figure{number}.png", figure)
    console.print(f"{config.output}: figure1.png, figure5.png, figure6.png, figure7.png")


def photograph() -> Tensor:
    """A photograph of 200 x 200 pixels, (1, 3, 200, 200) uint8."""
    pixels = torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(2, 0, 1)
    return pixels[None, :, 120:320, 230:430].contiguous()


def bit_depths(image: Tensor, suffix: str, title: str) -> Figure:
    """The image at 8 bits and at 7 to 1: ``suffix`` is "d" for dithered, "" for linear."""
    figure, axes = pyplot.subplots(2, 4, figsize=(9.2, 5.2), layout="constrained")
    for bits, axis in zip(range(8, 0, -1), axes.flat, strict=True):
        quantized = prepare(image, "8" if bits == 8 else f"{bits}{suffix}")[0]
        axis.imshow(quantized.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_title(f"{bits} bit" + "s" * (bits > 1))
        axis.axis("off")
    figure.suptitle(title)
    return figure


if __name__ == "__main__":
    run_command(main, PicturesConfig, __doc__)
