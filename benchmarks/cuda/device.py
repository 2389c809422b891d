"""All that a run needs of a GPU. The tests replace it, and so everything else runs without one."""

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

SPUN_CYCLES = 5_000_000  # about three milliseconds
SETTINGS = ("driver_version", "clocks.max.sm", "clocks.max.mem", "power.limit")  # of nvidia-smi


@dataclass(frozen=True)
class Recording:
    """Calls as one CUDA graph, with the results that each replay writes again."""

    replay: Callable[[], None]
    results: list[Tensor]


class CudaDevice:
    """The current CUDA device."""

    torch_device = torch.device("cuda")

    @property
    def cache_bytes(self) -> int:
        """Of the second-level cache."""
        return torch.cuda.get_device_properties().L2_cache_size

    def seconds(self, work: Callable[[], object]) -> float:
        """From an event before the work to one after it on the stream. Where the device is done before
        the host has launched the next call, this is the time of the host."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000  # events count milliseconds

    def record(self, calls: Iterable[Callable[[], Tensor]]) -> Recording:
        """Each call once, one after the other.

        Raises:
            torch.OutOfMemoryError: if the results do not fit.
        """
        # Outside a graph first: what a first call compiles or loads cannot be recorded, and where
        # memory runs out, it does so here. A recording that fails would leave torch in its midst.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            results = [call() for call in calls]
        torch.cuda.synchronize()
        del results
        self.release()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = [call() for call in calls]
        return Recording(graph.replay, results)

    def clock_rate(self) -> float:
        """In MHz, by a kernel that waits for a number of cycles."""
        torch.cuda._sleep(1)  # loads the kernel
        return SPUN_CYCLES / self.seconds(lambda: torch.cuda._sleep(SPUN_CYCLES)) / 1e6

    def release(self) -> None:
        """Gives memory that no tensor uses back to the device."""
        torch.cuda.empty_cache()

    def describe(self) -> dict[str, object]:
        properties = torch.cuda.get_device_properties()
        return {
            "name": properties.name,
            "compute capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "memory": f"{properties.total_memory / 2**30:.1f} GiB",
            "second-level cache": f"{self.cache_bytes / 2**20:g} MiB",
            "CUDA of torch": torch.version.cuda,
            **_settings(),
        }


def _settings() -> dict[str, str]:
    """What nvidia-smi says; "unknown" without it."""
    query = f"--query-gpu={','.join(SETTINGS)}"
    try:
        output = subprocess.run(
            ["nvidia-smi", query, "--format=csv,noheader", f"--id={_identifier()}"],
            capture_output=True, text=True, check=True, timeout=20,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return dict.fromkeys(SETTINGS, "unknown")
    return dict(zip(SETTINGS, (field.strip() for field in output.split(",")), strict=True))


def _identifier() -> str:
    """Of the device for nvidia-smi, which does not follow CUDA_VISIBLE_DEVICES."""
    return f"GPU-{torch.cuda.get_device_properties().uuid}"
