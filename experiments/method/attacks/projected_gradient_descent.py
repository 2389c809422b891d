"""PGD (Madry et al. 2018): steps along the sign of the gradient, projected into the ball."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from experiments.method.attacks.attack import Attack, Network


@dataclass(frozen=True)
class ProjectedGradientDescent(Attack):
    """PGD in the maximum norm, from the image itself, untargeted, on the cross-entropy.

    The loss is summed over the batch, so that the gradient of one image does not depend on how many
    others there are; only its sign is used. A test holds the images against those of foolbox, bit
    for bit.
    """

    steps: int = 20
    """Number of steps, at least 1."""
    step: float = None  # type: ignore[assignment]  # a number after __post_init__
    """How far a value moves in one step, in 1/255. Default up to epsilon 32: the paper's 2, which
    reaches 40 in 20 steps. Default beyond: 2.5 epsilon / steps, the rule of Madry et al., which
    reaches every point of the ball."""

    capturable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps!r}; accepted are whole numbers from 1")
        if self.step is None:
            default = 2.0 if self.epsilon <= 32 else 2.5 * self.epsilon / self.steps
            object.__setattr__(self, "step", default)
        if not 0 <= self.step <= 255:
            raise ValueError(f"step is {self.step!r}; accepted are numbers from 0 to 255")

    @property
    def gradients(self) -> int:
        return self.steps

    def attack(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        epsilon, step = self.epsilon / 255, self.step / 255
        attacked = images
        for _ in range(self.steps):
            attacked = attacked.detach().requires_grad_()
            gradient = _gradient(network, attacked, labels)
            with torch.no_grad():
                # torch's sign of NaN is 0, and the attack would stand still in silence.
                direction = torch.where(gradient.isnan(), gradient, gradient.sign())
                moved = torch.add(attacked, direction, alpha=step)
                # Into the ball, then into [0, 1]. The paper's code does it in the other order; the
                # result is the same while epsilon < 255/2, and in this order it never leaves [0, 1]
                # by a rounding error.
                attacked = images.add(moved.sub_(images).clamp_(-epsilon, epsilon)).clamp_(0, 1)
        return attacked


def _gradient(network: Network, images: Tensor, labels: Tensor) -> Tensor:
    """Of the cross-entropy, summed over the batch; it need not be writable in place."""
    logits = network(images)
    if logits.dim() != 2 or len(logits) != len(images):
        raise ValueError(
            f"network gives shape {tuple(logits.shape)} for {len(images)} images; accepted is "
            "(N, classes)"
        )
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    gradient = None
    if loss.requires_grad:
        (gradient,) = torch.autograd.grad(loss, images, allow_unused=True)
    if gradient is None:
        raise ValueError(
            "network gives logits without a gradient to images; accepted is a network that torch "
            "can differentiate (none inside torch.no_grad, none that rounds or detaches)"
        )
    return gradient
