"""Augmentation, schedules, resuming, and the recorded step."""

import json
import os
import platform
import random
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace

import numpy
import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file
from tiny_experiment import ENOUGH_EPOCHS, ONE_THREAD, training_config, write_images

import pyquant
from experiments import train_all
from experiments.training.augmentation import crop_and_flip, window
from experiments.support.data_sets import load_split
from experiments.support.cuda_graphs import WARM_UP_CALLS, RecordedFunction
from experiments.method.kinds import KINDS, off_grid, prepare, quantize
from experiments.training.resnet20 import seeded_model
from experiments.timing.per_pixel_baseline import dither_plane
from experiments.training.recipes import learning_rate, recipe
from experiments.training.model_files import (
    available,
    load_model,
    model_config,
    model_path,
    read_record,
)
from experiments.support.storage import lock
from experiments.training.run import train
from experiments.training.trainer import Trainer
from experiments.train_all import TrainAllConfig

QUIET = Console(quiet=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images"))


def random_images(count, size=9):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, size, size), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("flip", [True, False])
def test_windows_equal_a_loop(flip):
    images, padding = random_images(50), 4
    generator = torch.Generator().manual_seed(5)
    top, left = torch.randint(2 * padding + 1, (2, 50), generator=generator)
    flipped = torch.rand(50, generator=generator) < 0.5 if flip else None
    expected = []
    for number, image in enumerate(images.numpy()):
        padded = numpy.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        y, x = int(top[number]), int(left[number])
        cut = padded[:, y : y + 9, x : x + 9]
        expected.append(cut[:, :, ::-1] if flip and flipped[number] else cut)
    got = window(images, top, left, flipped, padding)
    assert got.dtype == torch.uint8
    assert numpy.array_equal(got.numpy(), numpy.stack(expected))


def test_every_window_and_both_sides_are_drawn():
    marker = torch.zeros(4000, 1, 5, 5, dtype=torch.uint8)
    marker[:, :, 2, 2] = 255
    marker[:, :, 2, 1] = 100
    got = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1)
    bright = (got == 255).flatten(1).int().argmax(1)
    assert sorted(set(bright.tolist())) == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    dim = (got == 100).flatten(1).int().argmax(1)
    flipped = (dim > bright).float().mean()
    assert 0.45 < flipped < 0.55
    plain = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1, flip=False)
    assert ((plain == 100).flatten(1).int().argmax(1) < 25).all()
    again = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1)
    assert torch.equal(got, again)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_kind_hold_its_levels(kind):
    images = random_images(4)
    prepared = prepare(images, kind)
    assert prepared.dtype == torch.float32
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    levels = 2 ** int(kind[0])
    assert len(prepared.unique()) <= levels
    # The same from floats, as an attack on the 8-bit image leaves them.
    assert torch.equal(quantize(images.float() / 255, kind), prepared)
    assert not off_grid(prepared, kind).any()
    prepared[2, 1, 3, 3] = prepared[2, 1, 3, 3] * 0.5 + 0.2501
    assert off_grid(prepared, kind).tolist() == [False, False, True, False]


def test_kinds_are_refused_by_name():
    with pytest.raises(ValueError, match="kind is '8d'; accepted are 1, 1d, 2"):
        prepare(random_images(1), "8d")
    with pytest.raises(TypeError, match="images has dtype torch.float32; accepted is torch.uint8"):
        prepare(torch.rand(1, 3, 4, 4), "2d")


def test_per_pixel_dithering_is_the_published_one():
    (image,) = random_images(1, size=16)
    for bits in (1, 2, 5):
        expected = pyquant.floyd_steinberg(image, bits, variant="published")
        ours = [dither_plane(plane, bits) for plane in image.numpy()]
        assert expected.tolist() == ours


def test_network_is_that_of_the_paper():
    model = seeded_model(0, 10)
    assert sum(p.numel() for p in model.parameters()) == 269_722
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 19
    # 40.8 million multiplications for a 32x32 image: counted from the shapes of a real pass.
    counted = []
    for convolution in convolutions:
        convolution.register_forward_hook(
            lambda m, _, out: counted.append(out[0, 0].numel() * m.weight.numel())
        )
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 10)
    assert round(sum(counted) / 1e6, 1) == 40.6  # and 640 in the linear layer
    other = seeded_model(0, 10)
    assert all(map(torch.equal, model.parameters(), other.parameters()))


def test_step_schedule_is_that_of_torch():
    settings = recipe("paper")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, 40, 0.1)
    for epoch in range(settings.epochs):
        assert learning_rate(settings, epoch * 7 + 3, 7) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_to_its_peak_and_falls_to_zero():
    settings = recipe("short", epochs=10)
    rates = [learning_rate(settings, step, 50) for step in range(500)]
    peak = rates.index(max(rates))
    assert 99 <= peak <= 100 and max(rates) == pytest.approx(0.4, rel=0.01)
    assert all(a < b for a, b in zip(rates[:peak], rates[1 : peak + 1], strict=True))
    assert all(a > b > 0 for a, b in zip(rates[peak + 1 :], rates[peak + 2 :], strict=False))
    assert rates[-1] < 0.001


def test_presets_are_refused_by_name():
    with pytest.raises(ValueError, match="preset is 'long'; accepted are paper, short"):
        recipe("long")
    with pytest.raises(ValueError, match="epochs is 0; accepted are whole numbers from 1"):
        recipe("paper", 0)


def test_interrupted_run_gives_the_bits_of_an_uninterrupted_one(data, tmp_path, monkeypatch):
    whole = train("2d", training_config(data, tmp_path / "whole"), QUIET)
    config = training_config(data, tmp_path / "cut")
    epoch = Trainer.epoch

    def stopped_in_the_third(trainer, on_step):
        if trainer.epochs_done == 2:
            raise KeyboardInterrupt
        epoch(trainer, on_step)

    monkeypatch.setattr(Trainer, "epoch", stopped_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        train("2d", config, QUIET)
    assert os.listdir(tmp_path / "cut") == ["2d.checkpoint"]
    monkeypatch.undo()
    done = []
    monkeypatch.setattr(
        Trainer, "epoch", lambda trainer, on_step: (done.append(1), epoch(trainer, on_step))
    )
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


def test_damaged_checkpoint_is_named(data, tmp_path):
    (tmp_path / "2d.checkpoint").write_bytes(b"half of a checkpoint")
    with pytest.raises(ValueError, match="2d.checkpoint cannot be read, move it away to begin"):
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


def test_all_models_are_trained_but_those_of_another_process(data, tmp_path, capsys):
    shared = training_config(data, tmp_path, epochs=1)
    config = TrainAllConfig(**vars(shared), kinds=("1", "8", "2d"))
    with lock(tmp_path / "8.safetensors"):
        train_all.main(config)
    assert "8: another process is training it" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [
        "1.safetensors",
        "2d.safetensors",
    ]
    with pytest.raises(ValueError, match="kinds is '0'; accepted are 1, 1d"):
        train_all.main(replace(config, kinds=("1", "0")))


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
    torch.save({"config": stored["config"], "state": trainer.state()}, checkpoint)
    assert train("2d", training_config(data, tmp_path, epochs=1), QUIET).read_bytes() == before


def test_what_is_not_a_record_is_named(tmp_path):
    for text in ("[]", "{}", '{"config": 1}'):
        (tmp_path / "2d.json").write_text(text)
        with pytest.raises(ValueError, match="2d.json is not a training record"):
            read_record(tmp_path / "2d.json")


def test_plain_call_where_there_is_no_graph():
    calls = []
    replayed = RecordedFunction(lambda x: calls.append(x) or x + 1, torch.device("cpu"))
    for _ in range(WARM_UP_CALLS + 2):
        assert replayed(torch.tensor(1)) == 2
    assert len(calls) == WARM_UP_CALLS + 2


def test_recording_that_fails_warns_and_runs_plainly(monkeypatch):
    replayed = RecordedFunction(lambda x: x + 1, torch.device("cuda"))
    monkeypatch.setattr(replayed, "_on_side_stream", lambda inputs: replayed.function(*inputs))

    def fails(inputs):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(replayed, "_record", fails)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(WARM_UP_CALLS):
            assert replayed(torch.tensor(number)) == number + 1
    with pytest.warns(RuntimeWarning, match="not permitted when stream is capturing"):
        assert replayed(torch.tensor(7)) == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert replayed(torch.tensor(8)) == 9


def test_the_shape_that_comes_most_often_is_recorded(monkeypatch):
    replayed = RecordedFunction(lambda x: x + 1, torch.device("cuda"))
    monkeypatch.setattr(replayed, "_on_side_stream", lambda inputs: replayed.function(*inputs))
    tried = []

    def fails(inputs):
        tried.append(inputs[0].shape)
        raise RuntimeError("no graph here")

    monkeypatch.setattr(replayed, "_record", fails)
    for shape in [(5,), (2,)] * WARM_UP_CALLS:
        replayed(torch.zeros(shape))
    assert tried == []
    with pytest.warns(RuntimeWarning, match="no graph here"):
        replayed(torch.zeros(5))
    assert tried == [(5,)]


def test_bad_runtime_is_refused():
    assert ONE_THREAD.start() == torch.device("cpu")
    with pytest.raises(ValueError, match="threads is 0; accepted are whole numbers from 1"):
        type(ONE_THREAD)(threads=0).start()
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device is 'cuda', but torch finds no GPU"):
            type(ONE_THREAD)(device="cuda").start()


def test_freed_memory_is_used_again():
    if platform.libc_ver()[0] != "glibc":
        return
    count = "import resource; faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt"
    # 8 tensors of 4096 pages each: 32768 faults a round if they go back to the kernel.
    work = "[torch.ones(1 << 24, dtype=torch.uint8) for _ in range(8)]"
    start = "from experiments.support.runtime import Runtime; import torch; Runtime(threads=1).start()"
    script = f"{start}\n{count}\nfor _ in range(20): {work}\nbefore = faults()\nfor _ in range(10): {work}\n"
    script += "print(faults() - before)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 32768


def test_seed_decides(data):
    split = load_split(data, "train")
    random.seed(1)
    first, second, other = (
        Trainer(split, "8", recipe("short", 1), seed, "float32") for seed in (1, 1, 2)
    )
    for trainer in (first, second, other):
        trainer.epoch()
    assert first.history == second.history != other.history
