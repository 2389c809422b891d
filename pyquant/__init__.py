"""Floyd-Steinberg dithering and linear quantization of image batches for PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

from pyquant import command_line, source_folder  # noqa: F401  # source_folder first, for its error

# isort: split
from pyquant.version import __version__

# The command answers --help at once: in its process, what needs torch is imported when it is used.
if TYPE_CHECKING or not command_line.is_this_process():
    from pyquant import nn
    from pyquant.certificate import certified_radius
    from pyquant.codes import from_codes, to_codes
    from pyquant.information import build_info
    from pyquant.ops import floyd_steinberg, levels, linear_quantize

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

if TYPE_CHECKING:
    from pyquant import onnx as onnx
    from pyquant import transforms as transforms
else:

    def __getattr__(name: str) -> object:
        """Modules that need other libraries, and in the command's process all names, are imported
        when they are used."""
        if name in ("nn", "onnx", "transforms"):
            return import_module(f"pyquant.{name}")
        if name in __all__:
            for module in ("certificate", "codes", "information", "ops"):
                found = vars(import_module(f"pyquant.{module}"))
                if name in found:
                    return found[name]
        raise AttributeError(f"module 'pyquant' has no attribute {name!r}")
