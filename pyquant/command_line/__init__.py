"""The command `pyquant`, which is also `python -m pyquant`.

Its modules import torch, Pillow and rich only when there is an image to process.
"""

import sys
from pathlib import Path


def is_this_process() -> bool:
    """Whether Python was started as `python -m pyquant`, or with the script `pyquant`."""
    program = sys.orig_argv[1:3]
    return program == ["-m", "pyquant"] or Path(*program[:1]).name == "pyquant"
