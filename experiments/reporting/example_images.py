"""Single attacked images, and how Figs. 1 and 7 of the paper draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import Evaluator
from experiments.evaluation.subset import subset
from experiments.method.filters import apply_filter
from experiments.method.kinds import bits_of
from experiments.support.data_sets import Split
from experiments.training.resnet20 import ResNet20

#: Images tried in the search for one that shows the effect.
CANDIDATES = 60


@dataclass(frozen=True)
class Shown:
    """An image, (3, H, W) float32 in [0, 1], and what the network says of it."""

    title: str
    image: Tensor
    verdict: str


def fooled(model: ResNet20, evaluation: Evaluation, split: Split) -> list[Shown]:
    """Fig. 1: an image, the change, and the changed image, which the bare network gets wrong."""
    example = _first_example(model, evaluation, split)
    # The largest changes become black and white, no change grey.
    scale = 255 / evaluation.epsilon / 2
    change = (example.attacked - example.clean) * scale + 0.5
    return [
        example.shown("image", example.clean),
        Shown(
            f"change, at most {evaluation.epsilon:g}/255",
            change,
            f"times {scale:.0f}, zero is grey",
        ),
        example.shown("sum", example.attacked),
    ]


def restored(
    model: ResNet20, evaluation: Evaluation, split: Split, filter_name: str
) -> list[Shown]:
    """Fig. 7: an image, dithered, perturbed, and quantized once more."""
    example = _first_example(model, evaluation, split)
    bits = bits_of(evaluation.kind)
    clean, attacked = (
        apply_filter(filter_name, image, bits) for image in (example.clean, example.attacked)
    )
    same = "identical" if torch.equal(clean, attacked) else "changed"
    return [
        Shown("8-bit image", example.original.float() / 255, example.class_name),
        example.shown(f"dithered to {bits} bits", example.clean),
        example.shown(f"perturbed by {evaluation.epsilon:g}/255", example.attacked),
        example.shown(f"filtered: {same}", attacked),
    ]


def draw(axes: Sequence[Axes], images: Sequence[Shown]) -> None:
    """Draws one image into each of ``axes``."""
    for axis, shown in zip(axes, images, strict=False):
        axis.imshow(shown.image.permute(1, 2, 0).clamp(0, 1).cpu().numpy(), interpolation="nearest")
        axis.set_title(shown.title, fontsize=10)
        axis.set_xlabel(shown.verdict, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])


@dataclass(frozen=True)
class _Example:
    """An image that the bare network gets right before the attack and wrong after it."""

    original: Tensor
    """(3, H, W) uint8."""
    clean: Tensor
    """(3, H, W) float32 in [0, 1], of the kind that the network takes; so is ``attacked``."""
    attacked: Tensor
    class_name: str
    classes: tuple[str, ...]
    evaluator: Evaluator

    @torch.no_grad()
    def shown(self, title: str, image: Tensor) -> Shown:
        """An image with what the network says of it, without a filter."""
        confidence, number = self.evaluator.logits(image[None]).softmax(1)[0].max(0)
        name = self.classes[int(number)]
        return Shown(title, image, f"network: {name} ({100 * float(confidence):.0f} %)")


def _first_example(model: ResNet20, evaluation: Evaluation, split: Split) -> _Example:
    index = subset(len(split.labels), CANDIDATES).to(split.labels.device)
    labels = split.labels[index]
    evaluator = Evaluator(model, evaluation)
    clean, attacked = evaluator.images(split.images[index], labels)
    right = evaluator.classify(clean, "none") == labels
    wrong = evaluator.classify(attacked, "none") != labels
    hits = (right & wrong).nonzero().flatten()
    if not len(hits):
        raise ValueError(
            f"epsilon {evaluation.epsilon:g}/255 fools model {evaluation.model} on none of "
            f"{len(index)} images"
        )
    hit = int(hits[0])
    class_name = split.classes[int(labels[hit])]
    original = split.images[index[hit]]
    return _Example(original, clean[hit], attacked[hit], class_name, split.classes, evaluator)
