"""The README's Python does what the README says, and documents name what exists."""

import doctest
import re
from pathlib import Path

import pytest
import torch

import pyquant
from images import BITS, assert_same, random_image

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


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
