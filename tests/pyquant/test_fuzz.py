"""Random images in random memory, compared with the numpy reference bit for bit.

A test run draws the same few cases each time; with PYQUANT_FUZZ_EXAMPLES=N it draws N new ones.
"""

import math
import os
from dataclasses import dataclass

import numpy
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from images import assert_same_bits
from op_modes import OP_MODES, OpMode
from pyquant.ops import DTYPES

EXAMPLES = os.environ.get("PYQUANT_FUZZ_EXAMPLES")
SETS = torch.ops.pyquant._supported_instruction_sets().split(",")
INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
MOST_PIXELS = 1200
"""Of a plane; the reference takes some 50 microseconds for each."""
MOST_SAMPLES = 50_000
MOST_MEMORY = 4_000_000
"""Samples with those around and between those of the image."""
SIZES = st.one_of(
    st.integers(1, 9),
    st.sampled_from([0, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129]),
    st.integers(10, 300),
)
VALUES = ("noise", "near thresholds", "special", "any bits", "mixed", "constant")


@dataclass(frozen=True)
class Layout:
    """How samples lie in memory."""

    order: tuple[int, ...]
    """The dimensions, from that with the largest stride on."""
    steps: tuple[int, ...]
    margins: tuple[int, ...]
    """Samples before and after the image, in each dimension."""

    def sizes(self, shape: tuple[int, ...]) -> list[int]:
        """Of the memory."""
        return [
            size * step + 2 * margin
            for size, step, margin in zip(shape, self.steps, self.margins, strict=True)
        ]

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The memory, filled with a pattern, and the image in it."""
        sizes = self.sizes(shape)
        memory = torch.empty([sizes[dim] for dim in self.order], dtype=dtype)
        memory.view(-1).view(torch.uint8).copy_(torch.arange(memory.nbytes))
        inverse = [self.order.index(dim) for dim in range(len(shape))]
        places = tuple(
            slice(margin, margin + size * step, step)
            for size, step, margin in zip(shape, self.steps, self.margins, strict=True)
        )
        return memory, memory.permute(inverse)[places]


@dataclass(frozen=True)
class Case:
    op: OpMode
    bits: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    layout: Layout
    expanded: tuple[int, ...]
    """Dimensions in which all samples are the same one."""
    values: str
    seed: int
    out: Layout | str
    """ "new", "in place", or where the result goes."""
    instruction_set: str
    threads: int


@st.composite
def layouts(draw, shape: tuple[int, ...]) -> Layout:
    dimensions = len(shape)
    order = draw(st.permutations(range(dimensions)) | st.just(list(range(dimensions))))
    steps = [draw(st.sampled_from([1, 1, 1, 2, 3])) for _ in range(dimensions)]
    margins = [draw(st.sampled_from([0, 0, 0, 1, 2, 5])) for _ in range(dimensions)]
    layout = Layout(tuple(order), tuple(steps), tuple(margins))
    assume(math.prod(layout.sizes(shape)) <= MOST_MEMORY)
    return layout


@st.composite
def shapes(draw) -> tuple[int, ...]:
    height = draw(SIZES)
    width = min(draw(SIZES), MOST_PIXELS // max(height, 1))
    leading: list[int] = []
    for _ in range(draw(st.integers(0, 3))):
        most = MOST_SAMPLES // math.prod(max(size, 1) for size in (*leading, height, width))
        leading.append(min(draw(SIZES), most))
    planes = (height, width) if draw(st.booleans()) else (width, height)
    return (*leading, *planes)


@st.composite
def cases(draw) -> Case:
    shape = draw(shapes())
    dimensions = len(shape)
    expanded = draw(st.just(()) | st.just(()) | st.sets(st.integers(0, dimensions - 1)).map(tuple))
    outs = st.just("new") | layouts(shape)
    return Case(
        op=draw(st.sampled_from(OP_MODES)),
        bits=draw(st.integers(1, 8)),
        dtype=draw(st.sampled_from(DTYPES)),
        shape=shape,
        layout=draw(layouts(shape)),
        expanded=expanded,
        values=draw(st.sampled_from(VALUES)),
        seed=draw(st.integers(0, 2**32 - 1)),
        out=draw(outs if expanded else st.just("in place") | outs),
        instruction_set=draw(st.sampled_from(SETS)),
        threads=draw(st.integers(1, 4)),
    )


def samples(case: Case, shape: list[int]) -> Tensor:
    """The values of an image."""
    generator = torch.Generator().manual_seed(case.seed)
    if case.dtype == torch.uint8:
        high = 2 if case.values == "special" else 256
        return torch.randint(high, shape, generator=generator, dtype=torch.uint8)

    def integers(low: int, high: int, dtype: torch.dtype = torch.int64) -> Tensor:
        return torch.randint(low, high, shape, generator=generator, dtype=dtype)

    number = INTEGERS[case.dtype.itemsize]
    limits, info = torch.iinfo(number), torch.finfo(case.dtype)
    noise = (1.4 * torch.rand(shape, generator=generator) - 0.2).to(case.dtype)
    # The thresholds of both roundings and the levels, and the next floats around them.
    quotients = torch.tensor([2 * (2**case.bits - 1), 255, 510])[integers(0, 3)]
    thresholds = ((integers(0, 511) % (quotients + 1)) / quotients.double()).to(case.dtype)
    near = (thresholds.view(number) + integers(-2, 3).to(number)).view(case.dtype)
    special = torch.tensor(
        [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, info.tiny, info.max, info.min]
        + [info.smallest_normal / 2, -info.smallest_normal / 2, info.eps, 1 - info.eps / 2],
        dtype=torch.float64,
    ).to(case.dtype)[integers(0, 13)]
    any_bits = integers(limits.min, limits.max, number).view(case.dtype)
    kinds = {"noise": noise, "near thresholds": near, "special": special, "any bits": any_bits}
    if case.values == "constant":
        return near.flatten()[:1].expand(noise.numel()).reshape(shape).clone()
    if case.values == "mixed":
        choice = integers(0, len(kinds))[None]
        return torch.stack(list(kinds.values())).gather(0, choice)[0]
    return kinds[case.values]


def written(memory: Tensor, image: Tensor, values: Tensor) -> Tensor:
    """A copy of the memory in which the image has these values, and nothing else is changed."""
    copy = memory.clone()
    copy.as_strided(image.shape, image.stride(), image.storage_offset()).copy_(values)
    return copy


@pytest.fixture(scope="module", autouse=True)
def default_instruction_set_and_threads():
    before = torch.ops.pyquant.instruction_set(), torch.get_num_threads()
    yield
    torch.ops.pyquant._use_instruction_set(before[0])
    torch.set_num_threads(before[1])


@settings(
    max_examples=int(EXAMPLES or 200),
    derandomize=EXAMPLES is None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_random_cases(case):
    stored = [1 if dim in case.expanded else size for dim, size in enumerate(case.shape)]
    memory, image = case.layout.empty(tuple(stored), case.dtype)
    image.copy_(samples(case, stored))
    image = image.expand(case.shape)
    before = memory.clone()
    with numpy.errstate(all="ignore"):  # numbers beyond float32, NaN
        expected = case.op.reference(image.contiguous(), case.bits)
    torch.ops.pyquant._use_instruction_set(case.instruction_set)
    torch.set_num_threads(case.threads)
    if case.out == "new":
        result = case.op(image, case.bits)
        assert result.stride() == torch.empty_like(image).stride()
    elif case.out == "in place":
        result = case.op(image, case.bits, out=image)
        assert result is image
        before = written(before, image, expected)
    else:
        out_memory, out = case.out.empty(case.shape, case.dtype)
        out_after = written(out_memory, out, expected)
        result = case.op(image, case.bits, out=out)
        assert result is out
        assert_same_bits(out_memory, out_after)
    assert result.shape == expected.shape
    assert_same_bits(result, expected)
    assert_same_bits(memory, before)
