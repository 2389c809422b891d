"""Executes the CUDA kernels on the CPU. See README.md; the tests are in tests/csrc/cuda."""

import hashlib
import importlib.util
import mmap
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build" / "cuda_harness"
FLAGS = ["-std=c++20", "-ffp-contract=off", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra",
         "-Wno-unknown-pragmas", f"-I{ROOT / 'csrc'}", f"-I{HERE}",
         "-include", str(HERE / "intrinsics.h")]  # fmt: skip


def _compiled(name: str, source: str, *flags: str) -> Path:
    """The program, compiled unless it exists already for the same sources."""
    files = [*HERE.glob("*.h"), HERE / source, *(ROOT / "csrc").glob("*.h")]
    files += [file for file in (ROOT / "csrc" / "cuda").rglob("*") if file.suffix in (".h", ".cuh")]
    content = hashlib.sha256(repr((FLAGS, flags, sys.version)).encode())
    for file in sorted(files):
        content.update(file.read_bytes())
    target = BUILD / f"{content.hexdigest()[:16]}" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        subprocess.run(["g++", *FLAGS, *flags, str(HERE / source), "-o", str(partial)], check=True)
        partial.rename(target)
    return target


@cache
def fibres():
    """The module of the fibre engine."""
    import pybind11

    includes = [f"-isystem{pybind11.get_include()}", f"-isystem{sysconfig.get_path('include')}"]
    path = _compiled("cuda_harness.so", "module.cpp", "-O1", "-shared", "-fPIC",
                     "-fvisibility=hidden", "-fsanitize=signed-integer-overflow",
                     "-fsanitize-undefined-trap-on-error", *includes)  # fmt: skip
    specification = importlib.util.spec_from_file_location("cuda_harness", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@cache
def threads() -> Path:
    """The program of the thread engine, under ThreadSanitizer."""
    return _compiled("threads", "threads_main.cpp", "-O1", "-g", "-fsanitize=thread", "-pthread")


def aligned(shape: tuple[int, ...], dtype: np.dtype, offset: int = 0) -> np.ndarray:
    """An array of poison that begins `offset` samples after a multiple of 128 bytes."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    storage = np.full(count + 256 + offset * dtype.itemsize, 0xA5, np.uint8)
    begin = -storage.ctypes.data % 128 + offset * dtype.itemsize
    return storage[begin : begin + count].view(dtype).reshape(shape)


def sparse(shape: tuple[int, ...], dtype: np.dtype, strides: tuple[int, ...]) -> np.ndarray:
    """Zeros with strides in samples; only the pages that are touched take memory."""
    dtype = np.dtype(dtype)
    samples = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    no_reserve = 0x4000  # of Linux; Python has a name for it from 3.13 on
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    storage = np.frombuffer(mmap.mmap(-1, samples * dtype.itemsize, flags=flags), dtype)
    return np.lib.stride_tricks.as_strided(
        storage, shape, [stride * dtype.itemsize for stride in strides]
    )


def execute(op: str, image, bits: int, mode: str, *, result=None, in_place: bool = False,
            seed: int = 0, resident_blocks: int = 4, multiprocessors: int = 4,
            last_blocks: int = 0, bug: str = ""):  # fmt: skip
    """The result of `op` on a CPU tensor as the CUDA kernels compute it, and the counts. Without
    an array for the result it has the memory format that torch would give it. `in_place` replaces
    the image. With `last_blocks` only so many are executed, the last ones of the last launch."""
    import torch

    name = str(image.dtype).removeprefix("torch.")
    samples = (image.view(torch.int16) if name == "bfloat16" else image).numpy()
    if in_place:
        result = samples
    if result is None:
        like = torch.empty_like(image)
        result = np.lib.stride_tricks.as_strided(
            aligned((image.numel(),), samples.dtype), image.shape,
            [stride * samples.itemsize for stride in like.stride()],
        )  # fmt: skip
    options = [seed, resident_blocks, last_blocks]
    if op == "floyd_steinberg":  # the launch depends on the device
        options.insert(2, multiprocessors)
    module = fibres()
    module.plant(bug)
    try:
        counts = getattr(module, op)(samples, result, name, bits, mode, *options)
    finally:
        module.plant("")
    values = torch.from_numpy(result)
    return (values.view(torch.bfloat16) if name == "bfloat16" else values), counts
