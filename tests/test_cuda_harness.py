"""The harness finds bugs: one of each kind is planted, and must be seen. If one of these
tests fails, the tests of the kernels prove nothing."""

import subprocess

import pytest
import torch
from cuda_harness import execute, fibres, threads

from images import by_reference, random_image
from pyquant import reference

TALL = random_image((1, 3 * 128 + 1, 9))


def found(bug: str, image=TALL, **options) -> str:
    """What the fibre engine says, or "wrong" for a wrong result, or "" if it sees nothing."""
    expected = by_reference(reference.floyd_steinberg, image, 2, "textbook")
    for seed in range(5):
        try:
            result, _ = execute(
                "floyd_steinberg", image, 2, "textbook", seed=seed, bug=bug, **options
            )
        except fibres().Fault as fault:
            return str(fault)
        if not torch.equal(result, expected):
            return "wrong"
    return ""


def test_nothing_planted():
    assert found("") == ""


def test_missing_warp_barrier():
    assert found("no warp barriers", random_image((3, 32, 32)))


def test_missing_block_barrier():
    assert found("no block barriers")


def test_skew_off_by_one():
    assert found("late shuffles", random_image((1, 32, 32))) == "wrong"


def test_bands_in_an_order_that_needs_all_blocks_resident():
    assert "deadlock" in found("last block first", resident_blocks=2)
    assert found("last block first", resident_blocks=4) == ""


@pytest.mark.parametrize("width", (24, 48))
def test_read_past_the_end(width):
    """A plane that is said to be a row higher than its memory; with 24 columns its samples
    are loaded one by one, with 48 in pieces of 16 bytes."""
    assert "outside every buffer" in found("a row too many", random_image((1, 32, width)))


def dither_in_threads(shape, dtype, variant, multiprocessors, blocks, *bug):
    image = random_image(shape, dtype)
    name = str(dtype).removeprefix("torch.")
    process = subprocess.run(
        [threads(), name, "2", variant, *map(str, shape), str(multiprocessors), str(blocks), *bug],
        input=image.numpy().tobytes(),
        capture_output=True,
    )
    return image, process


def tsan_reason() -> str:
    """Why ThreadSanitizer cannot be used here, or nothing."""
    program = "int main() {}"
    try:
        compiler = subprocess.run(
            ["g++", "-fsanitize=thread", "-x", "c++", "-", "-o", "/dev/null"],
            input=program, capture_output=True, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        return "no g++"
    return "" if compiler.returncode == 0 else "g++ has no libtsan"


needs_tsan = pytest.mark.skipif(bool(tsan_reason()), reason=tsan_reason() or "ThreadSanitizer")

SMALL = [
    ((2, 5, 33), torch.uint8, "published", 1, 1),
    ((1, 34, 20), torch.float16, "textbook", 1, 1),
    ((1, 130, 5), torch.float32, "published", 8, 2),
    ((2, 33, 40), torch.uint8, "textbook", 1, 1),
]


@needs_tsan
@pytest.mark.parametrize(("shape", "dtype", "variant", "multiprocessors", "blocks"), SMALL)
def test_no_races(shape, dtype, variant, multiprocessors, blocks):
    image, process = dither_in_threads(shape, dtype, variant, multiprocessors, blocks)
    assert process.returncode == 0, process.stderr.decode()[:3000]
    expected = by_reference(reference.floyd_steinberg, image, 2, variant)
    assert process.stdout == expected.numpy().tobytes()


@needs_tsan
@pytest.mark.parametrize(
    ("bug", "shape"),
    [("no warp barriers", (1, 20, 33)), ("no block barriers", (1, 34, 5))],
)
def test_planted_races(bug, shape):
    _, process = dither_in_threads(shape, torch.uint8, "textbook", 1, 1, bug)
    assert process.returncode == 66
    assert b"data race" in process.stderr


@needs_tsan
def test_missing_release_before_a_flag():
    assert subprocess.run([threads(), "handover", ""]).returncode == 0
    process = subprocess.run([threads(), "handover", "no release"], capture_output=True)
    assert process.returncode == 66
    assert b"data race" in process.stderr
