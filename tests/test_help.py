"""--help of a command is quick: it does not import torch, which takes seconds."""

import subprocess
import sys

import pytest

from experiments.__main__ import commands

MODULES = [
    *(f"experiments.{name}" for name in commands()),
    "benchmarks",
    "benchmarks.cuda_resources",
]
HELP = """
import runpy, sys
sys.argv = ["", "--help"]
try:
    runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
finally:
    print("imported:", "torch" in sys.modules)
"""


@pytest.mark.parametrize("module", MODULES)
def test_help_does_not_import_torch(module):
    done = subprocess.run(
        [sys.executable, "-c", HELP.format(module=module)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *text, last = done.stdout.splitlines()
    assert text[0].startswith("usage: ") and last == "imported: False"
