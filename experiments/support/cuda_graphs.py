"""CUDA graphs: a function of tensors, recorded once, then replayed by a single launch."""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

WARM_UP_CALLS = 3

Shapes = tuple[torch.Size, ...]


@dataclass
class Recording:
    """A graph, and the tensors that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    result: Any


class RecordedFunction:
    """Calls ``function`` plainly a few times on CUDA, then records it and replays the recording.

    The plain calls do the caller's work, and fill what is filled once (momentum buffers, library
    workspaces), so nothing has to be undone. Every shape of the inputs has a recording of its own.
    On a CPU all calls are plain. If a recording fails, a warning says so and every call stays plain.

    Args:
        function: takes tensors, changes state in place or returns tensors, and never waits for the
            host.
        device: where its tensors are.
        generator: the source of randomness of ``function``, if it has one: a replay draws what a
            plain call would draw.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        device: torch.device,
        generator: torch.Generator | None = None,
    ) -> None:
        self.function = function
        self.generator = generator
        self.active = device.type == "cuda"
        #: Everything runs on it, since the workspaces of libraries belong to a stream: a graph is
        #: replayed where it was recorded. None on a CPU.
        self.stream = torch.cuda.Stream(device) if self.active else None
        self.calls: Counter[Shapes] = Counter()
        self.recordings: dict[Shapes, Recording] = {}

    def __call__(self, *inputs: Tensor) -> Any:
        """Calls the function: after what the caller's stream holds, and before what it gets next."""
        if self.stream is None:
            return self.function(*inputs)
        here = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            result = self.recorded_call(inputs) if self.active else self.function(*inputs)
        here.wait_stream(self.stream)
        return result

    def recorded_call(self, inputs: tuple[Tensor, ...]) -> Any:
        """Calls the function on the present stream, by its recording once these shapes have one."""
        shapes = tuple(given.shape for given in inputs)
        if shapes not in self.recordings:
            self.calls[shapes] += 1
            if self.calls[shapes] <= WARM_UP_CALLS:
                return self.function(*inputs)
            try:
                self.recordings[shapes] = self._record(inputs)
            except RuntimeError as error:
                self.active = False
                warnings.warn(
                    f"CUDA graph not recorded, running without it: {error}",
                    RuntimeWarning,
                    stacklevel=3,
                )
                return self.function(*inputs)
        recording = self.recordings[shapes]
        for recorded, given in zip(recording.inputs, inputs, strict=True):
            recorded.copy_(given)
        recording.graph.replay()
        result = recording.result
        # The next replay overwrites the recorded result.
        return result.clone() if isinstance(result, Tensor) else result

    def _record(self, inputs: tuple[Tensor, ...]) -> Recording:
        copies = tuple(given.clone() for given in inputs)
        graph = torch.cuda.CUDAGraph()
        if self.generator is not None:
            graph.register_generator_state(self.generator)
        with torch.cuda.graph(graph, stream=self.stream):
            result = self.function(*copies)
        return Recording(graph, copies, result)
