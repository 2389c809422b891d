"""Fixtures of the benchmarks."""

import pytest
import torch


@pytest.fixture
def spoil(monkeypatch):
    """spoil(module, op) makes one sample of the op's result wrong."""

    def replace_op(module, name):
        right = getattr(module, name)

        def wrong(image, *arguments, **keywords):
            result = right(image, *arguments, **keywords)
            result[(-1,) * result.ndim] += 1
            return result

        monkeypatch.setattr(module, name, wrong)

    return replace_op


@pytest.fixture
def cuda_events(monkeypatch):
    """Stand-ins for CUDA events: 8 milliseconds between any two. Returns what was called."""
    log = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("synchronize")

        def elapsed_time(self, end):
            return 8.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    return log
