"""Where and from what a run was made: hardware, versions, commit. Nothing that names a host,
a user or a path."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import pyquant
from benchmarks.settings import ROOT

FIELDS = {"cpu family": "family", "model": "model"}  # and their names in py-cpuinfo
PACKAGES = {
    "cpu": ("torch", "numpy", "numba", "pillow", "dithering"),
    "cuda": ("torch", "numpy", "triton"),
}


def describe(gpu: dict[str, Any] | None = None) -> dict[str, Any]:
    """Everything a reader needs to judge or repeat the figures; on a GPU with what
    CudaDevice.describe() says of it."""
    processor = _processor()
    return {
        "processor": processor,
        "device": gpu["name"] if gpu else processor["model name"],
        **({"gpu": gpu} if gpu else {}),
        "system": f"{platform.system()} {platform.machine()}",
        "transparent huge pages": _huge_pages(),
        "load average": round(os.getloadavg()[0], 2),
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in PACKAGES["cuda" if gpu else "cpu"]},
        },
        "build": pyquant.build_info(),
        "commit": _commit(),
    }


def folder_name(device: str) -> str:
    """The folder of a device's results: "AMD EPYC 9R14" gives amd_epyc, "NVIDIA H100 80GB" h100."""
    words = re.sub(r"\(\w+\)", " ", device.lower()).split()
    if words[:1] == ["nvidia"]:
        return words[1]
    return "_".join(words[:2])


def changed_sources(commit: str) -> list[str] | None:
    """The files of csrc that are not as they were in that commit; None if git cannot tell."""
    try:
        return _git("diff", "--name-only", commit, "--", "csrc").splitlines()
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> dict[str, Any]:
    try:
        from cpuinfo import get_cpu_info
    except ImportError:  # not needed to time a GPU
        get_cpu_info = dict
    found = get_cpu_info()
    return {
        "model name": found.get("brand_raw") or platform.processor() or "unknown",
        **{key: str(found[name]) for key, name in FIELDS.items() if name in found},
        "cores": os.cpu_count(),
        "caches": _caches(),
        "capability by torch": torch.backends.cpu.get_cpu_capability(),
    }


def _caches() -> dict[str, str]:
    """Of the first core, such as {"L1 data": "32K"}."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        properties = ((index / name).read_text() for name in ("level", "type", "size"))
        level, kind, size = (text.strip() for text in properties)
        found[f"L{level}" if kind == "Unified" else f"L{level} {kind.lower()}"] = size
    return found


def _huge_pages() -> str:
    """Whether large new memory comes in pages of 2 MB: always, on request (madvise) or never."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists():
        return "unknown"
    return next(word.strip("[]") for word in setting.read_text().split() if word.startswith("["))


def _commit() -> dict[str, Any]:
    try:
        # Results of an earlier run do not change what is measured.
        changes = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")
        return {"id": _git("rev-parse", "HEAD"), "dirty": bool(changes)}
    except (OSError, subprocess.CalledProcessError):
        return {"id": "unknown", "dirty": True}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
