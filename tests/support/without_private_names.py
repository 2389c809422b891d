"""Runs tests with a torch that lacks some private names, as a later torch may.

    python -m tests.support.without_private_names NAME[,NAME...] ... -- [arguments of pytest]

The tests run once for each argument, in a process of its own. The names are hidden from pyquant
alone, since torch itself uses them.
"""

import importlib
import os
import sys

import pytest
import torch
import torch._dynamo  # imported here, while its own imports find every name


class HiddenFromPyquant:
    """Hides an attribute that objects of a class of torch have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance, owner=None):
        if sys._getframe(1).f_globals["__name__"].startswith("pyquant."):
            raise AttributeError(self.name)
        return instance.__dict__[self.name]

    def __set__(self, instance, value) -> None:
        instance.__dict__[self.name] = value


def import_pyquant_without(names: list[str]) -> None:
    removed = []
    for name in names:
        owner_name, _, attribute = name.rpartition(".")
        if owner_name == "torch._ops.OpOverload":
            setattr(torch._ops.OpOverload, attribute, HiddenFromPyquant(attribute))
        else:
            owner = importlib.import_module(owner_name)
            removed.append((owner, attribute, getattr(owner, attribute)))
            delattr(owner, attribute)
    importlib.import_module("pyquant")
    for owner, attribute, value in removed:
        setattr(owner, attribute, value)


def main() -> None:
    separator = sys.argv.index("--")
    failed = False
    for names in sys.argv[1:separator]:
        print(f"without {names}", flush=True)
        child = os.fork()
        if child == 0:
            import_pyquant_without(names.split(","))
            code = pytest.main(sys.argv[separator + 1 :])
            sys.stdout.flush()
            os._exit(code)
        failed |= os.waitpid(child, 0)[1] != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
