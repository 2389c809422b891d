"""The harness finds bugs: one of each kind is planted, and must be seen. If one of these
tests fails, the tests of the kernels prove nothing."""

import os
import subprocess

import pytest
import torch

from cuda_harness import ROOT, execute, fibres, threads
from images import by_reference, random_image
from pyquant import reference

TALL = random_image((1, 3 * 128 + 1, 9))


def found(bug: str, image=TALL, op="floyd_steinberg", mode="textbook", **options) -> str:
    """What the fibre engine says, or "wrong" for a wrong result, or "" if it sees nothing."""
    expected = by_reference(getattr(reference, op), image, 2, mode)
    for seed in range(5):
        try:
            result, _ = execute(op, image, 2, mode, seed=seed, bug=bug, **options)
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


def test_lanes_that_part():
    """What a GPU may let pass: its shuffles and its barriers for aligned warps are undefined then."""
    for shape in ((3, 32, 32), (1, 40, 131)):
        assert found("lane without warp", random_image(shape))
    assert "different barriers" in found("lane at another barrier")


def test_skew_off_by_one():
    assert found("late shuffles", random_image((1, 32, 32))) == "wrong"


def test_bands_in_an_order_that_needs_all_blocks_resident():
    assert "deadlock" in found("last block first", resident_blocks=2)
    assert found("last block first", resident_blocks=4) == ""


@pytest.mark.parametrize("bug", ("no waiting", "half words"))
def test_errors_that_have_not_arrived(bug):
    """A block that does not wait for the band above, and words that are seen half written."""
    assert found(bug, resident_blocks=8, multiprocessors=8) == "wrong"


@pytest.mark.parametrize(
    "shape",
    [(1, 31, 25), (1, 31, 24), (1, 31, 48), (1, 69, 128), (1, 69, 132), (1, 69, 131)],
    ids=str,
)
def test_read_past_the_end(shape):
    """A plane that is said to be a row higher than its memory, where rows are moved in pieces, in
    words and sample by sample."""
    assert "outside every buffer" in found("a row too many", random_image(shape))


@pytest.mark.parametrize("width", (48, 44, 41))
def test_read_past_the_end_by_linear_quantize(width):
    """The same for rows with gaps between them."""
    image = random_image((5, 64))[..., :width]
    assert "outside every buffer" in found(
        "a row too many", image, op="linear_quantize", mode="nearest"
    )


def execute_in_threads(op, shape, dtype, mode, multiprocessors, blocks, *bug):
    image = random_image(shape, dtype)
    name = str(dtype).removeprefix("torch.")
    process = subprocess.run(
        [threads(), op, name, "2", mode, *map(str, shape), str(multiprocessors), str(blocks), *bug],
        input=image.numpy().tobytes(),
        capture_output=True,
        env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1"},  # a race may leave the kernel waiting
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
    ("floyd_steinberg", (2, 5, 33), torch.uint8, "published", 1, 1),
    ("floyd_steinberg", (1, 34, 20), torch.float16, "textbook", 1, 1),
    ("floyd_steinberg", (1, 130, 5), torch.float32, "published", 8, 2),
    ("floyd_steinberg", (2, 33, 40), torch.uint8, "textbook", 1, 1),
    ("floyd_steinberg", (1, 40, 131), torch.uint8, "textbook", 1, 1),
    ("floyd_steinberg", (2, 9, 28), torch.uint8, "textbook", 1, 1),
    ("floyd_steinberg", (1, 40, 128), torch.float32, "published", 1, 1),
    ("linear_quantize", (3, 33, 40), torch.uint8, "nearest", 1, 2),
    ("linear_quantize", (3, 7, 41), torch.float32, "floor", 1, 2),
]


@needs_tsan
@pytest.mark.parametrize(("op", "shape", "dtype", "mode", "multiprocessors", "blocks"), SMALL)
def test_no_races(op, shape, dtype, mode, multiprocessors, blocks):
    image, process = execute_in_threads(op, shape, dtype, mode, multiprocessors, blocks)
    assert process.returncode == 0, process.stderr.decode()[:3000]
    assert process.stdout == by_reference(getattr(reference, op), image, 2, mode).numpy().tobytes()


# A warp with planes of a stripe, two blocks with a warp per stripe, a warp with two stripes.
ONE_STRIPE, TWO_BLOCKS, TWO_STRIPES = (1, 20, 9), (1, 130, 5), (1, 40, 112)


def found_in_threads(shape, bug) -> str:
    """What is seen: a race, a wrong result, or nothing."""
    image, process = execute_in_threads(
        "floyd_steinberg", shape, torch.float64, "textbook", 2, 2, bug
    )
    if process.returncode == 66 and b"data race" in process.stderr:
        return "race"
    expected = by_reference(reference.floyd_steinberg, image, 2, "textbook")
    return "" if process.stdout == expected.numpy().tobytes() else "wrong"


BARRIERS = [
    f"{path.parent.name}/{path.name}:{number}"
    for path in sorted((ROOT / "csrc" / "cuda").rglob("*.cuh"))
    if path.name != "device.cuh"  # which defines them
    for number, line in enumerate(path.read_text().splitlines(), 1)
    if "device::synchronize_" in line
]


@needs_tsan
@pytest.mark.parametrize("place", BARRIERS)
def test_every_barrier_is_needed(place):
    """Without any one of them, one thread writes what another reads or writes, or reads what is not
    there yet."""
    bug = f"no barrier at {place}"
    assert any(found_in_threads(shape, bug) for shape in (ONE_STRIPE, TWO_BLOCKS, TWO_STRIPES))


@needs_tsan
def test_words_that_are_handed_over_by_plain_stores():
    assert found_in_threads(TWO_BLOCKS, "weak words") == "race"


@needs_tsan
def test_missing_release_before_a_flag():
    """In a kernel of the harness: the words that the real one hands over are their own flags."""
    assert subprocess.run([threads(), "handover", ""]).returncode == 0
    process = subprocess.run([threads(), "handover", "no release"], capture_output=True)
    assert process.returncode == 66
    assert b"data race" in process.stderr
