"""Trained models as files: KIND.safetensors in the directory of their set."""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save

from experiments.method.kinds import KINDS, check_kind
from experiments.support.places import MODELS, models_directory, shipped_sets
from experiments.support.storage import atomic_path
from experiments.training.resnet20 import ResNet20
from experiments.training.training_record import in_terms_of_today


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
    """Writes a model with its configuration in the metadata, its weights as float16.

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
    with atomic_path(path) as part:
        part.write_bytes(save(tensors, {"config": json.dumps(config)}))


def require_model(path: Path) -> None:
    """Raises FileNotFoundError, saying how to train it, if the model ``path`` does not exist."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist. make demo trains the models of build/demo; others are trained "
            f"with python -m experiments.train --kind {path.stem} --models DIRECTORY. The shipped "
            f"sets are {', '.join(shipped_sets(MODELS))}"
        )


def load_model(path: Path, device: torch.device) -> ResNet20:
    """Loads a model for evaluation: frozen, in evaluation mode, float32, channels_last.

    Raises:
        FileNotFoundError: there is no such model; the message says how to train it.
        ValueError: the file is damaged or holds something else.
    """
    require_model(path)
    try:
        tensors = load_file(path)
        model = ResNet20(len(tensors["linear.bias"]))
        missing, unexpected = model.load_state_dict(tensors, strict=False)
    except (safetensors.SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is not a ResNet20 of this package: {error}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(
            f"{path} is not a ResNet20 of this package: missing {missing}, unexpected {unexpected}"
        )
    model = model.to(device).to(memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


def model_config(path: Path) -> dict[str, Any]:
    """The configuration that a model was trained with, under today's names.

    Raises:
        ValueError: the file is damaged, or was not written by ``save_model``.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            return in_terms_of_today(json.loads(file.metadata()["config"]))
    except (safetensors.SafetensorError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} holds no configuration of a model: {error}") from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
