"""The images of one half of a data set, as one uint8 tensor."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Split:
    """One half of a data set, all of it on one device."""

    images: Tensor
    """(N, 3, H, W) uint8, contiguous."""
    labels: Tensor
    """(N,) int64, indices into classes."""
    classes: tuple[str, ...]
    source: str
    flip: bool
    """Whether a mirrored image is still one of its class: that of a digit is not."""

    def describe(self) -> dict[str, Any]:
        """What a result says of its data: source, amount, and a digest of every value."""
        content = hashlib.sha256()
        for tensor in (self.images, self.labels):
            content.update(tensor.cpu().numpy().tobytes())
        return {
            "source": self.source,
            "images": len(self.labels),
            "size": list(self.images.shape[1:]),
            "classes": list(self.classes),
            "sha256": content.hexdigest(),
        }

    def to(self, device: torch.device) -> Split:
        """The same split on ``device``."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))
