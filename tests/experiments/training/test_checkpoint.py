"""A checkpoint is written whole or not at all."""

import errno
import io
import os
import resource
from contextlib import contextmanager

import pytest
import torch

from experiments.training.checkpoint import checkpoint_content, read_checkpoint
from experiments.training.model_files import load_model
from experiments.training.run import write_files

STATE = {"epochs_done": 3, "model": {"weight": torch.arange(100_000.0)}}


@contextmanager
def files_of_at_most(size):
    """Within it, the system refuses to write more to a file, as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_reads_what_was_written(tmp_path):
    (tmp_path / "2d.checkpoint").write_bytes(checkpoint_content({"kind": "2d"}, [], STATE))
    stored = read_checkpoint(tmp_path / "2d.checkpoint", torch.device("cpu"))
    assert stored["config"] == {"kind": "2d"} and stored["epochs_done"] == 3
    assert torch.equal(stored["state"]["model"]["weight"], STATE["model"]["weight"])


def test_a_disk_that_is_full_is_named_and_the_old_checkpoint_stays(tmp_path):
    path = tmp_path / "2d.checkpoint"
    path.write_bytes(b"the last epoch")
    with files_of_at_most(10_000), pytest.raises(OSError) as raised:
        write_files(path, {".checkpoint": checkpoint_content({"kind": "2d"}, [], STATE)})
    assert raised.value.errno == errno.EFBIG and raised.value.filename == str(path)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == b"the last epoch"
    assert os.listdir(tmp_path) == ["2d.checkpoint"]


class Bomb:
    """Its pickle makes a directory where it is loaded."""

    def __init__(self, directory):
        self.directory = str(directory)

    def __reduce__(self):
        return os.mkdir, (self.directory,)


@pytest.mark.parametrize("form", ["zip", "pickle"])
def test_code_in_a_file_from_elsewhere_is_not_executed(form, tmp_path):
    content = io.BytesIO()
    stored = {"config": {"kind": "2d"}, "state": Bomb(tmp_path / "exploded")}
    torch.save(stored, content, _use_new_zipfile_serialization=form == "zip")
    for name in ("2d.checkpoint", "2d.safetensors"):
        (tmp_path / name).write_bytes(content.getvalue())
    with pytest.raises(ValueError, match="2d.checkpoint cannot be read, move") as raised:
        read_checkpoint(tmp_path / "2d.checkpoint", torch.device("cpu"))
    assert "\n" not in str(raised.value) and "weights_only" not in str(raised.value)
    with pytest.raises(ValueError, match="2d.safetensors is not a ResNet20"):
        load_model(tmp_path / "2d.safetensors", torch.device("cpu"))
    assert sorted(os.listdir(tmp_path)) == ["2d.checkpoint", "2d.safetensors"]
    content.seek(0)
    torch.load(content, weights_only=False)
    assert (tmp_path / "exploded").is_dir()  # so it was one


def test_a_checkpoint_that_does_not_exist_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "2d.checkpoint", torch.device("cpu"))
