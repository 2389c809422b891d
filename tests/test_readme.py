"""Every Python snippet of the README does what the README says."""

import doctest
import re
from pathlib import Path

import torch

import pyquant
from images import BITS, assert_same, random_image

README = Path(__file__).parent.parent / "README.md"


def test_session():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


def test_equivalent_code():
    (definition,) = re.findall(
        r"```python\n(def floyd_steinberg.*?)```", README.read_text(), re.DOTALL
    )
    namespace = {"torch": torch}
    exec(definition, namespace)
    image = random_image((9, 11), torch.float32).clamp(0, 1)
    for bits in BITS:
        assert_same(namespace["floyd_steinberg"](image, bits), pyquant.floyd_steinberg(image, bits))
        top = 2**bits - 1
        assert_same(torch.floor(image * top + 0.5) / top, pyquant.linear_quantize(image, bits))


def test_commands_exist():
    """Every make target and module that the README names is there."""
    text = README.read_text()
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (README.parent / path).exists(), path
