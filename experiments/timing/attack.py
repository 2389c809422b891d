"""PGD, compared with the same number of forward and backward passes."""

import torch
from rich.progress import Progress
from torch.nn import functional

from experiments.evaluation.measure import default_batch_size
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.quantization import prepare
from experiments.support.cuda_graphs import RecordedFunction
from experiments.support.networks import logits_of
from experiments.support.runtime import Precision
from experiments.timing.comparison import Comparison, Contender, compare
from experiments.timing.noise import noise
from experiments.training.resnet20 import for_evaluation, seeded_model

ATTACK = ProjectedGradientDescent(epsilon=8.0)


def compare_attack(
    kind: str, precision: Precision, device: torch.device, rounds: int, progress: Progress
) -> Comparison:
    """Compares on a batch of images of ``kind``; ``rounds`` as in ``compare``."""
    count = default_batch_size(device)
    split = noise(count, device)
    model = for_evaluation(seeded_model(0, len(split.classes)).to(device))
    logits = logits_of(model, precision)
    images = prepare(split.images, kind).requires_grad_()
    recorded = RecordedFunction(lambda images, labels: ATTACK(logits, images, labels), device)

    def attack() -> None:
        recorded(images.detach(), split.labels)

    def bare() -> None:
        for _ in range(ATTACK.steps):
            loss = functional.cross_entropy(logits(images), split.labels, reduction="sum")
            torch.autograd.grad(loss, images)

    return compare(
        "attack against forward and backward",
        0.95,
        Contender(f"PGD-{ATTACK.steps}", count, attack),
        Contender(f"{ATTACK.steps} x forward and backward", count, bare),
        device,
        rounds,
        progress,
    )
