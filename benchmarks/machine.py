"""Where and from what a run was made: hardware, versions, commit. Nothing that names a host,
a user or a path."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

import pyquant
from benchmarks.settings import ROOT


def describe(device: str) -> dict:
    """Everything a reader needs to judge or repeat the figures."""
    processor = _processor()
    return {
        "processor": processor,
        "device": torch.cuda.get_device_name() if device == "cuda" else processor["model name"],
        "system": f"{platform.system()} {platform.machine()}",
        "transparent huge pages": _huge_pages(),
        "load average": round(os.getloadavg()[0], 2),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "numba", "pillow", "dithering")},
        },
        "build": pyquant.build_info(),
        "commit": _commit(),
    }


def _processor() -> dict:
    fields = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().split("\n\n")[0].splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        found = {key.strip(): value.strip() for key, value in found.items()}
        wanted = ("model name", "cpu family", "model")
        fields = {key: found[key] for key in wanted if key in found}
    return {
        **(fields or {"model name": platform.processor() or "unknown"}),
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


def _commit() -> dict:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # Results of an earlier run may lie around; they do not change what is measured.
        changes = git("status", "--porcelain", "--", ".", ":!benchmarks/results")
        return {"id": git("rev-parse", "HEAD"), "dirty": bool(changes)}
    except (OSError, subprocess.CalledProcessError):
        return {"id": "unknown", "dirty": True}
