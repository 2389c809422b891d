"""Builds pyquant._C, the ops and their CPU kernels, and pyquant._C_cuda, their CUDA kernels.

PYQUANT_CUDA=auto|1|0 decides on the CUDA kernels (default auto), PYQUANT_DEBUG=1 keeps debug
information. Both libraries use the stable ABI of torch 2.10 and of Python 3.10: they run under
every later version. The CPU kernels do not know CUDA, so the same build works with a torch that
was built without it.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from glob import glob
from pathlib import Path

from setuptools import Extension, setup

# Free-threaded Python has no limited API so far.
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")
# Code for 8.0 also runs on 8.6 and 8.9. PTX runs on its architecture and all later ones: that of
# 10.0 is for 11.0.
CUDA_ARCHITECTURES = "7.5;8.0;9.0"
CUDA_ARCHITECTURES_FROM_12_8 = ";10.0+PTX;12.0"


def cuda_toolkit() -> Path | None:
    """The root of the CUDA toolkit, searched for where torch would search. An nvcc on PATH may be a
    wrapper script outside the toolkit, so nvcc itself is asked for the root."""
    if home := os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH"):
        return Path(home)
    if shutil.which("nvcc"):
        dry_run = subprocess.run(
            ["nvcc", "--dryrun", "-x", "cu", os.devnull], capture_output=True, text=True
        )
        if top := re.search(r"^#\$ TOP=(.+)$", dry_run.stderr, re.MULTILINE):
            return Path(top.group(1)).resolve()
    usual = Path("/usr/local/cuda")
    return usual if (usual / "bin" / "nvcc").exists() else None


# torch.utils.cpp_extension reads CUDA_HOME when it is imported.
toolkit = cuda_toolkit()
if toolkit:
    os.environ["CUDA_HOME"] = str(toolkit)

try:
    import torch
except ImportError:
    sys.exit(
        "pyquant is built against the torch it will run with, and torch is not installed here.\n"
        "Run:  pip install torch 'setuptools>=77' ninja && pip install --no-build-isolation ."
    )
if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 10):
    sys.exit(f"pyquant needs torch 2.10 or newer, and torch {torch.__version__} is installed here.")
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension  # noqa: E402


def toolkit_version(toolkit: Path) -> str | None:
    if not (toolkit / "bin" / "nvcc").exists():
        return None
    nvcc = subprocess.run([toolkit / "bin" / "nvcc", "--version"], capture_output=True, text=True)
    found = re.search(r"release (\d+\.\d+)", nvcc.stdout)
    return found.group(1) if found else None


def choose_cuda() -> tuple[bool, str]:
    """Whether to build the CUDA kernels, and why. No GPU is needed to build them."""
    setting = os.environ.get("PYQUANT_CUDA", "auto")
    if setting not in ("auto", "1", "0"):
        sys.exit(f"PYQUANT_CUDA must be auto, 1 or 0, got {setting!r}")
    if setting == "0":
        return False, "PYQUANT_CUDA=0"
    version = toolkit_version(toolkit) if toolkit else None
    if torch.version.cuda is None:
        reason = "torch was built without CUDA"
    elif toolkit is None:
        reason = "no CUDA toolkit was found by CUDA_HOME, CUDA_PATH, nvcc or in /usr/local/cuda"
    elif version is None:
        reason = f"there is no nvcc in {toolkit}"
    elif version.split(".")[0] != torch.version.cuda.split(".")[0]:
        reason = f"the toolkit is CUDA {version}, torch was built with {torch.version.cuda}"
    else:
        return True, f"toolkit {version}, torch built with {torch.version.cuda}"
    if setting == "1":
        sys.exit(f"PYQUANT_CUDA=1, but {reason}")
    return False, reason


def default_architectures() -> str:
    """Every architecture from Turing on that the toolkit knows, and code for later ones."""
    version = tuple(int(part) for part in toolkit_version(toolkit).split("."))
    newest = CUDA_ARCHITECTURES_FROM_12_8 if version >= (12, 8) else ""
    return CUDA_ARCHITECTURES + newest + "+PTX"


with_cuda, reason = choose_cuda()
if with_cuda and not os.environ.get("TORCH_CUDA_ARCH_LIST"):
    os.environ["TORCH_CUDA_ARCH_LIST"] = default_architectures()
architectures = os.environ["TORCH_CUDA_ARCH_LIST"] if with_cuda else ""
print(f"pyquant: CUDA kernels {'for ' + architectures if with_cuda else 'left out'} ({reason})")

# One rounding per float operation, so that every device gives the same bits: also if the environment
# has -ffast-math in CFLAGS, which come before these.
cxx = ["-std=c++20", "-O3", "-fno-fast-math", "-ffp-contract=off", "-fvisibility=hidden",
       "-Wall", "-Wextra", "-Wno-unused-parameter",
       f"-fmacro-prefix-map={Path(__file__).parent.resolve()}/="]  # fmt: skip
# Python's own flags ask for debug information, ten times as large as the code. Names stay for
# profilers.
if not os.environ.get("PYQUANT_DEBUG"):
    cxx.append("-g0")
# The same on GPUs. --use_fast_math, perhaps in NVCC_APPEND_FLAGS, does not change what is named here.
nvcc = ["-std=c++20", "-O3", "--fmad=false", "--ftz=false", "--prec-div=true", "--threads=0",
        "-Xcompiler", "-fvisibility=hidden"]  # fmt: skip


def library(name: str, kind: Callable[..., Extension], *sources: str, **macros: str) -> Extension:
    macros["TORCH_TARGET_VERSION"] = "0x020a000000000000"  # the stable ABI of torch 2.10
    return kind(
        f"pyquant.{name}",
        sorted(file for pattern in sources for file in glob(pattern, recursive=True)),
        define_macros=sorted(macros.items()),
        extra_compile_args={"cxx": cxx, "nvcc": nvcc},
        extra_link_args=["-fno-fast-math"],  # -ffast-math would make floats flush to 0 at load
        depends=sorted(glob("csrc/**/*.*", recursive=True)),
        py_limited_api=LIMITED_API,
    )


libraries = [
    library(
        "_C",
        CppExtension,
        "csrc/*.cpp",
        "csrc/cpu/**/*.cpp",
        PYQUANT_CUDA_TOOLKIT=f'"{toolkit_version(toolkit) if with_cuda else ""}"',
        PYQUANT_CUDA_ARCHITECTURES=f'"{architectures}"',
        PYQUANT_CUDA_REASON=f'"{reason}"',
    )
]
if with_cuda:
    # USE_CUDA opens the CUDA part of torch's stable headers.
    libraries.append(
        library("_C_cuda", CUDAExtension, "csrc/cuda/**/*.cpp", "csrc/cuda/**/*.cu", USE_CUDA="1")
    )


class BuildChanged(BuildExtension):
    """Keeps the object files in one folder, so that a later build compiles what has changed. pip
    would build each time in a new one."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.build_temp = "build/objects"
        # ninja sees that a setting has changed. Without it, only files are looked at.
        self.force = self.force or not self.use_ninja


setup(
    ext_modules=libraries,
    cmdclass={"build_ext": BuildChanged},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED_API else {},
)
