"""How other libraries' images become tensors, for the error that refuses them."""

import sys

_CHANNELS = (1, 3, 4)


def conversion_hint(image: object) -> str | None:
    """Python code that makes a tensor of `image`, for numpy arrays and PIL images."""
    numpy, pil = sys.modules.get("numpy"), sys.modules.get("PIL.Image")
    if numpy and isinstance(image, numpy.ndarray):
        return "torch.from_numpy(image)" + _channels_first(image.shape)
    if pil and isinstance(image, pil.Image):
        converted = "image" if image.mode in ("L", "RGB") else "image.convert('RGB')"
        channels_first = "" if image.mode == "L" else ".movedim(-1, -3)"
        return f"torch.from_numpy(numpy.array({converted})){channels_first}"
    return None


def _channels_first(shape: tuple[int, ...]) -> str:
    """In numpy, colours are usually the last dimension."""
    is_last = len(shape) >= 3 and shape[-1] in _CHANNELS and shape[-3] not in _CHANNELS
    return ".movedim(-1, -3)" if is_last else ""
