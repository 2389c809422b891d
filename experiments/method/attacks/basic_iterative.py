"""BIM (Kurakin et al. 2017): steps whose size is a fifth of epsilon."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from experiments.method.attacks.attack import Attack, Network
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent


@dataclass(frozen=True)
class BasicIterative(Attack):
    """PGD with steps of epsilon / 5."""

    steps: int = 10
    """Number of steps, at least 1."""

    capturable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._descent()

    def _descent(self) -> ProjectedGradientDescent:
        return ProjectedGradientDescent(self.epsilon, self.steps, step=self.epsilon / 5)

    @property
    def gradients(self) -> int:
        return self.steps

    def attack(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        return self._descent().attack(network, images, labels)
