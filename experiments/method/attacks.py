"""Attacks on the bare network, bounded in the maximum norm: FGSM, BIM and PGD without random start.

They are one loop. A test holds their images against those of foolbox, bit for bit.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Network = Callable[[Tensor], Tensor]


def projected_gradient_descent(
    network: Network, images: Tensor, labels: Tensor, *, epsilon: float, step: float, steps: int
) -> Tensor:
    """PGD (Madry et al. 2018) from the image itself, untargeted, on the cross-entropy.

    The loss is summed over the batch, so that the gradient of one image does not depend on how many
    others there are; only its sign is used. The result is not rounded to 8 bits, as in the paper.

    Args:
        network: images to (N, classes) float32 logits. Its parameters should not require
            gradients: only the gradient of the images is used.
        images: (N, C, H, W) float32 in [0, 1].
        labels: (N,) int64, the true classes.
        epsilon: largest change of a value, in [0, 1].
        step: how far a value moves in one step, in [0, 1].
        steps: number of steps, at least 1.

    Returns:
        (N, C, H, W) float32 in [0, 1], detached.
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon!r}; accepted are numbers from 0 to 1")
    if not 0 <= step <= 1:
        raise ValueError(f"step is {step!r}; accepted are numbers from 0 to 1")
    if steps < 1:
        raise ValueError(f"steps is {steps!r}; accepted are whole numbers from 1")
    images = images.detach()
    attacked = images
    for _ in range(steps):
        attacked = attacked.detach().requires_grad_()
        loss = functional.cross_entropy(network(attacked), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, attacked)
        with torch.no_grad():
            moved = torch.add(attacked, gradient.sign_(), alpha=step)
            # Into the ball, then into [0, 1]. The paper's code does it in the other order; the
            # result is the same while epsilon < 1/2, and in this order it never leaves [0, 1] by a
            # rounding error.
            attacked = images.add(moved.sub_(images).clamp_(-epsilon, epsilon)).clamp_(0, 1)
    return attacked.detach()


def fast_gradient_sign(
    network: Network, images: Tensor, labels: Tensor, *, epsilon: float
) -> Tensor:
    """FGSM (Goodfellow et al. 2015): one step of the full size. Shapes and ranges as in PGD."""
    return projected_gradient_descent(
        network, images, labels, epsilon=epsilon, step=epsilon, steps=1
    )


def basic_iterative(
    network: Network, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 10
) -> Tensor:
    """BIM (Kurakin et al. 2017) with steps of a fifth of epsilon. Shapes and ranges as in PGD."""
    return projected_gradient_descent(
        network, images, labels, epsilon=epsilon, step=epsilon / 5, steps=steps
    )
