"""The network has the size of the paper's."""

import torch

from experiments.training.resnet20 import seeded_model


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
