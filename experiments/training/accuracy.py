"""Accuracy of a network on clean images."""

import torch
from torch import Tensor

from experiments.method.quantization import prepare
from experiments.support.data_sets import Split
from experiments.support.networks import logits_of
from experiments.support.runtime import Precision
from experiments.training.resnet20 import ResNet20


@torch.no_grad()
def predictions(
    model: ResNet20, images: Tensor, kind: str, precision: Precision, batch_size: int = 500
) -> Tensor:
    """Classes, (N,) int64, of (N, 3, H, W) uint8 images as ``kind``; model in evaluation mode."""
    logits = logits_of(model, precision)
    return torch.cat([logits(prepare(batch, kind)).argmax(1) for batch in images.split(batch_size)])


def accuracy(model: ResNet20, split: Split, kind: str, precision: Precision) -> float:
    """Accuracy, 0 to 1, of the model on the images of ``split``, prepared as ``kind``."""
    model.eval()
    return float(
        (predictions(model, split.images, kind, precision) == split.labels).double().mean()
    )
