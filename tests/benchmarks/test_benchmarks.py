"""The benchmark command on tiny sizes: that it verifies, what it writes and how it judges.
No speed is asserted anywhere."""

import json
import mmap
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import pyquant
from benchmarks import numba_loops, plain_loops, report, timing
from benchmarks.cases import Case, cases
from benchmarks.command import run_and_write
from benchmarks.contenders import Contender
from benchmarks.instruction_sets import forced, split_by_support
from benchmarks.measure import Result, run_case
from benchmarks.settings import ROOT, Config
from benchmarks.targets import targets
from benchmarks.timing import Timing, interleaved
from benchmarks.verification import VerificationError, check_levels
from pyquant import reference

TINY = Config(
    sizes=("image",),
    dtypes=("uint8", "float32"),
    threads=(1,),
    instruction_sets=(),
    seconds=0.001,
    rounds=3,
)
IMAGE = Case("floyd_steinberg", "published", "uint8", "image", bits=2)


@pytest.fixture
def spoil(monkeypatch):
    """spoil(module, op) makes one sample of the op's result wrong."""

    def replace_op(module, name):
        right = getattr(module, name)

        def wrong(image, *arguments, **keywords):
            result = right(image, *arguments, **keywords)
            result[(-1,) * result.ndim] += 1
            return result

        monkeypatch.setattr(module, name, wrong)

    return replace_op


def test_run_writes_json_markdown_and_plot(tmp_path):
    results = run_and_write(replace(TINY, output=tmp_path).resolved())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpu.json", "cpu.md", "cpu.png"]

    document = json.loads((tmp_path / "cpu.json").read_text())
    assert len(document["results"]) == len(results)
    assert {result["case"]["op"] for result in document["results"]} == set(TINY.ops)
    assert all(result["timing"]["median"] > 0 for result in document["results"])
    assert document["machine"]["build"]["pyquant"] == pyquant.__version__
    assert {"id", "dirty"} == document["machine"]["commit"].keys()

    markdown = (tmp_path / "cpu.md").read_text()
    for text in ("## Targets", "## Losses", "## floyd_steinberg", "Pillow joint", "copy_"):
        assert text in markdown
    assert str(ROOT) not in markdown + json.dumps(document)
    assert (tmp_path / "cpu.png").read_bytes().startswith(b"\x89PNG")


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "cpu.json"
    path.write_text("old")

    def fail(file):
        file.write(b"half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        report.write_atomically(path, fail)
    assert [file.name for file in tmp_path.iterdir()] == ["cpu.json"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("op", ["floyd_steinberg", "linear_quantize"])
def test_wrong_kernel_is_caught_and_nothing_is_written(op, spoil, tmp_path):
    spoil(pyquant, op)
    with pytest.raises(VerificationError, match=f"pyquant on {op}.* 1 of 3072 values differ"):
        run_and_write(replace(TINY, output=tmp_path, ops=(op,)).resolved())
    assert not list(tmp_path.iterdir())


def test_wrong_peer_is_caught(spoil):
    spoil(numba_loops, "floyd_steinberg")
    with pytest.raises(VerificationError, match="numba on floyd_steinberg"):
        run_case(IMAGE, TINY, [])


def test_peer_of_other_arithmetic_must_dither_to_the_levels():
    image = IMAGE.image()
    check_levels(IMAGE, pyquant.floyd_steinberg(image, 2), image)
    with pytest.raises(VerificationError, match="away from any level"):
        check_levels(IMAGE, image, image)
    with pytest.raises(VerificationError, match="changed the mean"):
        check_levels(IMAGE, torch.zeros_like(image), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_numba_loops_have_the_bits_of_the_reference(dtype, bits):
    random = np.random.default_rng(bits)
    if dtype == np.uint8:
        image = random.integers(0, 256, (2, 3, 5, 7), dtype)
    else:
        image = random.uniform(-0.1, 1.1, (2, 3, 5, 7)).astype(dtype)
        image[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    for variant in ("textbook", "published"):
        expected = reference.floyd_steinberg(image, bits, variant)
        for loops in (numba_loops, plain_loops):
            result = loops.floyd_steinberg(image, bits, variant)
            np.testing.assert_array_equal(result, expected)
    for rounding in ("nearest", "floor"):
        result = numba_loops.linear_quantize(image, bits, rounding)
        np.testing.assert_array_equal(result, reference.linear_quantize(image, bits, rounding))


def test_rounds_interleave():
    order = []

    def clock(name):
        def seconds_per_call(number):
            order.append(name)
            return 0.25 / number

        return seconds_per_call

    timings = interleaved([clock("a"), clock("b"), clock("c")], seconds=1.0, rounds=4)
    assert order == list("abc") * 4
    assert [timing.rounds for timing in timings] == [4, 4, 4]


def test_slow_contender_drops_out_after_a_few_rounds():
    clocks = [lambda number: 0.01, lambda number: 10.0]  # seconds per call
    quick, slow = interleaved(clocks, seconds=1.0, rounds=20)
    assert (quick.rounds, slow.rounds) == (20, timing.MINIMUM_ROUNDS)
    assert (quick.calls_per_round, slow.calls_per_round) == (5, 1)


def test_timing_is_median_and_quartiles():
    times = iter([1.0, 4.0, 2.0])
    (found,) = interleaved([lambda n: next(times)], seconds=1.0, rounds=3)
    assert found == Timing(2.0, 1.5, 3.0, 3, 1)


def test_page_faults_of_new_memory():
    def map_pages(bytes_to_write):
        with mmap.mmap(-1, 2**16) as pages:
            pages[:bytes_to_write] = bytes(bytes_to_write)

    faults = [
        Contender("map", partial(map_pages, size), "none").page_faults() for size in (0, 2**16)
    ]
    assert faults[0] < faults[1]


@pytest.fixture
def cuda_events(monkeypatch):
    """Stand-ins for CUDA events: 8 milliseconds between any two. Returns what was called."""
    log = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("synchronize")

        def elapsed_time(self, end):
            return 8.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    return log


def test_cuda_clock_divides_the_milliseconds_between_its_events(cuda_events):
    seconds = timing.cuda_clock(lambda: cuda_events.append("call"))(2)
    assert seconds == 0.004
    assert cuda_events == ["call", "record", "call", "call", "record", "synchronize"]


def test_cuda_run_times_copies_and_writes_files_named_cuda(cuda_events, monkeypatch, tmp_path):
    """The path through the command that needs no kernel: images stay on the CPU."""
    on_cpu = Case.image
    monkeypatch.setattr(Case, "image", lambda case: on_cpu(replace(case, device="cpu")))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "stand-in")
    results = run_and_write(replace(TINY, device="cuda", output=tmp_path).resolved())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cuda.json", "cuda.md", "cuda.png"]
    assert {"pyquant", "copy_", "clone"} <= {result.contender for result in results}
    assert not {"numba", "numpy", "dithering"} & {result.contender for result in results}
    markdown = (tmp_path / "cuda.md").read_text()
    assert "# Benchmarks on stand-in" in markdown and "## Targets" not in markdown


def _result(case, contender, seconds, threads=1):
    return Result(case, contender, threads, "bits", Timing(seconds, seconds, seconds, 3, 1))


def test_targets_take_the_fastest_peer_and_the_worst_case():
    batch = replace(IMAGE, size="batch")
    large = replace(IMAGE, size="large_batch")
    results = [
        _result(batch, "pyquant", 1.0),
        _result(batch, "copy_", 0.5),
        _result(batch, "clone", 0.1),
        _result(batch, "numba", 150.0),
        _result(batch, "dithering", 120.0),
        _result(large, "pyquant", 1.8),
        _result(large, "pyquant", 1.0, threads=2),
        _result(replace(large, mode="textbook"), "pyquant", 1.5),
        _result(replace(large, mode="textbook"), "pyquant", 1.0, threads=2),
        _result(replace(IMAGE, size="square"), "pyquant", 1.0),
        _result(replace(IMAGE, size="square"), "numba", 19.9),
    ]
    found = {(goal.work, goal.against): goal for goal in targets(results)}

    peer = found["published, uint8 (128,3,32,32)", "fastest peer"]
    assert (peer.ratio, peer.verdict) == (120.0, "met")
    assert peer.case.endswith("against dithering")
    copy = found["published, uint8 (128,3,32,32)", "copy_"]
    assert (copy.ratio, copy.verdict) == (0.5, "met")
    square = found["published, uint8 (3,1024,1024)", "fastest peer"]
    assert (square.ratio, square.verdict) == (19.9, "missed")
    threads = found["floyd_steinberg, large, 2 threads", "1 thread"]
    assert (threads.ratio, threads.verdict) == (1.5, "missed")
    assert "textbook" in threads.case
    path = found["AVX2 path", "AVX-512 path"]
    assert (path.ratio, path.verdict) == (None, "not measured")


def test_targets_are_also_set_against_what_bounds_them():
    large = Case("linear_quantize", "floor", "float64", "64mb", bits=2)
    results = [
        _result(large, "pyquant", 1.0),
        _result(large, "pyquant", 0.8, threads=2),
        _result(large, "copy_", 0.5),
        _result(large, "copy_", 0.4, threads=2),
        _result(large, "new memory", 0.25),
    ]
    found = {(goal.work, goal.against): goal.ratio for goal in targets(results)}
    assert found["linear_quantize, 64 MB, any dtype", "copy_"] == 0.5
    assert found["linear_quantize, 64 MB, any dtype", "copy_ + new memory"] == 0.75
    assert found["linear_quantize, large, 2 threads", "1 thread"] == 1.25
    assert found["linear_quantize, large, 2 threads", "what copy_ gains"] == 1.0


def test_losses_are_published():
    results = [
        _result(IMAGE, "pyquant", 1.0),
        _result(IMAGE, "copy_", 0.1),
        _result(IMAGE, "numba", 0.5),
        _result(IMAGE, "dithering", 2.0),
        _result(IMAGE, "pyquant", 1.25, threads=2),
        _result(IMAGE, "pyquant avx2", 4.0),
        _result(IMAGE, "pyquant portable", 2.0),
    ]
    markdown = report.losses(results)
    assert f"| {IMAGE} | pyquant | numba | 0.5x |" in markdown
    assert f"| {IMAGE} | pyquant, 2 threads | pyquant | 0.8x |" in markdown
    assert f"| {IMAGE} | pyquant avx2 | pyquant portable | 0.5x |" in markdown
    assert "dithering" not in markdown and "copy_" not in markdown


def test_instruction_sets_are_forced_verified_and_timed():
    chosen = torch.ops.pyquant.instruction_set()
    with forced("portable"):
        assert torch.ops.pyquant.instruction_set() == "portable"
    assert torch.ops.pyquant.instruction_set() == chosen

    case = replace(IMAGE, size="batch", dtype="float32")
    results = run_case(case, replace(TINY, threads=(1, 2)), ["portable"])
    timed = {(result.contender, result.threads) for result in results}
    assert timed >= {("pyquant", 1), ("pyquant", 2), ("pyquant portable", 1)}
    assert torch.ops.pyquant.instruction_set() == chosen


def test_unknown_instruction_set_is_left_out_with_the_reason():
    supported, reasons = split_by_support(["portable", "abacus"])
    assert supported == ["portable"]
    assert "abacus" in reasons["abacus"]


def test_quick_and_cuda_settings():
    quick = Config(quick=True).resolved()
    assert quick.sizes == ("image", "batch", "square")
    assert quick.output == ROOT / "build" / "benchmarks"
    cuda = Config(device="cuda").resolved()
    assert (cuda.threads, cuda.instruction_sets) == ((1,), ())
    assert cuda.output == ROOT / "benchmarks" / "results"


@pytest.mark.parametrize(
    "options", [{"bits": 9}, {"rounds": 0}, {"seconds": 0}, {"threads": (2,)}, {"threads": (0, 1)}]
)
def test_bad_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        Config(**options)


def test_every_dtype_is_timed_on_a_batch():
    found = cases(Config())
    batch = {case.dtype for case in found if case.size == "batch"}
    assert batch == set(Config().dtypes)
    assert {case.op for case in found if case.size == "64mb"} == {"linear_quantize"}
    sizes = {case.dtype: case.torch_dtype.itemsize for case in found}
    for case in found:
        if case.size == "64mb":
            assert torch.Size(case.shape).numel() * sizes[case.dtype] == 2**26
