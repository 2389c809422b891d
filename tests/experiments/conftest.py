"""What several tests of the experiments use."""

import signal
from dataclasses import replace

import pytest
from rich.console import Console

from experiments.commands import figure4, precision
from experiments.evaluation import selection
from experiments.evaluation.sweep_config import GridConfig
from experiments.training.side_by_side import train
from tiny_experiment import ENOUGH_EPOCHS, ONE_THREAD, training_config, write_images

# A script starts what runs in the background with this signal ignored, and processes of the tests would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """Everything here is small."""


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The source of three classes of small images."""
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Options of a sweep over two tiny models, trained on 2-bit dithered and on 8-bit images."""
    directory = tmp_path_factory.mktemp("tiny")
    data = write_images(directory / "images", train=150)
    for kind in ("2d", "8"):
        train(kind, training_config(data, directory / "models", ENOUGH_EPOCHS), Console(quiet=True))
    return GridConfig(str(directory / "models"), data=data, runtime=ONE_THREAD)


@pytest.fixture
def sweep(trained, tmp_path):
    """The same, with a directory of results of its own."""
    return replace(trained, results=tmp_path, limit=12)


@pytest.fixture
def few_cells(monkeypatch):
    """Tables of two columns, a figure of two epsilons."""
    monkeypatch.setattr(selection, "KINDS", ("2d", "8"))
    monkeypatch.setattr(figure4, "EPSILONS", (2.0, 8.0))
    monkeypatch.setattr(precision, "EPSILONS", (2.0,))
