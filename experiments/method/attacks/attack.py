"""What every attack method is: settings, and a call that changes images so that a network errs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

#: (N, C, H, W) float32 images in [0, 1] to (N, classes) float32 logits.
Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attack(ABC):
    """An attack method with its settings; sizes of changes are in 1/255, as the paper gives them.

    The attacked images are a function of the settings, the network, the images and the labels: a
    method that draws random numbers has a ``seed`` among its settings.
    """

    epsilon: float
    """Largest change of a value, in 1/255: 0 to 255."""

    #: Whether a CUDA graph can record a call: the same kernels run whatever the images are, and
    #: nothing waits for the host.
    capturable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 255:
            raise ValueError(f"epsilon is {self.epsilon!r}; accepted are numbers from 0 to 255")

    @property
    def method(self) -> str:
        """The name of the method: that of its file."""
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def __call__(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        """Attacks every image of a batch.

        Args:
            network: what is attacked. Its parameters should not require gradients: only the
                gradient of the images is used, if any.
            images: (N, C, H, W) float32 in [0, 1].
            labels: (N,) int64, the true classes.

        Returns:
            (N, C, H, W) float32 in [0, 1], detached; no value is further than epsilon/255 from that
            of ``images``. Not rounded to 8 bits, as in the paper.
        """
