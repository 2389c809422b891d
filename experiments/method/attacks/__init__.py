"""The attack methods, one file each; a method is known by the name of its file.

To add one, add a file with one frozen dataclass that extends ``Attack``: its fields are the settings
(all but ``epsilon`` with a default), and its ``attack`` makes the attacked images. Nothing else has to be
changed. A library that only this method needs is imported inside the call.
"""

import importlib
import pkgutil
from dataclasses import fields
from typing import Any

from experiments.method.attacks.attack import Attack, Network

__all__ = ["METHODS", "Attack", "Network", "make_attack"]


def _methods() -> dict[str, type[Attack]]:
    """Every class that extends Attack in a file of this directory, by the name of the file."""
    found: dict[str, type[Attack]] = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                if issubclass(value, Attack) and value is not Attack:
                    found[file.name] = value
    return found


#: The methods by name, such as ``projected_gradient_descent``.
METHODS: dict[str, type[Attack]] = _methods()


def make_attack(method: str, **settings: Any) -> Attack:
    """The attack ``method``, one of METHODS, with these settings.

    ``make_attack(a.method, **dataclasses.asdict(a)) == a`` for every attack ``a``: name and settings
    are all that has to be stored.

    Raises:
        ValueError: there is no such method, it has no such setting, or a value is out of range; the
            message names what is accepted.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; accepted are {', '.join(METHODS)}")
    accepted = [field.name for field in fields(METHODS[method])]
    for name in settings:
        if name not in accepted:
            raise ValueError(
                f"{name} is not a setting of {method}; accepted are {', '.join(accepted)}"
            )
    return METHODS[method](**settings)
