"""Trained models as files: KIND.safetensors in the directory of their set."""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load, save

from experiments.method.kinds import KINDS, check_kind
from experiments.support.places import MODELS, models_directory, shipped_sets
from experiments.support.storage import differences, one_line
from experiments.training.resnet20 import ResNet20, for_evaluation
from experiments.training.training_record import in_terms_of_today, read_record
from pyquant.atomic_files import atomic_path


def model_path(kind: str, models: str | Path) -> Path:
    """The file of a model; ``models`` is ``shipped:NAME`` or a directory."""
    return models_directory(models) / f"{check_kind(kind)}.safetensors"


def available(models: str | Path) -> list[str]:
    """The kinds whose model exists, in the order of the tables."""
    return [kind for kind in KINDS if model_path(kind, models).exists()]


def require_models(models: str | Path) -> list[str]:
    """The kinds whose model exists, at least one.

    Raises:
        ValueError: there is none; the message names the place and the sets that exist.
    """
    found = available(models)
    if not found:
        directory = models_directory(models).absolute()
        state = "holds no model" if directory.is_dir() else "does not exist"
        raise ValueError(
            f"models is {str(models)!r}, but {directory} {state}; accepted are a directory with "
            f"KIND.safetensors in it, and the shipped sets {', '.join(shipped_sets(MODELS))}"
        )
    return found


def save_model(model: ResNet20, path: Path, config: dict[str, Any]) -> None:
    """Writes ``model_content``, whole or not at all.

    Raises:
        ValueError: there is a training record with this name.
    """
    refuse_recorded(path)
    with atomic_path(path) as part:
        part.write_bytes(model_content(model, config))


def model_content(model: ResNet20, config: dict[str, Any]) -> bytes:
    """The file of a model: its weights as float16, its configuration in the metadata.

    Everything that has one dimension (batch normalisation, biases) stays float32: it is small, and
    its variances need the range.
    """
    tensors = {
        name: value.detach()
        .cpu()
        .to(torch.float16 if value.dim() > 1 else torch.float32)
        .contiguous()
        for name, value in model.state_dict().items()
        if value.is_floating_point()
    }
    return save(tensors, {"config": json.dumps(config)})


def refuse_recorded(path: Path) -> None:
    """Raises ValueError if the model ``path`` has a training record: such a model is not replaced."""
    record = path.with_suffix(".json")
    if record.exists():
        raise ValueError(
            f"{record} is the record of a trained model, and {path.name} would be replaced: move both "
            "away, or name another directory"
        )


def require_model(path: Path) -> None:
    """Raises FileNotFoundError, saying how to train it, if the model ``path`` does not exist."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist. make demo trains the models of build/demo; others are trained "
            f"with python -m experiments.train --kind {path.stem} --models DIRECTORY. The shipped "
            f"sets are {', '.join(shipped_sets(MODELS))}"
        )


def load_model(path: Path, device: torch.device) -> ResNet20:
    """Loads a model, in float32, as ``for_evaluation`` makes it.

    Raises:
        FileNotFoundError: there is no such model; the message says how to train it.
        ValueError: the file is damaged, holds something else, or is not the model of the record
            beside it.
    """
    require_model(path)
    checked_record(path)
    return model_of(path.read_bytes(), path, device)


def model_of(content: bytes, path: Path, device: torch.device) -> ResNet20:
    """The model that ``model_content`` was made from, as ``for_evaluation`` makes it.

    Raises:
        ValueError: the content is damaged, or something else; the message names ``path``.
    """
    try:
        tensors = load(content)
        model = ResNet20(len(tensors["linear.bias"]))
        missing, unexpected = model.load_state_dict(tensors, strict=False)
    except (safetensors.SafetensorError, KeyError, RuntimeError, TypeError) as error:
        raise ValueError(f"{path} is not a ResNet20 of this package: {one_line(error)}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(
            f"{path} is not a ResNet20 of this package: missing {missing}, unexpected {unexpected}"
        )
    return for_evaluation(model.to(device))


def model_config(path: Path) -> dict[str, Any]:
    """The configuration that a model was trained with, under today's names.

    Raises:
        ValueError: the file is damaged, was not written by ``save_model``, or holds a model of
            another kind than its name says.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            config = in_terms_of_today(json.loads(file.metadata()["config"]))
        kind = config["kind"]
    except (
        safetensors.SafetensorError,
        TypeError,
        KeyError,
        ValueError,
        AttributeError,
    ) as error:
        raise ValueError(f"{path} holds no configuration of a model: {error}") from error
    if kind != path.stem:
        raise ValueError(f"{path} is a model of kind {kind!r}, not {path.stem!r}")
    return config


def checked_record(path: Path) -> dict[str, Any] | None:
    """The training record beside the model ``path``, checked against it; None if there is none.

    Raises:
        ValueError: the record is damaged, or describes another model.
    """
    record_path = path.with_suffix(".json")
    if not record_path.exists():
        return None
    record = read_record(record_path)
    digest = file_digest(path)
    if digest != record["model_sha256"]:
        raise ValueError(
            f"{path} is not the model of {record_path}: its SHA-256 is {digest}, the record has "
            f"{record['model_sha256']}. Restore the file, or move the record away to use the model "
            "without one"
        )
    changes = differences(model_config(path), record["config"])
    if changes:
        raise ValueError(f"{record_path} differs from the configuration in {path.name}: {changes}")
    return record


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
