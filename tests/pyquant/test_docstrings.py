"""The examples in the docstrings do what they say."""

import doctest
import importlib

import pytest

#: The modules with examples, and the libraries that these need.
MODULES = {
    "codes": (),
    "nn": ("foolbox",),
    "onnx": ("onnxscript", "onnxruntime"),
    "transforms": ("torchvision",),
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    for library in MODULES[name]:
        pytest.importorskip(library)
    result = doctest.testmod(importlib.import_module(f"pyquant.{name}"))
    assert result.attempted > 1
    assert result.failed == 0
