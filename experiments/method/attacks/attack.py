"""What every attack method is: settings, and a call that changes images so that a network errs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

#: (N, C, H, W) float images in [0, 1] to (N, classes) float logits.
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

    @property
    def gradients(self) -> int:
        """How many gradients a call computes for each image, for estimates of its time."""
        return 1

    def __call__(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        """Attacks every image of a batch.

        It works inside ``torch.no_grad`` and ``torch.inference_mode``, too. No parameter gets a
        gradient.

        Args:
            network: what is attacked: a module in evaluation mode, or a function, which uses modules
                in evaluation mode alone. It is faster if no parameter requires a gradient.
            images: (N, C, H, W) float in [0, 1].
            labels: (N,) int64, the true classes.

        Returns:
            (N, C, H, W) of the dtype of ``images``, in [0, 1], detached; no value is further than
            epsilon/255 from that of ``images``. Not rounded to 8 bits, as in the paper.

        Raises:
            TypeError: images or labels have another dtype.
            ValueError: images or labels have another shape or other values, a part of the network is
                in training mode, or the network gives no gradient.
        """
        _check_shapes(images, labels)
        _check_mode(network)
        # A recording for a CUDA graph cannot wait for values; its plain calls have looked at them.
        recording = images.is_cuda and torch.cuda.is_current_stream_capturing()
        if not recording:
            _check_values(images, labels)
        if not len(images):
            return images.detach().clone()
        with torch.inference_mode(False), torch.enable_grad():
            # What was made in inference mode cannot take part in a gradient, its copy can.
            copies = (
                given.clone() if given.is_inference() else given.detach()
                for given in (images, labels)
            )
            attacked = self.attack(network, *copies)
        if not recording and attacked.isnan().any():
            raise ValueError("network gives NaN, as logits or as their gradient")
        return attacked.detach()

    @abstractmethod
    def attack(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        """The attacked images. The arguments have been checked, and gradients are enabled."""


def _check_shapes(images: Tensor, labels: Tensor) -> None:
    if not images.is_floating_point():
        raise TypeError(
            f"images has dtype {images.dtype}; accepted are floats in [0, 1], such as images / 255"
        )
    if labels.dtype != torch.int64:
        raise TypeError(f"labels has dtype {labels.dtype}; accepted is torch.int64")
    if images.dim() < 1 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)}, images {tuple(images.shape)}; accepted are "
            "(N,) and (N, C, H, W)"
        )


def _check_mode(network: Network) -> None:
    """Training mode would let images depend on each other, and change the running statistics."""
    if isinstance(network, nn.Module) and any(part.training for part in network.modules()):
        raise ValueError(
            f"network is a {type(network).__name__} in training mode, at least in part; accepted is "
            "evaluation mode: call network.eval() before"
        )


def _check_values(images: Tensor, labels: Tensor) -> None:
    if not images.numel():
        return
    least, most = (float(value) for value in images.detach().aminmax())
    if not (least >= 0 and most <= 1):
        raise ValueError(f"images has values from {least:g} to {most:g}; accepted are 0 to 1")
    if labels.min() < 0:
        raise ValueError(f"labels holds {int(labels.min())}; accepted are whole numbers from 0")
