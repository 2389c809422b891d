"""The attacks work on any network that is handed to them, or say why they do not."""

import copy

import pytest
import torch

from experiments.method.attacks import METHODS, make_attack
from experiments.training.resnet20 import seeded_model

LABELS = torch.arange(6)


@pytest.fixture
def network():
    return seeded_model(3, classes=10).eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def run(network, images, labels=LABELS, method="projected_gradient_descent"):
    return make_attack(method, epsilon=8)(network, images, labels)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_without_gradients_around_it(mode, method, network, images):
    expected = run(network, images, method=method)
    with mode():
        attacked = run(network, images.clone(), LABELS.clone(), method)
        assert not torch.is_grad_enabled()
    assert torch.equal(attacked, expected) and not attacked.requires_grad
    assert not torch.equal(attacked, images)


def test_a_module_in_training_mode_is_refused(network, images):
    for part in (network, network.norm):
        part.train()
        with pytest.raises(ValueError, match=r"ResNet20 in training mode.*call network.eval\(\)"):
            run(network, images)
        network.eval()


def test_a_network_stays_as_it_is(network, images):
    before = copy.deepcopy(network.state_dict())
    attacked = run(network, images)
    assert torch.equal(run(lambda images: network(images), images), attacked)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_gradients_that_cannot_be_written_in_place(images):
    # The gradient of a mean is one number, expanded.
    def network(images):
        total = images.mean((1, 2, 3))
        return torch.stack([total, torch.zeros_like(total)], 1)

    attacked = run(network, images, torch.zeros(6, dtype=torch.int64))
    expected = (images - 8 / 255).clamp(0, 1)
    torch.testing.assert_close(attacked, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("values", [(-0.1, 0.5), (0.5, 1.5), (0.0, float("nan"))])
def test_images_outside_their_range_are_refused(values, network, images):
    images = images.clone()
    images[0, 0, 0, :2] = torch.tensor(values)
    with pytest.raises(ValueError, match="images has values from .*; accepted are 0 to 1"):
        run(network, images)


def test_arguments_that_do_not_fit_are_refused(network, images):
    with pytest.raises(TypeError, match=r"images has dtype torch.uint8; .* images / 255"):
        run(network, torch.zeros(6, 3, 16, 16, dtype=torch.uint8))
    with pytest.raises(TypeError, match="labels has dtype torch.uint8; accepted is torch.int64"):
        run(network, images, LABELS.byte())
    with pytest.raises(ValueError, match=r"labels has shape \(5,\), images \(6, 3, 16, 16\)"):
        run(network, images, LABELS[:5])
    with pytest.raises(ValueError, match="labels holds -1; accepted are whole numbers from 0"):
        run(network, images, LABELS - 1)


def test_networks_that_cannot_be_attacked_are_refused(network, images):
    without = "network gives logits without a gradient to images"
    with pytest.raises(ValueError, match=without):
        run(torch.no_grad()(network), images)
    with pytest.raises(ValueError, match=without):
        run(lambda images: network(images.detach()), images)
    with pytest.raises(ValueError, match=r"network gives shape \(6,\) for 6 images"):
        run(lambda images: images.sum((1, 2, 3)), images)
    with pytest.raises(ValueError, match="network gives NaN"):
        run(lambda images: network(images) * float("nan"), images)


def test_no_images_and_other_dtypes(network, images):
    assert run(network, images[:0], LABELS[:0]).shape == (0, 3, 16, 16)
    attacked = run(network.double(), images.double())
    assert attacked.dtype == torch.float64
    assert 0 < (attacked - images).abs().max() <= 8 / 255 + 1e-12
