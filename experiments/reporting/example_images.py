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
    clean, attacked, _, evaluator, _ = _examples(model, evaluation, split)
    change = (attacked - clean) * (255 / evaluation.epsilon)
    return [
        Shown("image", clean, _verdict(evaluator, clean, split)),
        Shown(f"change, at most {evaluation.epsilon:g}/255", change / 2 + 0.5, "times "
              f"{255 / evaluation.epsilon / 2:.0f}, zero is grey"),
        Shown("sum", attacked, _verdict(evaluator, attacked, split)),
    ]  # fmt: skip


def restored(
    model: ResNet20, evaluation: Evaluation, split: Split, filter_name: str
) -> list[Shown]:
    """Fig. 7: an image, dithered, perturbed, and quantized once more."""
    clean, attacked, original, evaluator, name = _examples(model, evaluation, split)
    back = apply_filter(filter_name, attacked, bits_of(evaluation.kind))
    same = (
        "identical"
        if torch.equal(back, apply_filter(filter_name, clean, bits_of(evaluation.kind)))
        else "changed"
    )
    return [
        Shown("8-bit image", original.float() / 255, name),
        Shown(
            f"dithered to {bits_of(evaluation.kind)} bits", clean, _verdict(evaluator, clean, split)
        ),
        Shown(
            f"perturbed by {evaluation.epsilon:g}/255",
            attacked,
            _verdict(evaluator, attacked, split),
        ),
        Shown(f"filtered: {same}", back, _verdict(evaluator, back, split)),
    ]


def draw(axes: Sequence[Axes], images: Sequence[Shown]) -> None:
    """Draws one image into each of ``axes``."""
    for axis, shown in zip(axes, images, strict=False):
        axis.imshow(shown.image.permute(1, 2, 0).clamp(0, 1).cpu().numpy(), interpolation="nearest")
        axis.set_title(shown.title, fontsize=10)
        axis.set_xlabel(shown.verdict, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])


def _examples(
    model: ResNet20, evaluation: Evaluation, split: Split
) -> tuple[Tensor, Tensor, Tensor, Evaluator, str]:
    """The first image that the bare network gets right before the attack and wrong after it."""
    index = subset(len(split.labels), CANDIDATES).to(split.labels.device)
    labels = split.labels[index]
    evaluator = Evaluator(model, evaluation)
    clean, attacked = evaluator.images(split.images[index], labels)
    right = evaluator.classify(clean, "none") == labels
    wrong = evaluator.classify(attacked, "none") != labels
    hits = (right & wrong).nonzero().flatten()
    if not len(hits):
        raise ValueError(
            f"epsilon {evaluation.epsilon:g}/255 fools model {evaluation.model} on none of {len(index)} images"
        )
    hit = int(hits[0])
    name = split.classes[int(labels[hit])]
    return clean[hit], attacked[hit], split.images[index[hit]], evaluator, name


@torch.no_grad()
def _verdict(evaluator: Evaluator, image: Tensor, split: Split) -> str:
    confidence, number = evaluator.logits(image[None]).softmax(1)[0].max(0)
    return f"network: {split.classes[int(number)]} ({100 * float(confidence):.0f} %)"
