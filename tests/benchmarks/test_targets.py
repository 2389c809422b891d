"""How measurements are judged."""

from dataclasses import replace

from benchmarks.cases import Case
from benchmarks.formatting import contender
from benchmarks.measurements import losses
from benchmarks.targets import outcomes
from tiny_benchmark import IMAGE, result


def test_targets_take_the_fastest_peer_and_the_worst_case():
    batch = replace(IMAGE, size="batch")
    large = replace(IMAGE, size="large_batch")
    results = [
        result(batch, "pyquant", 1.0),
        result(batch, "copy_", 0.5),
        result(batch, "clone", 0.1),
        result(batch, "numba", 150.0),
        result(batch, "dithering", 120.0),
        result(large, "pyquant", 1.8),
        result(large, "pyquant", 1.0, threads=2),
        result(replace(large, mode="textbook"), "pyquant", 1.5),
        result(replace(large, mode="textbook"), "pyquant", 1.0, threads=2),
        result(replace(IMAGE, size="square"), "pyquant", 1.0),
        result(replace(IMAGE, size="square"), "numba", 19.9),
    ]
    found = {(each.target.work, each.target.against): each for each in outcomes(results)}

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
        result(large, "pyquant", 1.0),
        result(large, "pyquant", 0.8, threads=2),
        result(large, "copy_", 0.5),
        result(large, "copy_", 0.4, threads=2),
        result(large, "new memory", 0.25),
    ]
    found = {(each.target.work, each.target.against): each.ratio for each in outcomes(results)}
    assert found["linear_quantize, 64 MB, any dtype", "copy_"] == 0.5
    assert found["linear_quantize, 64 MB, any dtype", "copy_ + new memory"] == 0.75
    assert found["linear_quantize, large, 2 threads", "1 thread"] == 1.25
    assert found["linear_quantize, large, 2 threads", "what copy_ gains"] == 1.0


def test_losses():
    results = [
        result(IMAGE, "pyquant", 1.0),
        result(IMAGE, "copy_", 0.1),
        result(IMAGE, "numba", 0.5),
        result(IMAGE, "dithering", 2.0),
        result(IMAGE, "pyquant", 1.25, threads=2),
        result(IMAGE, "pyquant avx2", 4.0),
        result(IMAGE, "pyquant portable", 2.0),
    ]
    found = [(contender(a.slower), contender(a.faster), a.speed) for a in losses(results)]
    assert sorted(found) == [
        ("pyquant", "numba", 0.5),
        ("pyquant avx2", "pyquant portable", 0.5),
        ("pyquant, 2 threads", "pyquant", 0.8),
    ]
