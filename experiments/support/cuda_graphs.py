"""CUDA graphs: a function of tensors, recorded once, then replayed by a single launch."""

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP_CALLS = 3


class RecordedFunction:
    """Calls ``function`` plainly a few times on CUDA, then records it and replays the recording.

    The plain calls do the caller's work, and fill what is filled once (momentum buffers, library
    workspaces). The shape that comes most often is recorded; inputs of another one, and everything on
    a CPU, run plainly. If the recording fails, a warning says so and every call stays plain.

    Args:
        function: takes tensors, changes state in place or returns tensors, and never waits for the
            host.
        device: where its tensors are.
    """

    def __init__(self, function: Callable[..., Any], device: torch.device) -> None:
        self.function = function
        self.active = device.type == "cuda"
        self.calls: Counter[tuple[torch.Size, ...]] = Counter()
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()
        self.result: Any = None

    def __call__(self, *inputs: Tensor) -> Any:
        if not self.active:
            return self.function(*inputs)
        shapes = tuple(given.shape for given in inputs)
        graph = self.graph
        if graph is None:
            self.calls[shapes] += 1
            if self.calls[shapes] <= WARM_UP_CALLS:
                return self._on_side_stream(inputs)
            try:
                graph = self._record(inputs)
            except RuntimeError as error:
                self.active = False
                warnings.warn(
                    f"CUDA graph not recorded, running without it: {error}",
                    RuntimeWarning,
                    stacklevel=2,
                )
                return self.function(*inputs)
        if shapes != tuple(recorded.shape for recorded in self.inputs):
            return self.function(*inputs)
        for recorded, given in zip(self.inputs, inputs, strict=True):
            recorded.copy_(given)
        graph.replay()
        # The next replay overwrites the recorded result.
        return self.result.clone() if isinstance(self.result, Tensor) else self.result

    def _on_side_stream(self, inputs: tuple[Tensor, ...]) -> Any:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            result = self.function(*inputs)
        torch.cuda.current_stream().wait_stream(side)
        return result

    def _record(self, inputs: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        copies = tuple(i.clone() for i in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self.function(*copies)
        self.graph, self.inputs, self.result = graph, copies, result
        return graph
