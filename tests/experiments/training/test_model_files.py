"""Files of trained networks: those that cannot be used are named, older ones are read."""

import json
import re
import shutil
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file

from experiments import demo
from experiments.method.kinds import KINDS
from experiments.training import training_record
from experiments.training.model_files import (
    available,
    checked_record,
    load_model,
    model_config,
    model_path,
    require_models,
    save_model,
)
from experiments.training.recipes import Recipe
from experiments.training.resnet20 import seeded_model
from experiments.training.training_record import read_record

CPU = torch.device("cpu")


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
    for text in ("[]", "{}", '{"config": 1}', '{"config": {}}', '{"config": {"recipe": 1}}'):
        (tmp_path / "2d.json").write_text(text)
        with pytest.raises(ValueError, match="2d.json is not a training record"):
            read_record(tmp_path / "2d.json")


@pytest.fixture
def copied(tmp_path):
    """A shipped model and its record, to be damaged."""
    shipped = model_path("2d", "shipped:short")
    for path in (shipped, shipped.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    return tmp_path / "2d.safetensors"


def change_record(path, change):
    record = json.loads(path.with_suffix(".json").read_text())
    change(record)
    path.with_suffix(".json").write_text(json.dumps(record))


def test_a_model_is_compared_with_the_digest_in_its_record(copied):
    assert load_model(copied, CPU).linear.out_features == 10
    content = bytearray(copied.read_bytes())
    content[-400:] = bytes(byte ^ 1 for byte in content[-400:])
    copied.write_bytes(content)
    with pytest.raises(ValueError, match=r"2d.safetensors is not the model of .*2d.json: its SHA"):
        load_model(copied, CPU)
    # Without its record it is a model like any other.
    copied.with_suffix(".json").unlink()
    assert checked_record(copied) is None
    load_model(copied, CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record: record["config"].update(seed=5), "differs from the .*: seed 5, not 0"),
        (
            lambda record: record["config"]["recipe"].update(epochs=10**12),
            "epochs is 1000000000000",
        ),
        (lambda record: record["config"]["recipe"].update(epochs="24"), "epochs is 24"),
        (lambda record: record["history"].pop(), "epochs is 24, the history holds 23"),
        (lambda record: record.update(test_accuracy=0.84071), "test_accuracy is 0.84071"),
        (lambda record: record.update(test_accuracy=84.07), "test_accuracy is 84.07"),
        (lambda record: record.update(test_accuracy="0.84"), "is not a training record"),
        (lambda record: record.pop("model_sha256"), "is not a training record: 'model_sha256'"),
    ],
)
def test_a_record_is_checked_against_itself_and_the_model(copied, change, message):
    change_record(copied, change)
    with pytest.raises(ValueError, match=rf"2d.json .*{message}"):
        load_model(copied, CPU)


def test_a_model_with_a_record_is_not_replaced(copied):
    before = copied.read_bytes()
    with pytest.raises(ValueError, match="2d.json is the record of a trained model"):
        save_model(seeded_model(0, 10), copied, {"kind": "2d"})
    with pytest.raises(ValueError, match="2d.json is the record of a trained model"):
        demo.main(demo.DemoConfig(copied.parent))
    assert copied.read_bytes() == before


def test_a_model_under_the_name_of_another_kind_is_refused(copied):
    other = copied.rename(copied.with_name("8.safetensors"))
    with pytest.raises(ValueError, match="8.safetensors is a model of kind '2d', not '8'"):
        model_config(other)


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
    stored = json.loads(path.with_suffix(".json").read_text())
    stored["config"]["recipe"]["label_smoothing"] = 0.1
    stored["config"]["optimizer"] = "Adam"
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
