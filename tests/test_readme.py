"""The README's code does what the README says, and documents name what exists."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import pyquant
from images import BITS, assert_same, random_image

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_session():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


def test_equivalent_code():
    document = (ROOT / "csrc" / "README.md").read_text()
    (definition,) = re.findall(r"```python\n(def floyd_steinberg.*?)```", document, re.DOTALL)
    namespace = {"torch": torch}
    exec(definition, namespace)
    image = random_image((9, 11), torch.float32).clamp(0, 1)
    for bits in BITS:
        assert_same(namespace["floyd_steinberg"](image, bits), pyquant.floyd_steinberg(image, bits))
        top = 2**bits - 1
        assert_same(torch.floor(image * top + 0.5) / top, pyquant.linear_quantize(image, bits))


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_every_python_block_is_a_session():
    """test_session runs them."""
    assert all(block.startswith(">>> ") for block in code_blocks("python"))


def test_shell_commands(tmp_path):
    """All but the installation, which needs a download."""
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/1.jpg", "photos/2.jpg"):
        Image.new("RGB", (20, 10), (90, 130, 170)).save(tmp_path / name)
    install, *blocks = code_blocks("sh")
    assert "pip install" in install and blocks
    command = f'set -e\npyquant() {{ "{sys.executable}" -m pyquant "$@"; }}\n' + "".join(blocks)
    environment = {**os.environ, "PYTHONPATH": str(Path(pyquant.__file__).parents[1])}
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, check=True)
    assert Image.open(tmp_path / "photo.png").size == (20, 10)
    assert len(list((tmp_path / "quantized").glob("*.png"))) == 2


def test_the_times_of_the_gpu_are_those_of_its_report():
    section = README.read_text().partition("[CUDA.md](benchmarks/CUDA.md)")[2].partition("##")[0]
    rows = [line for line in section.splitlines() if " µs" in line]
    report = (ROOT / "benchmarks" / "CUDA.md").read_text()
    assert rows and all(f"\n{row}" in report for row in rows)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_what_a_document_names_exists(name):
    """Every make target and every file; capital letters stand for a name of the reader's choice."""
    document = ROOT / name
    text = document.read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (?!ARGS)([a-z-]+)(?=[ `\n])", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (document.parent / path).exists(), path
    for path in re.findall(r"`((?:\w+/)+[\w.]*)`", text):
        if not re.search("[A-Z]{2}", path):
            assert (ROOT / path).exists(), path
