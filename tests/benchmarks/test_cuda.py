"""A run on a GPU, with a stand-in for the GPU: all else is the code that runs there."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import pyquant
from benchmarks import command, report, torch_peers
from benchmarks.cases import Case
from benchmarks.command import measure_and_write
from benchmarks.contenders import Contender
from benchmarks.cuda.contenders import missing_peers
from benchmarks.cuda.device import CudaDevice, Recording
from benchmarks.cuda.measure import MOST_IMAGES, measure_case, turns, verified_clock
from benchmarks.measure import measure
from benchmarks.run_files import read_run
from benchmarks.settings import ROOT
from benchmarks.verification import VerificationError
from fake_gpu import FakeGpu
from pyquant.libraries import NO_CUDA_REASON
from tiny_benchmark import TINY

CONFIG = replace(TINY, device="cuda", seconds=1e-5).resolved()
TEXTBOOK = Case("floyd_steinberg", "textbook", "uint8", "image", bits=2, device="cuda")
LINEAR = Case("linear_quantize", "nearest", "float32", "image", bits=2, device="cuda")


def measured(case, gpu=None):
    left_out = []
    results = measure_case(case, CONFIG, gpu or FakeGpu(), left_out.append)
    return {result.contender: result for result in results}, left_out


def test_what_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    run = measure_and_write(CONFIG, FakeGpu())
    folder = tmp_path / "h100"
    files = ["measurements.csv", "plot.png", "report.md", "run.json"]
    assert sorted(path.name for path in folder.iterdir()) == files
    assert read_run(folder) == run
    assert {result.case.op for result in run.results} == {"floyd_steinberg", "linear_quantize"}
    gpu = json.loads((folder / "run.json").read_text())["machine"]["gpu"]
    assert gpu["clock rate after each case"] == "1000 to 1000 MHz, median 1000"
    text = (folder / "report.md").read_text()
    assert text == report.to_markdown(run)
    assert all(what in text for what in run.left_out)


def test_name_of_the_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    config = replace(CONFIG, name="h100_again", ops=("linear_quantize",), dtypes=("float32",))
    measure_and_write(config, FakeGpu())
    assert [path.name for path in tmp_path.iterdir()] == ["h100_again"]


def test_contenders_of_both_ops():
    shared = {"pyquant", "copy_", "pyquant from Python", "clamp from Python"}
    dithered, _ = measured(TEXTBOOK)
    assert set(dithered) - {"Triton"} == shared | {"CPU and back"}
    quantized, left_out = measured(LINEAR)
    assert set(quantized) == shared | {"torch eager", "torch fake_quantize"}
    assert left_out == []


def test_wrong_result_of_a_graph_is_caught():
    class WrongGpu(FakeGpu):
        def record(self, calls):
            recording = super().record(calls)
            recording.results[-1][-1, -1, -1] += 1
            return Recording(lambda: None, recording.results)

    with pytest.raises(VerificationError, match="pyquant on linear_quantize.* 1 of 3072 values"):
        measured(LINEAR, WrongGpu())


def test_wrong_expectation_is_caught(spoil):
    """The kernels of the CPU say what those of the GPU must return, the reference confirms it."""
    spoil(pyquant, "floyd_steinberg")
    with pytest.raises(VerificationError, match="1 of 3072 values differ"):
        measured(TEXTBOOK)


def test_wrong_peer_is_left_out(spoil):
    spoil(torch_peers, "linear_quantize")
    results, left_out = measured(LINEAR)
    assert "pyquant" in results and "torch eager" not in results
    assert len(left_out) == 1 and "torch eager on linear_quantize" in left_out[0]


def test_out_of_memory_leaves_out_the_case(monkeypatch, tmp_path):
    image = Case.image

    def no_room_for_bytes(case, device):
        if case.dtype == "uint8":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return image(case, device)

    monkeypatch.setattr(Case, "image", no_room_for_bytes)
    run = measure_and_write(replace(CONFIG, output=tmp_path), FakeGpu())
    assert {result.case.dtype for result in run.results} == {"float32"}
    assert f"{TEXTBOOK}: out of memory" in run.left_out


def test_nothing_is_begun_after_the_time_limit():
    left_out = []
    config = replace(CONFIG, time_limit=1e-9, ops=("linear_quantize",))
    assert measure(config, lambda case, config: pytest.fail("begun"), left_out.append) == []
    assert len(left_out) == 4 and all("time limit" in what for what in left_out)


@pytest.mark.parametrize("cache_bytes, count", [(1, 4), (9 * 1024, 6), (2**30, MOST_IMAGES)])
def test_images_fill_the_cache_four_times(cache_bytes, count):
    gpu = FakeGpu()
    gpu.cache_bytes = cache_bytes
    images = turns(TEXTBOOK, gpu)  # 3 KiB, and as much for the result
    assert len(images) == len({image.data_ptr() for image in images}) == count
    assert all(torch.equal(image, images[0]) for image in images)


def test_a_graph_calls_once_with_each_image_and_its_clock_counts_replays():
    class Counting(FakeGpu):
        def seconds(self, work):
            before = self.replays
            work()
            return 6.0 * (self.replays - before)

    called = []
    images = [torch.zeros(2, 2) for _ in range(3)]

    def contender(image):
        return Contender(
            "name", lambda: called.append(image) or image.clone(), "none", recorded=True
        )

    gpu = Counting()
    of_images = [contender(image) for image in images]
    clock, count = verified_clock(of_images, LINEAR, images[0], images[0], gpu)
    assert count == 3 and [id(image) for image in called[-3:]] == [id(image) for image in images]
    assert clock(5) == 6.0  # seconds of a replay


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON)
def test_on_a_gpu(tmp_path):
    """The stand-in left out: graphs, events, the clock rate and the peers of the real device."""
    run = measure_and_write(replace(CONFIG, output=tmp_path), CudaDevice())
    assert run.left_out == missing_peers()
    assert all(0 < result.timing.median < 1 for result in run.results)
    assert run.machine["gpu"]["CUDA of torch"] == torch.version.cuda
    assert 100 < CudaDevice().clock_rate() < 10_000
    assert report.to_markdown(read_run(tmp_path)) == (tmp_path / "report.md").read_text()


def test_without_what_a_gpu_does_not_need(tmp_path):
    """Neither the other libraries nor matplotlib have to be there."""
    script = """
import sys
for name in ("numba", "PIL", "dithering", "cpuinfo", "matplotlib", "triton"):
    sys.modules[name] = None
from pathlib import Path
from test_cuda import CONFIG, FakeGpu, replace, measure_and_write
measure_and_write(replace(CONFIG, output=Path(sys.argv[1])), FakeGpu())
"""
    path = {"PYTHONPATH": f"{ROOT}:{ROOT}/tests/support:{ROOT}/tests/benchmarks"}
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, env=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("triton", "matplotlib"):
        assert f"{name} is not installed" in done.stdout
    files = ["measurements.csv", "report.md", "run.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
