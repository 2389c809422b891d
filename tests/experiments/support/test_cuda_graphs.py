"""Functions recorded as CUDA graphs, where there is no GPU; test_cuda.py has the rest."""

import warnings
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from experiments.support.cuda_graphs import WARM_UP_CALLS, RecordedFunction, Recording


def test_plain_call_where_there_is_no_graph():
    calls = []
    recorded = RecordedFunction(lambda x: calls.append(x) or x + 1, torch.device("cpu"))
    for _ in range(WARM_UP_CALLS + 2):
        assert recorded(torch.tensor(1)) == 2
    assert len(calls) == WARM_UP_CALLS + 2


class Graph:
    """Stands for a CUDA graph: a replay runs the function on the recorded tensors."""

    def __init__(self, function, inputs):
        self.function, self.inputs, self.result = function, inputs, torch.zeros(inputs[0].shape)

    def replay(self):
        self.result.copy_(self.function(*self.inputs))


def test_each_shape_is_recorded_once_after_its_own_plain_calls(monkeypatch):
    plain, made = [], []
    recorded = RecordedFunction(lambda x: plain.append(x.shape) or x + 1, torch.device("cpu"))

    def record(inputs):
        made.append(inputs[0].shape)
        graph = Graph(lambda x: x + 1, tuple(given.clone() for given in inputs))
        return Recording(graph, graph.inputs, graph.result)

    monkeypatch.setattr(recorded, "_record", record)
    results = []
    for number in range(WARM_UP_CALLS + 3):
        for shape in ((5,), (2,)):
            results.append(recorded.recorded_call((torch.full(shape, float(number)),)))
            # A replay leaves the results of earlier ones as they are.
            assert all((r == n // 2 + 1).all() for n, r in enumerate(results))
    assert made == [(5,), (2,)]
    assert plain == [(5,), (2,)] * WARM_UP_CALLS


def test_recording_that_fails_warns_and_runs_plainly(monkeypatch):
    recorded = RecordedFunction(lambda x: x + 1, torch.device("cpu"))
    recorded.active = True

    def fails(inputs):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(recorded, "_record", fails)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(WARM_UP_CALLS):
            assert recorded.recorded_call((torch.tensor(number),)) == number + 1
    with pytest.warns(RuntimeWarning, match="not permitted when stream is capturing"):
        assert recorded.recorded_call((torch.tensor(7),)) == 8
    assert not recorded.active


class Streams:
    """Stands for the streams and graphs of torch.cuda: notes what happens on which stream."""

    def __init__(self, monkeypatch):
        self.events = []
        self.present = ["default"]
        monkeypatch.setattr(torch.cuda, "Stream", self.make)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self.default)
        monkeypatch.setattr(torch.cuda, "stream", self.on)
        monkeypatch.setattr(torch.cuda, "graph", lambda graph, stream: self.on(stream, "record"))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        self.default = self.make(None, "default")

    def make(self, device, name="own"):
        stream = SimpleNamespace(name=name, device=device)
        stream.wait_stream = lambda other: self.events.append(f"{name} waits for {other.name}")
        return stream

    @contextmanager
    def on(self, stream, event=None):
        self.present.append(stream.name)
        if event:
            self.note(event)
        yield
        self.present.pop()

    def note(self, event):
        self.events.append(f"{event} on {self.present[-1]}")

    def register_generator_state(self, generator):
        self.events.append(f"registered {generator}")

    def replay(self):
        self.note("replay")


def test_a_graph_is_recorded_on_the_stream_that_replays_it(monkeypatch):
    streams = Streams(monkeypatch)
    recorded = RecordedFunction(
        lambda index: streams.note("call"), torch.device("cuda"), generator="its generator"
    )
    found = []
    for _ in range(WARM_UP_CALLS + 2):
        recorded(torch.arange(3))
        found.append(list(streams.events))
        streams.events.clear()
    before, after = "own waits for default", "default waits for own"
    assert found[:WARM_UP_CALLS] == [[before, "call on own", after]] * WARM_UP_CALLS
    recording = ["registered its generator", "record on own", "call on own"]
    assert found[WARM_UP_CALLS:] == [
        [before, *recording, "replay on own", after],
        [before, "replay on own", after],
    ]
