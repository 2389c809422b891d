"""A GPU that is none: its images lie in the memory of the CPU, and recorded calls are made again at
every replay."""

import time

import torch

from benchmarks.cuda.device import CudaDevice, Recording


class FakeGpu(CudaDevice):
    torch_device = torch.device("cpu")
    cache_bytes = 1000

    def __init__(self):
        self.replays = 0

    def seconds(self, work):
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def record(self, calls):
        results = [call() for call in calls]

        def replay():
            self.replays += 1
            for call, result in zip(calls, results, strict=True):
                result.copy_(call())

        return Recording(replay, results)

    def clock_rate(self):
        return 1000.0

    def release(self):
        pass

    def describe(self):
        return {"name": "NVIDIA H100 80GB HBM3", "CUDA of torch": None}
