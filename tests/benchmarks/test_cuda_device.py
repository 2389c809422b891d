"""CudaDevice with stand-ins for the functions of torch.cuda that it calls; test_cuda.py has a test on a
GPU."""

import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from benchmarks.cuda.device import SPUN_CYCLES, CudaDevice

PROPERTIES = SimpleNamespace(
    name="abacus", major=9, minor=0, multi_processor_count=132, total_memory=80 * 2**30,
    L2_cache_size=50 * 2**20, uuid="0123-45",
)  # fmt: skip


@pytest.fixture
def properties(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: PROPERTIES)


def test_seconds_between_events(cuda_events):
    assert CudaDevice().seconds(lambda: cuda_events.append("work")) == 0.008
    assert cuda_events == ["record", "work", "record", "synchronize"]


def test_clock_rate(cuda_events, monkeypatch):
    monkeypatch.setattr(torch.cuda, "_sleep", cuda_events.append)
    assert CudaDevice().clock_rate() == 5_000_000 / 0.008 / 1e6
    assert cuda_events == [1, "record", SPUN_CYCLES, "record", "synchronize"]


def test_a_recording_is_made_after_a_first_call_and_has_the_results_of_the_graph(monkeypatch):
    log = []

    @contextmanager
    def inside(name):
        log.append(f"{name} begins")
        yield
        log.append(f"{name} ends")

    class Stream:
        def wait_stream(self, other):
            log.append("waits")

    graph = SimpleNamespace(replay=lambda: log.append("replay"))
    stand_ins = {
        "Stream": Stream,
        "CUDAGraph": lambda: graph,
        "current_stream": lambda: None,
        "stream": lambda stream: inside("stream"),
        "graph": lambda graph: inside("graph"),
        "synchronize": lambda: log.append("synchronize"),
        "empty_cache": lambda: log.append("release"),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)

    recording = CudaDevice().record([lambda: log.append("call") or len(log)] * 2)
    plain = ["waits", "stream begins", "call", "call", "stream ends", "synchronize", "release"]
    recorded = ["graph begins", "call", "call", "graph ends"]
    assert log == plain + recorded
    assert recording.results == [9, 10]  # the places of the last two calls
    recording.replay()
    assert log[-1] == "replay"


def test_description(properties, monkeypatch):
    def nvidia_smi(command, **options):
        assert "--id=GPU-0123-45" in command
        return SimpleNamespace(stdout="580.10, 1980 MHz, 2619 MHz, 700.00 W\n")

    monkeypatch.setattr(subprocess, "run", nvidia_smi)
    description = CudaDevice().describe()
    assert description["name"] == "abacus"
    assert description["compute capability"] == "9.0"
    assert description["second-level cache"] == "50 MiB"
    assert description["driver_version"] == "580.10"
    assert description["power.limit"] == "700.00 W"
    assert "0123" not in str(description)  # which would name the machine


def test_description_without_nvidia_smi(properties, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert CudaDevice().describe()["clocks.max.sm"] == "unknown"
