"""FGSM (Goodfellow et al. 2015): one step along the sign of the gradient."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from experiments.method.attacks.attack import Attack, Network
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent


@dataclass(frozen=True)
class FastGradientSign(Attack):
    """PGD of a single step, whose size is epsilon."""

    capturable: ClassVar[bool] = True

    def attack(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        descent = ProjectedGradientDescent(self.epsilon, steps=1, step=self.epsilon)
        return descent.attack(network, images, labels)
