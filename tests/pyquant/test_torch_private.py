"""Without any private name of torch, the package is imported and its ops do the same."""

import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pyquant

ROOT = Path(__file__).parents[2]
NAMES = [
    "torch.autograd.forward_ad._current_level",
    "torch._C._are_functorch_transforms_active",
    "torch._C._functorch.peek_interpreter_stack",
    "torch._C._AutoDispatchBelowAutograd",
    "torch._C._dispatch_tls_set_dispatch_key_excluded",
    "torch.utils._python_dispatch._disable_current_modes",
    "torch._ops.OpOverload._op",
]
TESTS = ["tests/pyquant/test_registration.py", "tests/pyquant/test_errors.py"]
# One mode and one dtype are enough; the tests left out by name take long.
SELECTION = (
    "not published and not floor and not (opcheck and not uint8)"
    " and not inductor and not other_devices"
)


def run_without(names, selection):
    """The registration tests, and those of errors, where fake kernels check arguments: once for each
    of ``names``, which are single names or several with commas."""
    command = [sys.executable, "-m", "tests.support.without_private_names", *names, "--", *TESTS]
    command += ["-x", "-p", "no:cacheprovider", "-k", selection]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # their imports take long
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("100%") == len(names)


def test_ops_work_without_any_of_the_names():
    run_without([",".join(NAMES)], SELECTION)


def test_ops_work_without_each_of_the_names():
    run_without(NAMES, f"{SELECTION} and not compile and not export and not opcheck")


def test_no_other_module_uses_a_private_name_of_torch():
    """Docstrings may: some documented functions of torch are in private modules."""
    for file in Path(pyquant.__file__).parent.glob("*.py"):
        if file.name != "torch_private.py":
            tokens = tokenize.generate_tokens(io.StringIO(file.read_text()).readline)
            code = "".join(token.string for token in tokens if token.type != tokenize.STRING)
            private = re.search(r"\btorch(\.\w+)*\._(?!_)", code)
            assert not private, f"{file.name}: {private}"
