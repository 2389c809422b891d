"""Options of torch that could make training or attack faster, each compared with going without it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from rich.progress import Progress

from experiments.evaluation.measure import default_batch_size
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.quantization import prepare
from experiments.support.cuda_graphs import RecordedFunction
from experiments.support.networks import compile_networks, logits_of, networks_are_compiled
from experiments.support.runtime import Precision
from experiments.timing.comparison import Comparison, Contender, compare
from experiments.timing.noise import noise
from experiments.timing.training import BATCHES, RECIPE
from experiments.training.resnet20 import ResNet20, for_evaluation, seeded_model
from experiments.training.trainer import Trainer

#: An option that gains less is not worth its lines.
WORTHWHILE = 1.1
ATTACK = ProjectedGradientDescent(epsilon=8.0, steps=4)


def compare_options(
    kind: str, precision: Precision, device: torch.device, rounds: int, progress: Progress
) -> list[Comparison]:
    """A comparison for each option, on images of ``kind``; ``rounds`` as in ``compare``."""
    split = noise(BATCHES * RECIPE.batch_size, device)

    def training(**optimizer: bool) -> Callable[[], None]:
        trainer = Trainer(split, kind, RECIPE, 0, precision)
        for group in trainer.optimizer.param_groups:
            group.update(optimizer)
        return trainer.epoch

    attacked = noise(default_batch_size(device), device)
    images = prepare(attacked.images, kind)
    trained = seeded_model(0, len(split.classes)).to(device).to(memory_format=torch.channels_last)
    trained.eval().requires_grad_(False)

    def attack(model: ResNet20) -> Callable[[], object]:
        logits = logits_of(model, precision)
        recorded = RecordedFunction(lambda *given: ATTACK(logits, *given), device)
        return lambda: recorded(images, attacked.labels)

    with _compiled():
        compiled_training, compiled_attack = training(), attack(for_evaluation(trained))
    foreach, neither = {"fused": False, "foreach": True}, {"fused": False, "foreach": False}
    usual_training, usual_attack = training(), attack(for_evaluation(trained))
    pairs = {
        "training, torch.compile": (compiled_training, usual_training),
        "training, optimizer foreach instead of fused": (training(**foreach), usual_training),
        "training, optimizer neither of both": (training(**neither), usual_training),
        "attack, batch normalisation folded": (usual_attack, attack(trained)),
        "attack, torch.compile": (compiled_attack, usual_attack),
    }
    found = []
    for what, (with_it, without) in pairs.items():
        count = len((split if what.startswith("training") else attacked).labels)
        ours, other = Contender("with it", count, with_it), Contender("without", count, without)
        found.append(compare(what, WORTHWHILE, ours, other, device, rounds, progress))
    return found


@contextmanager
def _compiled() -> Iterator[None]:
    """Within it, ``logits_of`` compiles networks."""
    before = networks_are_compiled()
    compile_networks(True)
    try:
        yield
    finally:
        compile_networks(before)
