"""Device, threads, memory: what a command runs on."""

import platform
import subprocess
import sys

import pytest
import torch

from tiny_experiment import ONE_THREAD


def test_bad_runtime_is_refused():
    assert ONE_THREAD.start() == torch.device("cpu")
    for threads in (0, 1025, 2**31):
        with pytest.raises(ValueError, match=f"threads is {threads}; accepted are .* 1 to 1024"):
            type(ONE_THREAD)(threads=threads).start()
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device is 'cuda', but torch finds no GPU"):
            type(ONE_THREAD)(device="cuda").start()


def test_freed_memory_is_used_again():
    if platform.libc_ver()[0] != "glibc":
        return
    count = "import resource; faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt"
    # 8 tensors of 4096 pages each: 32768 faults a round if they go back to the kernel.
    work = "[torch.ones(1 << 24, dtype=torch.uint8) for _ in range(8)]"
    start = (
        "from experiments.support.runtime import Runtime; import torch; Runtime(threads=1).start()"
    )
    script = f"{start}\n{count}\nfor _ in range(20): {work}\nbefore = faults()\nfor _ in range(10): {work}\n"
    script += "print(faults() - before)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 32768
