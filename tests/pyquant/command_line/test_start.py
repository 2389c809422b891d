"""The command starts quickly, and does without Pillow what needs no image."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pyquant
from pyquant import command_line

WITHOUT = """
import sys

for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
import runpy

sys.orig_argv[1:] = ["-m", "pyquant"]
runpy.run_module("pyquant", run_name="__main__")
"""
DITHER = ("dither", "in.png", "-o", "out.png", "--bits", "2")


def run(*arguments, without=""):
    """The command in a Python that cannot import what is named in `without`."""
    start = ["-c", WITHOUT, without] if without else ["-m", "pyquant"]
    return subprocess.run([sys.executable, *start, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("command", [(), ("dither",), ("quantize",), ("info",)])
def test_help_needs_neither_torch_nor_pillow(command):
    process = run(*command, "--help", without="torch,numpy,PIL,rich")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(f"usage: {' '.join(['pyquant', *command])} [-h]")


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        (["-m", "pyquant", "--help"], True),
        (["/usr/bin/pyquant", "info"], True),
        (["-m", "pytest", "pyquant"], False),
        (["train.py"], False),
        (["-c", "import pyquant"], False),
        ([], False),
    ],
)
def test_how_python_was_started(monkeypatch, started, expected):
    monkeypatch.setattr(sys, "orig_argv", ["python", *started])
    assert command_line.is_this_process() is expected


def test_a_program_that_is_called_like_the_command(tmp_path):
    """Its names are imported when they are used."""
    program = tmp_path / "pyquant"
    program.write_text(
        "import sys, pyquant\n"
        "assert 'torch' not in sys.modules\n"
        "print({name for name in pyquant.__all__ if getattr(pyquant, name) is None})"
    )
    root = Path(pyquant.__file__).parents[1]
    process = subprocess.run(
        [sys.executable, program], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert process.stdout == "set()\n", process.stderr


@pytest.mark.parametrize("command", [(), ("info",)])
def test_information_needs_no_pillow(command):
    process = run(*command, without="PIL,rich")
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert lines == [f"{name:20}{value}" for name, value in pyquant.build_info().items()]


def test_version():
    process = run("--version", without="torch")
    assert (process.returncode, process.stdout) == (0, f"pyquant {pyquant.__version__}\n")


@pytest.mark.parametrize("package", ["PIL", "rich"])
def test_images_without_what_they_need(package):
    process = run(*DITHER, without=package)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert package in line and "pip install 'pyquant[cli]'" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("table",),
        DITHER[:4],
        (*DITHER[:2], *DITHER[4:]),
        (*DITHER, "--bits", "9"),
        (*DITHER, "--variant", "floor"),
        (*DITHER, "--jobs", "0"),
        (*DITHER, "--format", "jpg"),
    ],
)
def test_bad_arguments(arguments):
    process = run(*arguments, without="torch")
    assert process.returncode == 2
    assert process.stderr.startswith("usage: pyquant") and process.stdout == ""
