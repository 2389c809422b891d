"""Files of trained networks: those that cannot be used are named, older ones are read."""

import json
import re
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file

from experiments.method.kinds import KINDS
from experiments.training import training_record
from experiments.training.model_files import (
    available,
    load_model,
    model_config,
    model_path,
    require_models,
)
from experiments.training.recipes import Recipe
from experiments.training.training_record import read_record


def test_damaged_and_missing_models_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="3d.safetensors does not exist. make demo"):
        load_model(tmp_path / "3d.safetensors", torch.device("cpu"))
    (tmp_path / "3d.safetensors").write_bytes(b"half a model")
    with pytest.raises(ValueError, match="3d.safetensors is not a ResNet20"):
        load_model(tmp_path / "3d.safetensors", torch.device("cpu"))
    with pytest.raises(ValueError, match="3d.safetensors holds no configuration"):
        model_config(tmp_path / "3d.safetensors")
    save_file({"weight": torch.zeros(1)}, tmp_path / "3d.safetensors")
    with pytest.raises(ValueError, match="3d.safetensors holds no configuration"):
        model_config(tmp_path / "3d.safetensors")


@pytest.mark.parametrize("models", ["short", "paper"])
def test_shipped_models_say_of_which_kind_they_are(models):
    models = f"shipped:{models}"
    kinds = available(models)
    assert kinds
    for kind in kinds:
        path = model_path(kind, models)
        configs = model_config(path), read_record(path.with_suffix(".json"))["config"]
        for config in configs:
            assert config["kind"] == kind and "label" not in config
        assert configs[0] == configs[1]


def test_what_is_not_a_record_is_named(tmp_path):
    for text in ("[]", "{}", '{"config": 1}'):
        (tmp_path / "2d.json").write_text(text)
        with pytest.raises(ValueError, match="2d.json is not a training record"):
            read_record(tmp_path / "2d.json")


def test_a_later_setting_has_its_default_in_an_older_record(tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Later(Recipe):
        label_smoothing: float = 0.0

    path = model_path("2d", "shipped:short")
    before = read_record(path.with_suffix(".json"))["config"]
    monkeypatch.setattr(training_record, "Recipe", Later)
    monkeypatch.setattr(training_record, "ADDED_SETTINGS", {"optimizer": "SGD"})
    for config in (read_record(path.with_suffix(".json"))["config"], model_config(path)):
        assert config["optimizer"] == "SGD" and config["recipe"]["label_smoothing"] == 0.0
        config["recipe"].pop("label_smoothing")
        assert config == {**before, "optimizer": "SGD"}
    # What is stored is not replaced.
    stored = {"config": {"label": "2d", "recipe": {"label_smoothing": 0.1}, "optimizer": "Adam"}}
    (tmp_path / "2d.json").write_text(json.dumps(stored))
    config = read_record(tmp_path / "2d.json")["config"]
    assert (config["optimizer"], config["recipe"]["label_smoothing"]) == ("Adam", 0.1)


def test_models_are_found_by_name(trained):
    assert available(trained.models) == require_models(trained.models) == ["2d", "8"]
    assert available("shipped:short") == list(KINDS)


def test_where_no_model_is_the_place_and_the_sets_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    sets = "shipped sets shipped:paper, shipped:short"
    for models, state in (("short", "does not exist"), ("empty", "holds no model")):
        place = re.escape(str(tmp_path / models))
        with pytest.raises(ValueError, match=f"models is '{models}', but {place} {state}.*{sets}"):
            require_models(models)
