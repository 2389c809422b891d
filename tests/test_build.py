"""What is built and what the build says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import pyquant

ROOT = Path(__file__).parent.parent


def run_setup(**environment):
    return subprocess.run(
        [sys.executable, "setup.py", "--version"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_build_info():
    info = pyquant.build_info()
    assert info["pyquant"] == pyquant.__version__
    assert info["torch"] == torch.__version__
    assert list(info) == [
        "pyquant", "torch", "cpu", "cpu threads", "cuda architectures", "cuda device"
    ]  # fmt: skip
    assert all(isinstance(value, str) and value for value in info.values())


def test_citation_has_the_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == pyquant.__version__


def test_without_torch(tmp_path):
    """setup.py stops with the command to run."""
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    result = run_setup(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "pip install --no-build-isolation ." in result.stderr


def test_old_torch(tmp_path):
    (tmp_path / "torch.py").write_text("__version__ = '2.9.1+cpu'")
    result = run_setup(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "pyquant needs torch 2.10 or newer, and torch 2.9.1+cpu is installed" in result.stderr


def compiler_flags():
    """Those of setup.py, which the compiler gets after the flags of the environment."""
    script = (
        "import json, runpy, setuptools\n"
        "setuptools.setup = lambda ext_modules, **_: print(json.dumps(ext_modules[0].extra_compile_args))\n"
        "runpy.run_path('setup.py')"
    )
    environment = {**os.environ, "PYQUANT_CUDA": "0"}
    command = [sys.executable, "-c", script]
    printed = subprocess.check_output(command, cwd=ROOT, env=environment, text=True)
    return json.loads(printed.splitlines()[-1])["cxx"]


def test_fast_math_is_refused_or_undone():
    """-ffast-math changes bits."""
    fast = ["g++", "-fsyntax-only", "-ffast-math"]
    header = ["-x", "c++", str(ROOT / "csrc" / "host_device.h")]
    refused = subprocess.run([*fast, "-std=c++20", *header], capture_output=True, text=True)
    assert refused.returncode != 0 and "without -ffast-math" in refused.stderr
    subprocess.run([*fast, *compiler_flags(), *header], check=True)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
def test_fast_math_of_nvcc_is_undone(tmp_path):
    """--use_fast_math changes bits, but not what the flags of setup.py name."""
    kernel = tmp_path / "kernel.cu"
    kernel.write_text("""
        #include "linear_quantize.h"
        __global__ void kernel(float* sample, int bits) {
          *sample = pyquant::linear_quantize_sample<pyquant::Rounding::floor>(*sample, bits);
        }""")
    rounding = re.findall(r"--(?:fmad|ftz|prec-div)=\w+", (ROOT / "setup.py").read_text())

    def ptx(*flags: str) -> str:
        command = ["nvcc", "-std=c++20", f"-I{ROOT / 'csrc'}", "--ptx", kernel, "-o", "-", *flags]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert ptx(*rounding) == ptx(*rounding, "--use_fast_math") != ptx("--use_fast_math")


@pytest.mark.skipif(torch.version.cuda is None, reason="torch was built without CUDA")
def test_toolkit_is_found_by_cuda_path(tmp_path):
    major = torch.version.cuda.split(".")[0]
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    settings = {"CUDA_HOME": "", "CUDA_PATH": str(tmp_path), "TORCH_CUDA_ARCH_LIST": ""}
    for minor in (0, 9):
        nvcc.write_text(f"#!/bin/sh\necho Cuda compilation tools, release {major}.{minor}")
        nvcc.chmod(0o755)
        newest = ";10.0+PTX;12.0" if (int(major), minor) >= (12, 8) else ""
        expected = f"CUDA kernels for 7.5;8.0;9.0{newest}+PTX (toolkit {major}.{minor},"
        assert expected in run_setup(**settings).stdout
    settings["TORCH_CUDA_ARCH_LIST"] = "8.0"
    assert "CUDA kernels for 8.0 (toolkit" in run_setup(**settings).stdout


def test_cuda_setting():
    assert "CUDA kernels left out (PYQUANT_CUDA=0)" in run_setup(PYQUANT_CUDA="0").stdout
    bad = run_setup(PYQUANT_CUDA="yes")
    assert bad.returncode == 1
    assert "PYQUANT_CUDA must be auto, 1 or 0, got 'yes'" in bad.stderr
    missing = run_setup(PYQUANT_CUDA="1", CUDA_HOME="/nonexistent")
    assert missing.returncode == 1
    if torch.version.cuda is not None:
        assert "PYQUANT_CUDA=1, but there is no nvcc in /nonexistent" in missing.stderr
    assert "CUDA kernels left out" in run_setup(CUDA_HOME="/nonexistent").stdout
