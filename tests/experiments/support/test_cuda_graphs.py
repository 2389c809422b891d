"""Functions recorded as CUDA graphs, where there is no GPU; test_cuda.py has the rest."""

import warnings

import pytest
import torch

from experiments.support.cuda_graphs import WARM_UP_CALLS, RecordedFunction


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
