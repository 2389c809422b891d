"""Functions recorded as CUDA graphs, where there is no GPU; test_cuda.py has the rest."""

import warnings

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
