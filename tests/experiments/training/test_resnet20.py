"""The network has the size of the paper's."""

import torch

from experiments.training.resnet20 import for_evaluation, seeded_model


def test_network_is_that_of_the_paper():
    model = seeded_model(0, 10)
    assert sum(p.numel() for p in model.parameters()) == 269_722
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 19
    # 40.8 million multiplications for a 32x32 image: counted from the shapes of a real pass.
    counted = []
    for convolution in convolutions:
        convolution.register_forward_hook(
            lambda m, _, out: counted.append(out[0, 0].numel() * m.weight.numel())
        )
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 10)
    assert round(sum(counted) / 1e6, 1) == 40.6  # and 640 in the linear layer
    other = seeded_model(0, 10)
    assert all(map(torch.equal, model.parameters(), other.parameters()))


def test_the_network_of_an_evaluation_is_the_trained_one():
    model = seeded_model(0, 10).double()
    for _ in range(3):
        model(torch.rand(8, 3, 16, 16, dtype=torch.float64))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded = for_evaluation(model)
    images = torch.rand(8, 3, 16, 16, dtype=torch.float64)
    # The same function, rounded otherwise.
    torch.testing.assert_close(folded(images), model.eval()(images), rtol=1e-12, atol=1e-12)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert not folded.training and not any(p.requires_grad for p in folded.parameters())
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
