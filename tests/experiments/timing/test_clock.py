"""The time of a call includes what a GPU does after it; a call on a CPU leaves CUDA alone."""

import pytest
import torch

from experiments.timing.clock import seconds


@pytest.mark.parametrize(
    ("device", "expected"), [("cuda:0", ["wait", "call", "wait"]), ("cpu", ["call"])]
)
def test_waits_before_and_after_a_call_on_a_gpu_alone(device, expected, monkeypatch):
    events = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.synchronize", lambda device: events.append("wait"))
    assert seconds(lambda: events.append("call"), torch.device(device)) > 0
    assert events == expected
