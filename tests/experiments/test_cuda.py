"""The experiments on a CUDA device: recorded steps and attacks equal plain ones, images equal the CPU's."""

import warnings

import pytest
import torch
from torch.nn import functional

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import Evaluator
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.kinds import KINDS
from experiments.method.quantization import off_grid, prepare, quantize
from experiments.support.cuda_graphs import WARM_UP_CALLS
from experiments.support.runtime import Runtime
from experiments.timing.noise import noise
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer
from pyquant.libraries import NO_CUDA_REASON

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON),
]


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_those_of_a_cpu(kind):
    images = torch.randint(256, (20, 3, 32, 32), dtype=torch.uint8)
    prepared = prepare(images.cuda(), kind)
    assert torch.equal(prepared.cpu(), prepare(images, kind))
    quantized = quantize(prepare(images.cuda(), "8"), kind)
    assert torch.equal(quantized.cpu(), quantize(prepare(images, "8"), kind))
    assert not off_grid(prepared, kind).any()


def test_recorded_training_is_plain_training():
    device = Runtime(device="cuda").start()
    batch = recipe("paper").batch_size
    trainers = [
        Trainer(noise(batch * (WARM_UP_CALLS + 3), device), "2d", recipe("paper"), 0, "bfloat16")
        for _ in range(2)
    ]
    trainers[1].step.active = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for trainer in trainers:
            trainer.epoch()
    assert trainers[0].step.graph is not None
    recorded, plain = (torch.cat([p.flatten() for p in t.model.parameters()]) for t in trainers)
    assert torch.equal(recorded, plain)


def test_recorded_attack_is_a_plain_attack():
    device = Runtime(device="cuda").start()
    split = noise(40, device)
    model = Trainer(split, "2d", recipe("paper"), 0, "bfloat16").model.eval().requires_grad_(False)
    attack = ProjectedGradientDescent(epsilon=8.0)
    evaluator = Evaluator(model, Evaluation("noise", "2d", "2d", 40, attack))
    images = prepare(split.images, "2d")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(WARM_UP_CALLS + 2):
            attacked = evaluator.attack(images, split.labels)
    assert evaluator.attack.graph is not None
    plain = attack(evaluator.logits, images, split.labels)
    assert torch.equal(attacked, plain)
    loss = functional.cross_entropy(evaluator.logits(attacked), split.labels)
    assert loss > functional.cross_entropy(evaluator.logits(images), split.labels)
