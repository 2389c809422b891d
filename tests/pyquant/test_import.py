"""Importing the package."""

import subprocess
import sys

import pytest

IMPORT_AGAIN = """
import sys
import torch
import pyquant

for name in [name for name in sys.modules if name.startswith({prefix!r})]:
    del sys.modules[name]
import pyquant

dithered = pyquant.floyd_steinberg(torch.tensor([[0.0, 1.0]]), bits=1)
assert dithered.tolist() == [[0.0, 1.0]]
"""


LOADED_BY_PYQUANT = """
import sys
import torch

before = set(sys.modules)
import pyquant

print(*(name for name in set(sys.modules) - before if not name.startswith("pyquant")))
"""


def test_loads_nothing_large():
    """torch's compiler (torch._dynamo, sympy) takes longer to load than torch itself."""
    result = subprocess.run(
        [sys.executable, "-c", LOADED_BY_PYQUANT], capture_output=True, text=True, check=True
    )
    packages = {name.split(".")[0] for name in result.stdout.split()}
    assert packages <= sys.stdlib_module_names, packages - sys.stdlib_module_names


@pytest.mark.parametrize("prefix", ["pyquant", "pyquant._C"])
def test_imported_again(prefix):
    """The process ends well, too."""
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_AGAIN.format(prefix=prefix)], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
