"""Files of trained networks: those that cannot be used are named."""

import pytest
import torch
from safetensors.torch import save_file

from experiments.training.model_files import (
    available,
    load_model,
    model_config,
    model_path,
    read_record,
)


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
