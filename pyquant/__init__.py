"""Floyd-Steinberg dithering and linear quantization of image batches for PyTorch."""

from pyquant import source_folder  # noqa: F401  # the first, for its error

# isort: split
from pyquant import nn
from pyquant.certificate import certified_radius
from pyquant.codes import from_codes, to_codes
from pyquant.information import build_info
from pyquant.ops import floyd_steinberg, levels, linear_quantize
from pyquant.version import __version__

__all__ = [
    "__version__",
    "build_info",
    "certified_radius",
    "floyd_steinberg",
    "from_codes",
    "levels",
    "linear_quantize",
    "nn",
    "to_codes",
]
