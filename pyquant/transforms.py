"""The ops as transforms of torchvision (v2), for data sets.

>>> import torch
>>> from torchvision.transforms import v2
>>> from pyquant import transforms
>>> transform = v2.Compose(
...     [
...         v2.RandomHorizontalFlip(),
...         transforms.RandomLinearQuantize(bits=(4, 7), p=0.2),  # an augmentation
...         transforms.FloydSteinberg(bits=2),
...     ]
... )
>>> transform(torch.rand(3, 32, 32)).unique()
tensor([0.0000, 0.3333, 0.6667, 1.0000])

Images are PIL images (of mode L, LA, RGB or RGBA, whose alpha is kept), `tv_tensors.Image`,
`tv_tensors.Video` and, as in torchvision, the first plain tensor of a sample that has none of these.
(If that is the label, wrap the image: `tv_tensors.Image(image)`.) Each comes back as what it was.
Masks, boxes, labels and everything else are left as they are; a sample without any image is refused.

Tensors are `(..., height, width)` of any dtype that `pyquant.floyd_steinberg` accepts. In a data
pipeline, transforms run on uint8 images before `v2.ToDtype(torch.float32, scale=True)`, or on float32
images after it. `v2.Normalize` comes last, since the ops clamp to [0, 1].
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pyquant.arguments import checked_bits, checked_choice
from pyquant.conversion import conversion_hint, pil_conversion_hint
from pyquant.modes import ROUNDINGS, VARIANTS
from pyquant.ops import floyd_steinberg, linear_quantize

try:
    import PIL.Image
    from torchvision import tv_tensors
    from torchvision.transforms import v2
except ImportError as error:
    raise ImportError(
        f"pyquant.transforms needs torchvision: pip install torchvision ({error})"
    ) from error

__all__ = ["FloydSteinberg", "LinearQuantize", "RandomFloydSteinberg", "RandomLinearQuantize"]

#: The modes of PIL images that are accepted, and what is left of each without transparency.
_COLOURS_OF = {"L": "L", "LA": "L", "RGB": "RGB", "RGBA": "RGB"}


class _ImageTransform(v2.Transform):
    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """A sample of arrays, for example, would otherwise stay as it is, unnoticed."""
        if not any(map(_is_image, flat_inputs)):
            names = ", ".join(type(found).__name__ for found in flat_inputs)
            hints = [f"; use {hint}" for found in flat_inputs if (hint := conversion_hint(found))]
            raise TypeError(
                "the sample must have an image (a PIL image, tv_tensors.Image, tv_tensors.Video or a "
                f"plain tensor), got {names}{''.join(hints[:1])}"
            )


class FloydSteinberg(_ImageTransform):
    """Dithers images to `bits` bits, as `pyquant.floyd_steinberg` does.

    Args:
        bits: bits per sample, 1 to 8.
        variant: "textbook" or "published".

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant`; when it is called, for a PIL
            image of another mode.
        TypeError: when it is called, for a tensor of another dtype or a sample without an image.
    """

    def __init__(self, bits: int, *, variant: str = "textbook") -> None:
        super().__init__()
        self.bits = checked_bits(bits)
        self.variant = checked_choice("variant", variant, VARIANTS)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return _apply(floyd_steinberg, inpt, self.bits, variant=self.variant)


class LinearQuantize(_ImageTransform):
    """Snaps the values of images to 2**bits levels, as `pyquant.linear_quantize` does.

    Args:
        bits: bits per sample, 1 to 8.
        rounding: "nearest" or "floor".

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `rounding`; when it is called, for a PIL
            image of another mode.
        TypeError: when it is called, for a tensor of another dtype or a sample without an image.
    """

    def __init__(self, bits: int, *, rounding: str = "nearest") -> None:
        super().__init__()
        self.bits = checked_bits(bits)
        self.rounding = checked_choice("rounding", rounding, ROUNDINGS)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return _apply(linear_quantize, inpt, self.bits, rounding=self.rounding)


class _RandomBits(_ImageTransform):
    """Draws once for a sample: whether it is changed, and to how many bits."""

    def __init__(self, bits: int | tuple[int, int], p: float) -> None:
        super().__init__()
        self.bits = _checked_range(bits)
        if not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"p must be a number from 0 to 1, got {p!r}")
        self.p = p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        is_applied = torch.rand(()).item() < self.p
        low, high = self.bits
        return {"bits": int(torch.randint(low, high + 1, ())) if is_applied else None}


class RandomFloydSteinberg(_RandomBits):
    """Dithers the images of a sample with probability `p`, to random bits.

    Args:
        bits: bits per sample, 1 to 8; or the smallest and the largest number of bits, between
            which it is drawn uniformly.
        p: the probability that a sample is dithered.
        variant: "textbook" or "published".

    Raises:
        ValueError: for `bits` outside 1..8, `p` outside [0, 1] or an unknown `variant`; when it is
            called, for a PIL image of another mode.
        TypeError: when it is called, for a tensor of another dtype or a sample without an image.
    """

    def __init__(
        self, bits: int | tuple[int, int] = (1, 4), p: float = 0.5, *, variant: str = "textbook"
    ) -> None:
        super().__init__(bits, p)
        self.variant = checked_choice("variant", variant, VARIANTS)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return _apply(floyd_steinberg, inpt, params["bits"], variant=self.variant)


class RandomLinearQuantize(_RandomBits):
    """Quantizes the images of a sample with probability `p`, to random bits.

    `v2.RandomPosterize` does nearly this. It clears the lower bits, so that white becomes darker.

    Args:
        bits: bits per sample, 1 to 8; or the smallest and the largest number of bits, between
            which it is drawn uniformly.
        p: the probability that a sample is quantized.
        rounding: "nearest" or "floor".

    Raises:
        ValueError: for `bits` outside 1..8, `p` outside [0, 1] or an unknown `rounding`; when it is
            called, for a PIL image of another mode.
        TypeError: when it is called, for a tensor of another dtype or a sample without an image.
    """

    def __init__(
        self, bits: int | tuple[int, int] = (1, 4), p: float = 0.5, *, rounding: str = "nearest"
    ) -> None:
        super().__init__(bits, p)
        self.rounding = checked_choice("rounding", rounding, ROUNDINGS)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return _apply(linear_quantize, inpt, params["bits"], rounding=self.rounding)


def _checked_range(bits: object) -> tuple[int, int]:
    if not isinstance(bits, (tuple, list)):
        return (checked_bits(bits),) * 2
    if len(bits) != 2 or checked_bits(bits[0]) > checked_bits(bits[1]):
        raise ValueError(f"bits must be an integer or two, the smaller one first, got {bits!r}")
    return checked_bits(bits[0]), checked_bits(bits[1])


def _is_image(inpt: Any) -> bool:
    """Masks and boxes are tensors that are no images."""
    if isinstance(inpt, tv_tensors.TVTensor):
        return isinstance(inpt, (tv_tensors.Image, tv_tensors.Video))
    return isinstance(inpt, (Tensor, PIL.Image.Image))


def _apply(op: Callable[..., Tensor], inpt: Any, bits: int | None, **mode: str) -> Any:
    """`inpt` as it was, if it is no image or `bits` is None."""
    if bits is None or not _is_image(inpt):
        return inpt
    if isinstance(inpt, PIL.Image.Image):
        return _apply_to_pil(op, inpt, bits, **mode)
    if isinstance(inpt, tv_tensors.TVTensor):
        return tv_tensors.wrap(op(inpt.as_subclass(Tensor), bits, **mode), like=inpt)
    try:
        return op(inpt, bits, **mode)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{error}; the first plain tensor of a sample counts as its image: if another one is the "
            "image, wrap that in tv_tensors.Image"
        ) from None


def _apply_to_pil(op: Callable[..., Tensor], image: Any, bits: int, **mode: str) -> Any:
    if image.mode not in _COLOURS_OF:
        raise ValueError(
            f"image must have mode {', '.join(_COLOURS_OF)}, got {image.mode}; "
            f"convert it with {pil_conversion_hint(image)}"
        )
    colours = v2.functional.pil_to_tensor(image.convert(_COLOURS_OF[image.mode]))
    result = v2.functional.to_pil_image(op(colours, bits, **mode))
    if "A" in image.getbands():
        result.putalpha(image.getchannel("A"))
    result.info = image.info.copy()
    return result
