"""Figs. 1, 5, 6 and 7 as pictures.

Figs. 5 and 6 show a photograph that scikit-learn bundles. Figs. 1 and 7 need two networks: by
default those that ``python -m experiments.demo`` leaves, with its digits.
"""

from matplotlib import pyplot
from matplotlib.figure import Figure

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import check_classes
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.pictures import PicturesConfig
from experiments.reporting.bit_depths import draw_bit_depths, photograph
from experiments.reporting.example_images import Shown, draw, fooled, restored
from experiments.reporting.figure_files import save_figure
from experiments.support.data_sets import load_split
from experiments.support.places import results_directory, set_name
from experiments.support.storage import require_writable
from experiments.support.terminal import terminal
from experiments.training.model_files import load_model, model_path


def main(config: PicturesConfig) -> None:
    """Writes figure1.png, figure5.png, figure6.png and figure7.png."""
    output = results_directory(config.output)
    require_writable(output)
    device = config.runtime.start()
    files = {kind: model_path(kind, config.models) for kind in ("8", "2d")}
    models = {kind: load_model(file, device) for kind, file in files.items()}
    test = load_split(config.data, "test").to(device)
    for file in files.values():
        check_classes(file, test)

    def evaluation(kind: str) -> Evaluation:
        attack = ProjectedGradientDescent(config.epsilon)
        precision = config.runtime.precision
        return Evaluation(
            set_name(config.models), kind, kind, len(test.labels), attack, precision=precision
        )

    figures = {
        1: draw_examples(fooled(models["8"], evaluation("8"), test)),
        5: draw_bit_depths(photograph(), ""),
        6: draw_bit_depths(photograph(), "d"),
        7: draw_examples(restored(models["2d"], evaluation("2d"), test, "floor")),
    }
    figures[1].suptitle(f"Fig. 1, with {test.source}", fontsize=10)
    figures[5].suptitle("Fig. 5: quantization without dithering")
    figures[6].suptitle("Fig. 6: quantization with dithering")
    figures[7].suptitle(f"Fig. 7, with {test.source}", fontsize=10)
    for number, figure in figures.items():
        save_figure(output / f"figure{number}.png", figure)
    terminal().print(f"{output}: figure1.png, figure5.png, figure6.png, figure7.png")


def draw_examples(shown: list[Shown]) -> Figure:
    """The images side by side."""
    figure, axes = pyplot.subplots(
        1, len(shown), figsize=(2.6 * len(shown), 3.3), layout="constrained"
    )
    draw(axes, shown)
    return figure
