"""Training records, experiments/models/SET/KIND.json, and the configurations in them."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from experiments.support.storage import read_json
from experiments.training.recipes import Recipe

#: Settings outside the recipe that later versions added, each with the value that is true of the
#: models trained before.
ADDED_SETTINGS: dict[str, Any] = {}


def read_record(path: Path) -> dict[str, Any]:
    """The record that ``train`` wrote with a model, its configuration under today's names.

    Raises:
        ValueError: the file is not JSON, or not a training record.
    """
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
        raise ValueError(f"{path} is not a training record")
    return {**record, "config": in_terms_of_today(record["config"])}


def in_terms_of_today(config: dict[str, Any]) -> dict[str, Any]:
    """A stored configuration under today's names, with the settings that were added since.

    ``kind`` was called ``label`` at first. A missing setting gets its default: of the recipe from
    ``Recipe``, any other from ``ADDED_SETTINGS``.
    """
    config = {"kind" if name == "label" else name: value for name, value in config.items()}
    if "recipe" in config:
        defaults = {f.name: f.default for f in fields(Recipe) if f.default is not MISSING}
        config["recipe"] = {**defaults, **config["recipe"]}
    return {**ADDED_SETTINGS, **config}
