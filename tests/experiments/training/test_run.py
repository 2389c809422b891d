"""A training run ends with the same bits whether it was interrupted or not."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from experiments.support.data_sets import load_split
from experiments.support.runtime import Runtime
from experiments.training.checkpoint import checkpoint_content
from experiments.training.model_files import load_model
from experiments.training.recipes import recipe
from experiments.training.side_by_side import train, train_all
from experiments.training.trainer import Trainer
from tiny_experiment import ENOUGH_EPOCHS, training_config, write_images

QUIET = Console(quiet=True)


def interrupt_in_epoch(number, monkeypatch):
    """Training stops after some steps of this epoch."""
    step = Trainer.step

    def stopped(trainer, index):
        if trainer.epochs_done == number - 1:
            raise KeyboardInterrupt
        step(trainer, index)

    monkeypatch.setattr(Trainer, "step", stopped)


def test_interrupted_run_gives_the_bits_of_an_uninterrupted_one(data, tmp_path, monkeypatch):
    whole = train("2d", training_config(data, tmp_path / "whole"), QUIET)
    config = training_config(data, tmp_path / "cut")
    interrupt_in_epoch(3, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train("2d", config, QUIET)
    assert os.listdir(tmp_path / "cut") == ["2d.checkpoint"]
    monkeypatch.undo()
    done = []
    end = Trainer.end_epoch
    monkeypatch.setattr(Trainer, "end_epoch", lambda trainer: (done.append(1), end(trainer)))
    resumed = train("2d", config, QUIET)
    assert len(done) == 1
    assert resumed.read_bytes() == whole.read_bytes()
    first, second = (json.loads(p.with_suffix(".json").read_text()) for p in (whole, resumed))
    assert first["history"] == second["history"]
    assert [run["after_epoch"] for run in first["runs"]] == [0]
    assert [run["after_epoch"] for run in second["runs"]] == [0, 2]
    assert all(run["machine"]["threads"] == 1 for run in second["runs"])
    # Done is done.
    train("2d", config, QUIET)
    assert len(done) == 1
    with pytest.raises(ValueError, match=r"2d.json was made with .*recipe"):
        train("2d", training_config(data, tmp_path / "cut", epochs=4), QUIET)
    # Done, but the model is another one, or gone.
    resumed.write_bytes(b"another model")
    with pytest.raises(ValueError, match="2d.safetensors is not the model of .*2d.json; move that"):
        train("2d", config, QUIET)
    resumed.unlink()
    with pytest.raises(ValueError, match="2d.safetensors is not the model of .*2d.json; move that"):
        train("2d", config, QUIET)


def test_a_run_goes_on_with_the_threads_it_began_with(data, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of a later process, unless the user says otherwise
    later = replace(training_config(data, tmp_path), runtime=Runtime(device="cpu"))
    first = replace(later, runtime=Runtime(device="cpu", threads=2))
    begin, threads = Trainer.begin_epoch, []

    def stopped_in_the_second(trainer):
        threads.append(torch.get_num_threads())
        if len(threads) == 2:
            raise KeyboardInterrupt
        begin(trainer)

    monkeypatch.setattr(Trainer, "begin_epoch", stopped_in_the_second)
    try:
        with pytest.raises(KeyboardInterrupt):
            train("2d", first, QUIET)
        torch.set_num_threads(1)
        other = replace(later, runtime=Runtime(device="cpu", threads=1))
        with pytest.raises(ValueError, match="threads is 1, but .*2d.checkpoint was made with 2"):
            train("2d", other, QUIET)
        with pytest.raises(ValueError, match=r"with 2 CPU .* accepted are --runtime.threads 2 and"):
            train_all(("1", "2d"), later, QUIET, at_once=2)
        path = train("2d", later, QUIET)
    finally:
        torch.set_num_threads(1)
    assert threads == [2, 2, 2, 2]
    runs = json.loads(path.with_suffix(".json").read_text())["runs"]
    assert [run["machine"]["threads"] for run in runs] == [2, 2]


def test_damaged_checkpoint_is_named(data, tmp_path):
    (tmp_path / "2d.checkpoint").write_bytes(b"half of a checkpoint")
    with pytest.raises(ValueError, match="2d.checkpoint cannot be read, move it away to begin"):
        train("2d", training_config(data, tmp_path), QUIET)


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: stored.pop("state"),
        lambda stored: stored.pop("config"),
        lambda stored: stored.pop("threads"),
        lambda stored: stored.pop("runs"),
        lambda stored: stored.update(state=[]),
        lambda stored: stored["state"].pop("optimizer"),
        lambda stored: stored["state"]["model"].pop("linear.bias"),
        lambda stored: stored["state"]["model"].update({"linear.bias": torch.zeros(7)}),
    ],
)
def test_a_checkpoint_of_other_content_is_named_in_one_line(damage, data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("experiments.training.run.model_content", interrupted)
        train("2d", training_config(data, tmp_path, epochs=1), QUIET)
    checkpoint = tmp_path / "2d.checkpoint"
    stored = torch.load(checkpoint, weights_only=True)
    damage(stored)
    torch.save(stored, checkpoint)
    with pytest.raises(ValueError, match=r"2d\.checkpoint .*move it away to begin anew") as raised:
        train("2d", training_config(data, tmp_path, epochs=1), QUIET)
    assert "\n" not in str(raised.value)


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_flipped_byte_of_a_checkpoint_is_noticed(data, tmp_path, monkeypatch):
    interrupt_in_epoch(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train("2d", training_config(data, tmp_path), QUIET)
    checkpoint = tmp_path / "2d.checkpoint"
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match="2d.checkpoint cannot be read.*checksum"):
        train("2d", training_config(data, tmp_path), QUIET)


def test_killed_run_goes_on_from_its_checkpoint(data, tmp_path):
    # As many epochs as it can: it is killed, not finished.
    command = [sys.executable, "-m", "experiments.train", "--kind", "1", "--preset", "paper"]
    command += ["--models", tmp_path, "--data.source", "folder", "--data.path", data.path]
    process = subprocess.Popen([*command, "--runtime.threads", "1"], stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "1.checkpoint"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = torch.load(checkpoint, weights_only=True)["state"]["epochs_done"]
    assert 1 <= done < 160
    assert not (tmp_path / "1.safetensors").exists()
    split = load_split(data, "train")
    resumed = Trainer(split, "1", recipe("paper"), 0, "bfloat16")
    resumed.restore(torch.load(checkpoint, weights_only=True)["state"])
    straight = Trainer(split, "1", recipe("paper"), 0, "bfloat16")
    for _ in range(done + 1):
        straight.epoch()
    resumed.epoch()
    assert all(map(torch.equal, straight.model.parameters(), resumed.model.parameters()))


def test_training_learns_and_is_stored_as_it_is(tmp_path):
    # A step for every 128 images: enough of them that batch normalisation settles.
    data = write_images(tmp_path / "images", train=150)
    path = train("2d", training_config(data, tmp_path / "models", epochs=ENOUGH_EPOCHS), QUIET)
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["test_accuracy"] > 0.8
    assert record["provenance"]["machine"]["threads"] == 1
    assert str(data.path) not in json.dumps(record)
    model = load_model(path, torch.device("cpu"))
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert path.stat().st_size < 600_000


def test_training_goes_on_from_what_was_stored_under_the_first_names(data, tmp_path):
    """``kind`` was called ``label`` in the record, the checkpoint and the model."""
    path = train("2d", training_config(data, tmp_path, epochs=1), QUIET)
    record = path.with_suffix(".json")
    stored = json.loads(record.read_text())
    stored["config"] = {"label": stored["config"].pop("kind"), **stored["config"]}
    record.write_text(json.dumps(stored))
    before = path.read_bytes()
    assert train("2d", training_config(data, tmp_path, epochs=1), QUIET) == path
    assert path.read_bytes() == before

    trainer = Trainer(load_split(data, "train"), "2d", recipe("short", 1), 0, "bfloat16")
    record.unlink()
    path.unlink()
    checkpoint = path.with_suffix(".checkpoint")
    trainer.epoch()
    checkpoint.write_bytes(checkpoint_content(stored["config"], [], trainer.state()))
    assert train("2d", training_config(data, tmp_path, epochs=1), QUIET).read_bytes() == before
