"""Device, threads, memory: what a command runs on."""

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import joblib
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


def test_convolutions_are_deterministic_unless_the_user_says_otherwise():
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    try:
        for choice, flags in (("deterministic", (True, False)), ("benchmark", (False, True))):
            type(ONE_THREAD)(device="cpu", threads=1, cudnn=choice).start()
            assert (cudnn.deterministic, cudnn.benchmark) == flags
        ONE_THREAD.start()
        assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
    finally:
        cudnn.deterministic, cudnn.benchmark = before


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


@pytest.mark.parametrize(
    ("most", "expected"),
    [(2**30, {-3: 2**30, -1: 2**31 - 1}), (2**25, {-3: 2**25, -1: 2**31 - 1}), (0, {})],
)
def test_memory_of_a_c_library_that_accepts_less(most, expected, monkeypatch):
    """-3 and -1 are M_MMAP_THRESHOLD and M_TRIM_THRESHOLD; the second is set only with the first."""
    settings = {}

    def mallopt(name, value):
        if name == -3 and value > most:
            return 0
        settings[name] = value
        return 1

    monkeypatch.setattr(
        "experiments.support.device.ctypes.CDLL", lambda _: SimpleNamespace(mallopt=mallopt)
    )
    ONE_THREAD.start()
    assert settings == expected


def started(script, **environment):
    """The output of a new process that starts a command's runtime, and of OpenMP as it is loaded."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    script = f"from experiments.support.runtime import Runtime; import os, torch; {script}"
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, "OMP_DISPLAY_ENV": "true", **environment},
    )


@pytest.mark.parametrize(
    ("environment", "policy"),
    [
        ({}, "PASSIVE"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        # libgomp's own default.
        ({"GOMP_SPINCOUNT": "1000"}, "PASSIVE"),
    ],
)
def test_threads_wait_without_spinning_unless_the_user_says_so(environment, policy):
    done = started("print(os.environ.get('OMP_WAIT_POLICY'))", **environment)
    assert done.stdout == ("None\n" if "GOMP_SPINCOUNT" in environment else f"{policy}\n")
    if platform.libc_ver()[0] == "glibc":
        assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr


def test_default_threads_are_those_that_this_process_may_use():
    count = "Runtime(device='cpu').start(); print(torch.get_num_threads())"
    assert int(started(count).stdout) == joblib.cpu_count()
    assert started(count, OMP_NUM_THREADS="1").stdout == "1\n"
    if hasattr(os, "sched_setaffinity"):
        one = f"os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {count}"
        assert started(one).stdout == "1\n"


def test_default_threads_stay_within_the_control_group(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("experiments.support.device.joblib.cpu_count", lambda: 5)
    try:
        type(ONE_THREAD)(device="cpu").start()
        assert torch.get_num_threads() == 5
    finally:
        torch.set_num_threads(before)
