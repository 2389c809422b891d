"""What is stored with every result, so that it can be made again: commit, versions, processor."""

import platform
import subprocess
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cpuinfo
import numpy
import torch

import pyquant
from experiments.support.networks import networks_are_compiled


def provenance(device: torch.device) -> dict[str, Any]:
    """Commit, versions and machine of this process. No names of users, hosts or directories."""
    machine = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "processor": _processor(),
        "threads": torch.get_num_threads(),
    }
    if networks_are_compiled():
        machine["networks"] = "compiled"
    if device.type == "cuda":
        machine["cudnn"] = "benchmark" if torch.backends.cudnn.benchmark else "deterministic"
    return {
        "commit": _commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            "pyquant": pyquant.__version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "torchvision": version("torchvision"),
            "numpy": numpy.__version__,
        },
        "machine": machine,
    }


def _commit() -> str | None:
    """The commit of the source tree, ``-dirty`` if changed since; None outside git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


@cache
def _processor() -> str:
    found = cpuinfo.get_cpu_info()
    return f"{found.get('brand_raw', 'unknown processor')}, {found['count']} cores"
