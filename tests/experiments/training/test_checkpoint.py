"""A checkpoint is written whole or not at all."""

import errno
import os
import resource
from contextlib import contextmanager

import pytest
import torch

from experiments.training.checkpoint import read_checkpoint, write_checkpoint

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
    write_checkpoint(tmp_path / "2d.checkpoint", {"kind": "2d"}, [], STATE)
    stored = read_checkpoint(tmp_path / "2d.checkpoint", torch.device("cpu"))
    assert stored["config"] == {"kind": "2d"} and stored["epochs_done"] == 3
    assert torch.equal(stored["state"]["model"]["weight"], STATE["model"]["weight"])


def test_a_disk_that_is_full_is_named_and_the_old_checkpoint_stays(tmp_path):
    path = tmp_path / "2d.checkpoint"
    path.write_bytes(b"the last epoch")
    with files_of_at_most(10_000), pytest.raises(OSError) as raised:
        write_checkpoint(path, {"kind": "2d"}, [], STATE)
    assert raised.value.errno == errno.EFBIG and raised.value.filename == str(path)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == b"the last epoch"
    assert os.listdir(tmp_path) == ["2d.checkpoint"]


def test_a_checkpoint_that_does_not_exist_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "2d.checkpoint", torch.device("cpu"))
