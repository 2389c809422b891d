"""Where sets of networks and of results are: ``shipped:NAME``, or a path."""

import os
from pathlib import Path

SHIPPED = "shipped:"
EXPERIMENTS = Path(__file__).parents[1]
MODELS = EXPERIMENTS / "models"
RESULTS = EXPERIMENTS / "results"


def models_directory(models: str | Path) -> Path:
    """The directory of ``--models``: a shipped set of networks, or a path."""
    return _directory(models, MODELS, "models")


def results_directory(results: str | Path) -> Path:
    """The directory of ``--results``: a shipped set of results, or a path."""
    return _directory(results, RESULTS, "results")


def set_name(models: str | Path) -> str:
    """What cells and reports call the networks of ``--models``: the name of their directory."""
    # Not resolved: a symbolic link keeps the name that the user gave.
    return Path(os.path.abspath(models_directory(models))).name


def shipped_sets(root: Path) -> list[str]:
    """The sets in MODELS or in RESULTS, as an option names them."""
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [
        f"{SHIPPED}{folder.name}"
        for folder in folders
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def _directory(place: str | Path, shipped: Path, option: str) -> Path:
    text = str(place)
    if not text:
        raise ValueError(f"{option} is ''; accepted are a directory and {SHIPPED}NAME")
    if not text.startswith(SHIPPED):
        return Path(place)
    name = text.removeprefix(SHIPPED)
    if not name or name.startswith(".") or Path(name).name != name:
        sets = ", ".join(shipped_sets(shipped))
        raise ValueError(f"{option} is {text!r}; the shipped sets are {sets}")
    return shipped / name
