"""Training records, experiments/models/SET/KIND.json, and the configurations in them."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from experiments.support.data_sets.digits import SOURCE as DIGITS
from experiments.support.storage import read_json
from experiments.training.recipes import Recipe

#: Settings outside the recipe that later versions added, each with the value that is true of the
#: models trained before.
ADDED_SETTINGS: dict[str, Any] = {}


def read_record(path: Path) -> dict[str, Any]:
    """The record that ``train`` wrote with a model, its configuration under today's names.

    Raises:
        ValueError: the file is not JSON, not a training record, or its parts do not fit together.
    """
    record = read_json(path)
    try:
        record = {**record, "config": in_terms_of_today(record["config"])}
        epochs = record["config"]["recipe"]["epochs"]
        images = record["config"]["test_data"]["images"]
        found = [entry["epoch"] for entry in record["history"]]
        correct = record["test_accuracy"] * images
        is_part = 0 <= correct <= images and abs(correct - round(correct)) <= 1e-6 * images
        is_complete = len(found) == epochs and found == list(range(1, len(found) + 1))
        is_named = isinstance(record["model_sha256"], str)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is not a training record: {error}") from error
    if not is_named:
        raise ValueError(f"{path} is not a training record: model_sha256 is not a text")
    if not is_complete:
        raise ValueError(
            f"{path} does not fit together: epochs is {epochs}, the history holds {len(found)} epochs"
        )
    if not is_part:
        raise ValueError(
            f"{path} does not fit together: test_accuracy is {record['test_accuracy']}, which is no "
            f"part of {images} test images"
        )
    return record


def in_terms_of_today(config: dict[str, Any]) -> dict[str, Any]:
    """A stored configuration under today's names, with the settings that were added since.

    ``kind`` was called ``label`` at first. A missing setting gets its default: of the recipe from
    ``Recipe``, any other from ``ADDED_SETTINGS``.
    """
    config = {"kind" if name == "label" else name: value for name, value in config.items()}
    if "recipe" in config:
        defaults = {f.name: f.default for f in fields(Recipe) if f.default is not MISSING}
        config["recipe"] = {**defaults, **config["recipe"]}
    if "train_data" in config:
        # Before it was a setting, the source decided.
        config.setdefault("flip", config["train_data"]["source"] != DIGITS)
    return {**ADDED_SETTINGS, **config}
