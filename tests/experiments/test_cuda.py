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
from experiments.support.provenance import provenance
from experiments.support.runtime import Runtime
from experiments.timing.noise import noise
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer, take_steps
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


def weights(trainer):
    return torch.cat([value.flatten().float() for value in trainer.model.state_dict().values()])


def test_recorded_training_is_plain_training():
    """The whole step with its random numbers, on whole batches and on the smaller last one."""
    device = Runtime(device="cuda").start()
    batch = recipe("paper").batch_size
    split = noise(batch * 2 + 40, device)
    trainers = [Trainer(split, "2d", recipe("paper"), 0, "bfloat16") for _ in range(2)]
    trainers[1].recorded_step.active = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for trainer in trainers:
            for _ in range(WARM_UP_CALLS + 2):
                trainer.epoch()
    assert len(trainers[0].recorded_step.recordings) == 2
    assert not trainers[1].recorded_step.recordings
    assert torch.equal(*map(weights, trainers))
    assert trainers[0].history == trainers[1].history


def test_networks_side_by_side_have_the_bits_of_each_alone():
    device = Runtime(device="cuda").start()
    split = noise(recipe("paper").batch_size * 3 + 40, device)

    def trainers():
        return [Trainer(split, kind, recipe("paper"), 0, "bfloat16") for kind in ("1", "2d", "8")]

    together, alone = trainers(), trainers()
    for _ in range(WARM_UP_CALLS + 2):
        take_steps(together, lambda: None)
        for trainer in together:
            trainer.end_epoch()
    for trainer, other in zip(alone, together, strict=True):
        for _ in range(WARM_UP_CALLS + 2):
            trainer.epoch()
        assert torch.equal(weights(trainer), weights(other))
        assert trainer.history == other.history


@pytest.mark.parametrize("choice", ["deterministic", "benchmark"])
def test_results_say_how_convolutions_were_chosen(choice):
    device = Runtime(device="cuda", cudnn=choice).start()
    assert provenance(device)["machine"]["cudnn"] == choice
    Runtime(device="cuda").start()


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
    assert evaluator.attack.recordings
    plain = attack(evaluator.logits, images, split.labels)
    assert torch.equal(attacked, plain)
    loss = functional.cross_entropy(evaluator.logits(attacked), split.labels)
    assert loss > functional.cross_entropy(evaluator.logits(images), split.labels)
