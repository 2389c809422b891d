"""Importing the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyquant

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


SECONDS_OF_IMPORT = """
import time
import torch

start = time.process_time()
import pyquant

print(time.process_time() - start)
"""


def test_is_quick():
    """The processor's time, the least of a few tries: others may use the machine."""

    def seconds() -> float:
        command = [sys.executable, "-c", SECONDS_OF_IMPORT]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert any(seconds() < 0.05 for _ in range(5))


@pytest.mark.parametrize("command", [["-c", "import pyquant"], ["-m", "pyquant"]])
def test_in_a_source_folder_without_the_extension(tmp_path, command):
    """Where it hides an installed package, the error has the command that builds it there."""
    package = Path(pyquant.__file__).parent
    shutil.copytree(package, tmp_path / "pyquant", ignore=shutil.ignore_patterns("*.so"))

    def error():
        process = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert process.returncode == 1
        return process.stderr

    assert f"pyquant in {tmp_path} lacks its compiled extension: install it again" in error()
    (tmp_path / "setup.py").touch()
    assert f"pip install --no-build-isolation -e {tmp_path}" in error()


@pytest.mark.parametrize("prefix", ["pyquant", "pyquant._C"])
def test_imported_again(prefix):
    """The process ends well, too."""
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_AGAIN.format(prefix=prefix)], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
