"""How other libraries' images become tensors, for the error that refuses them."""

import sys
from typing import Any

_CHANNELS = (1, 3, 4)


def conversion_hint(image: object) -> str | None:
    """Python code that makes a tensor of `image`, for numpy arrays and PIL images."""
    numpy, pil = sys.modules.get("numpy"), sys.modules.get("PIL.Image")
    if numpy and isinstance(image, numpy.ndarray):
        return f"torch.from_numpy({_accepted_array(image)}){_channels_first(image.shape)}"
    if pil and isinstance(image, pil.Image):
        return _conversion_of_pil(image)
    return None


def pil_conversion_hint(image: Any) -> str:
    """Python code that makes a PIL image of 8 bits with the same alpha, or a tensor where 8 bits are
    too few."""
    colours = _colours_of(image.mode)
    if colours is None:
        return _conversion_of_pil(image)
    return f"image.convert('{colours}{'A' if _is_transparent(image) else ''}')"


def _accepted_array(array: Any) -> str:
    """torch has no arrays with negative strides or foreign byte order, pyquant no 16-bit integers."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "u" and size == 2:
        return "image.astype('float32') / 65535"
    if kind == "b" or (kind == "f" and (size > 8 or not array.dtype.isnative)):
        return "image.astype('float32')"
    return "image.copy()" if any(stride < 0 for stride in array.strides) else "image"


def _channels_first(shape: tuple[int, ...]) -> str:
    """In numpy, colours are usually the last dimension."""
    is_last = len(shape) >= 3 and shape[-1] in _CHANNELS and shape[-3] not in _CHANNELS
    return ".movedim(-1, -3)" if is_last else ""


def _conversion_of_pil(image: Any) -> str:
    colours = _colours_of(image.mode)
    if image.mode == "F":
        return "torch.from_numpy(numpy.array(image))  # if 1.0 is white"
    if colours is None:
        array = "numpy.array(image).astype('float32') / 65535"
        return f"torch.from_numpy({array})  # if 65535 is white"
    converted = "image" if image.mode == colours else f"image.convert('{colours}')"
    channels_first = ".movedim(-1, -3)" if colours == "RGB" else ""
    alpha = "  # leaves out the alpha" if _is_transparent(image) else ""
    return f"torch.from_numpy(numpy.array({converted})){channels_first}{alpha}"


def _colours_of(mode: str) -> str | None:
    """The mode of PIL, of 8 bits and without alpha, for images of `mode`. For modes F, I and I;16,
    which convert() would cut off at 255, there is none."""
    if mode.startswith(("F", "I")):
        return None
    return "L" if mode in ("1", "L", "LA") else "RGB"


def _is_transparent(image: Any) -> bool:
    """The palette of a PNG has its alpha in `info`."""
    return image.getbands()[-1] in ("A", "a") or "transparency" in image.info
