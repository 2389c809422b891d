"""The argument `out`: results in memory that exists, and in place."""

import io
import re

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

import pyquant
from images import assert_same, layouts, random_image
from op_modes import OP_MODES, for_every_op_mode
from pyquant.ops import DTYPES

SHAPES = [
    (1, 1),
    (9, 1),
    (1, 127),
    (33, 65),
    (2, 1, 33, 31),
    (3, 32, 32),
    (40, 3, 32, 32),
    (2, 3, 64, 96),
    (1, 130, 260),
    (1, 2**18),
]


@for_every_op_mode
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_in_place(shape, dtype, op):
    image = random_image(shape, dtype)
    expected = op(image)
    assert op(image, out=image) is image
    assert_same(image, expected)


@for_every_op_mode
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_in_place_in_every_layout(dtype, op):
    """And nothing around the image is written."""
    for name, image in layouts(random_image((35, 3, 33, 34), dtype)).items():
        expected = op(image.clone())
        around = image if image._base is None else image._base
        untouched = around.clone()
        untouched.as_strided(image.shape, image.stride(), image.storage_offset()).copy_(expected)
        op(image, out=image)
        assert torch.equal(around, untouched), name


@for_every_op_mode
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_layout_into_every_other(dtype, op):
    values = random_image((2, 3, 9, 7), dtype)
    expected = op.reference(values)
    for image in layouts(values).values():
        for out in layouts(torch.zeros_like(values)).values():
            before = out.stride(), out.data_ptr()
            assert op(image, out=out) is out
            assert_same(out, expected)
            assert (out.stride(), out.data_ptr()) == before


@for_every_op_mode
def test_in_place_with_every_number_of_threads_and_instruction_set(op):
    ops = torch.ops.pyquant
    image = random_image((7, 3, 130, 70), torch.float32)
    expected = op(image)
    threads_before, set_before = torch.get_num_threads(), ops.instruction_set()
    try:
        for instruction_set in ops._supported_instruction_sets().split(","):
            ops._use_instruction_set(instruction_set)
            for threads in (1, 2, 3, 8):
                torch.set_num_threads(threads)
                work = image.clone()
                assert_same(op(work, out=work), expected)
    finally:
        torch.set_num_threads(threads_before)
        ops._use_instruction_set(set_before)


@for_every_op_mode
def test_many_dimensions(op):
    """More leading dimensions than the kernels index, none of which merge."""
    image = random_image((2,) * 12).permute(*range(9, -1, -1), 10, 11)
    expected = op.reference(image)
    out = torch.empty_like(image).permute(1, 0, *range(2, 12))
    assert_same(op(image, out=out), expected)
    assert_same(op(image, out=image), expected)


@for_every_op_mode
def test_more_than_the_caches_hold(op):
    image = random_image((2, 1100, 1100), torch.float32)
    expected = op(image)
    assert_same(op(image, out=torch.zeros(2, 1100, 2200)[..., ::2]), expected)
    assert_same(op(image, out=image), expected)


@for_every_op_mode
def test_empty(op):
    for shape in ((0, 4), (4, 0), (0, 3, 5, 5)):
        image = torch.empty(shape)
        out = torch.empty(shape)
        assert op(image, out=out) is out
        assert op(image, out=image) is image


# ---- what is refused

IMAGE = torch.rand(3, 4, 4)
BAD_OUT = {
    "shape": (torch.empty(3, 4), "out must have the shape of image, [3, 4, 4], got [3, 4]"),
    "broadcast": (
        torch.empty(1, 3, 4, 4),
        "out must have the shape of image, [3, 4, 4], got [1, 3, 4, 4]",
    ),
    "device": (
        torch.empty(3, 4, 4, device="meta"),
        "out must be on the device of image, cpu, got meta",
    ),
    "expanded": (
        torch.empty(1, 4, 4).expand(3, 4, 4),
        "out must have a place in memory for each sample, "
        "got the shape [3, 4, 4] with the strides [0, 4, 1]",
    ),
    "windows": (
        torch.empty(20).as_strided((3, 4, 4), (2, 4, 1)),
        "out must have a place in memory for each sample, "
        "got the shape [3, 4, 4] with the strides [2, 4, 1]",
    ),
}


@pytest.mark.parametrize("op", [OP_MODES[0], OP_MODES[-1]], ids=str)
@pytest.mark.parametrize("out, message", BAD_OUT.values(), ids=BAD_OUT)
def test_bad_out(out, message, op):
    for call in (lambda: op(IMAGE, out=out), lambda: op.registered_out(IMAGE, out)):
        with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
            call()


@for_every_op_mode
def test_other_types_of_out(op):
    with pytest.raises(TypeError, match="out must have the dtype of image, torch.float32, got"):
        op(IMAGE, out=torch.empty(3, 4, 4, dtype=torch.float64))
    with pytest.raises(ValueError, match="out must have the dtype of image, Float, got Double"):
        op.registered_out(IMAGE, torch.empty(3, 4, 4, dtype=torch.float64))
    with pytest.raises(TypeError, match="out must be a dense tensor .*, got torch.sparse_coo"):
        op(IMAGE, out=IMAGE.to_sparse())
    with pytest.raises(TypeError, match="out must be a torch.Tensor or None, got ndarray"):
        op(IMAGE, out=IMAGE.numpy())


STORAGE = torch.rand(10, 10)
OVERLAPPING = {
    "shifted": (STORAGE[:9, :9], STORAGE[1:, 1:]),
    "shifted by a row": (STORAGE[:9], STORAGE[1:]),
    "transposed": (STORAGE, STORAGE.T),
    "shifted columns": (STORAGE[:, 0:8:2], STORAGE[:, 2:10:2]),
    "reversed order": (STORAGE[1:], STORAGE[:9]),
    "shifted by half a sample": (
        STORAGE.view(torch.float16).view(-1)[:18].view(torch.float32).view(3, 3),
        STORAGE.view(torch.uint8).view(-1)[4:40].view(torch.float32).view(3, 3),
    ),
}


@for_every_op_mode
@pytest.mark.parametrize("image, out", OVERLAPPING.values(), ids=OVERLAPPING)
def test_partial_overlap(image, out, op):
    message = "out must be image itself or share no memory with it, got memory that overlaps"
    before = STORAGE.clone()
    for call in (lambda: op(image, out=out), lambda: op.registered_out(image, out)):
        with pytest.raises(ValueError, match=message):
            call()
    assert_same(STORAGE, before)


@for_every_op_mode
def test_memory_that_interleaves_without_overlap(op):
    for dtype in (torch.uint8, torch.float32):
        for one, other in (
            (lambda x: x[:, :3], lambda x: x[:, 3:]),
            (lambda x: x[..., ::2], lambda x: x[..., 1::2]),
            (lambda x: x[..., ::2, :], lambda x: x[..., 1::2, :]),
            (lambda x: x[:, :, :4, :5], lambda x: x[:, :, 4:, 5:]),
        ):
            storage = random_image((4, 6, 8, 10), dtype)
            expected = op(one(storage).clone())
            image = one(storage).clone()
            assert_same(op(one(storage), out=other(storage)), expected)
            assert_same(one(storage), image)


@for_every_op_mode
def test_a_kernel_that_fails_is_not_called_again(op, monkeypatch):
    """It may have written a part of the image, and its result would be made of that."""

    def fail(image, bits, mode, out):
        out.fill_(0.5)
        raise RuntimeError("no memory is left")

    monkeypatch.setattr(pyquant.ops, f"{op.name.upper()}_OUT_KERNEL", fail)
    image = torch.rand(3, 5, 7)
    with pytest.raises(RuntimeError, match="no memory is left"):
        op(image, out=image)
    assert_same(image, torch.full((3, 5, 7), 0.5))


@for_every_op_mode
def test_views_that_torch_has_yet_to_negate(op):
    image = torch.rand(3, 5, 7)
    out = torch.conj(torch.zeros(3, 5, 7, dtype=torch.complex64)).imag
    assert out.is_neg()
    assert op(image, out=out) is out
    assert_same(out.resolve_neg(), op(image))
    assert_same(op(out.fill_(0.4), out=out).resolve_neg(), op(torch.full((3, 5, 7), 0.4)))
    op.registered_out(image, out)
    assert_same(out.resolve_neg(), op(image))
    negated = torch._neg_view(-image)
    assert_same(op(negated, out=torch.empty(3, 5, 7)), op(image))
    for bad in (out[:1], out[:1].expand(3, 5, 7)):
        with pytest.raises((ValueError, RuntimeError)):
            op(image, out=bad)
    with pytest.raises(ValueError, match="bits must be an integer from 1 to 8, got 9"):
        op(image, 9, out=out)
    assert_same(out.resolve_neg(), op(image))


# ---- gradients


@for_every_op_mode
def test_nothing_that_requires_a_gradient(op):
    plain, trained = torch.rand(3, 5, 7), torch.rand(3, 5, 7, requires_grad=True)
    for image, out, name in ((trained, plain, "image"), (plain, trained, "out")):
        before = out.detach().clone()
        for call in (lambda: op(image, out=out), lambda: op.registered_out(image, out)):  # noqa: B023
            with pytest.raises(ValueError, match=f"{name} must not require a gradient if out is"):
                call()
        assert_same(out.detach(), before)
        with torch.no_grad():
            assert_same(op(image, out=out), op(image))


@for_every_op_mode
@pytest.mark.parametrize("way", ["public", "registered"])
def test_autograd_notices_that_out_has_changed(way, op):
    saved = torch.rand(3, 5, 7)
    loss = (torch.rand(3, 5, 7, requires_grad=True) * saved).sum()
    op(saved, out=saved) if way == "public" else op.registered_out(saved, saved)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@for_every_op_mode
def test_a_refused_call_is_no_change(op):
    saved = torch.rand(3, 5, 7)
    trained = torch.rand(3, 5, 7, requires_grad=True)
    loss = (trained * saved).sum()
    for call in (
        lambda: op(saved, 9, out=saved),
        lambda: op.registered_out(saved, saved, 9),
        lambda: op(torch.rand(5, 7), out=saved),
    ):
        with pytest.raises(ValueError):
            call()
    loss.backward()
    assert_same(trained.grad, saved)


@for_every_op_mode
def test_inference_tensors_outside_of_inference_mode(op):
    """As torch's ops refuse them: autograd does not see their changes."""
    with torch.inference_mode():
        out = torch.zeros(3, 5, 7)
    image = torch.rand(3, 5, 7)
    for call in (
        lambda: op(image, out=out),
        lambda: op(out, out=out),
        lambda: op.registered_out(image, out),
    ):
        with pytest.raises(ValueError, match="out must not be an inference tensor outside of"):
            call()
    assert_same(out.clone(), torch.zeros(3, 5, 7))
    with torch.no_grad(), pytest.raises(ValueError, match="out must not be an inference tensor"):
        op(image, out=out)
    assert_same(op(out.clone(), out=image), torch.zeros(3, 5, 7))
    with torch.inference_mode():
        assert_same(op(image + 0.3, out=out), op(image + 0.3))


@for_every_op_mode
def test_inference_mode(op):
    with torch.inference_mode():
        image = torch.rand(3, 5, 7)
        assert_same(op(image, out=torch.empty_like(image)), op(image))


@for_every_op_mode
def test_forward_mode(op):
    image, tangent = torch.rand(3, 5, 7), torch.randn(3, 5, 7)
    function = lambda image: op(image, out=torch.empty_like(image))  # noqa: E731
    result, moved = torch.func.jvp(function, (image,), (tangent,))
    assert_same(result, op(image))
    assert_same(moved, tangent)
    with forward_ad.dual_level():
        dual = function(forward_ad.make_dual(image, tangent))
        assert_same(forward_ad.unpack_dual(dual).tangent, tangent)


# ---- transforms and tracers


@for_every_op_mode
def test_opcheck(op):
    overload = getattr(torch.ops.pyquant, op.name).out
    for dtype in DTYPES:
        image = random_image((2, 3, 5, 7), dtype)
        torch.library.opcheck(overload, (image, 2, op.mode, torch.zeros_like(image)))
        strided = torch.zeros(2, 3, 5, 14, dtype=dtype)[..., ::2]
        torch.library.opcheck(overload, (image, 2, op.mode, strided))


@for_every_op_mode
def test_vmap(op):
    """As torch: into a batch, and not into one tensor for the whole batch."""
    image = torch.rand(4, 3, 5, 7)
    out = torch.empty(4, 3, 5, 7)
    into = lambda image, out: op(image, out=out)  # noqa: E731
    assert_same(torch.vmap(into)(image, out), op(image))
    assert_same(out, op(image))
    with pytest.raises(RuntimeError, match="vmap"):
        torch.vmap(into, in_dims=(0, None))(image, out[0])
    with pytest.raises(RuntimeError, match="Batching rule not implemented for pyquant::"):
        torch.vmap(op.registered_out)(image, out)


@for_every_op_mode
def test_func_grad(op):
    with pytest.raises(ValueError, match="image must not require a gradient if out is given"):
        torch.func.grad(lambda image: op(image, out=torch.empty_like(image)).sum())(IMAGE)


@for_every_op_mode
def test_functionalize(op):
    image = torch.rand(3, 5, 7)
    out = torch.empty_like(image)
    result = torch.func.functionalize(lambda image, out: op(image, out=out) + 1)(image, out)
    assert_same(out, op(image))
    assert_same(result, op(image) + 1)


def step(op):
    def in_the_middle(image, out):
        result = op(image * 0.5, out=out)
        image = image + 1
        op(image, out=image)
        return result * 3, image

    return in_the_middle


@for_every_op_mode
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compile(backend, op):
    image = torch.rand(2, 3, 5, 7)
    for out in layouts(torch.zeros_like(image)).values():
        torch.compiler.reset()
        compiled = torch.compile(step(op), fullgraph=True, backend=backend)
        results = compiled(image, out)
        expected_out = torch.empty_like(image)
        for result, expected in zip(results, step(op)(image, expected_out), strict=True):
            assert_same(result, expected)
        assert_same(out, expected_out)


def test_compile_with_inductor():
    image, out = torch.rand(2, 3, 5, 7), torch.zeros(2, 3, 5, 7)
    op = OP_MODES[0]
    result, changed = torch.compile(step(op), fullgraph=True)(image, out)
    assert_same(out, op(image * 0.5))
    assert_same(result, out * 3)
    assert_same(changed, op(image + 1))


class Into(torch.nn.Module):
    def __init__(self, op):
        super().__init__()
        self.op = op

    def forward(self, image, out):
        return self.op(image * 0.5, out=out) + 1


@for_every_op_mode
@pytest.mark.parametrize("strict", [True, False])
def test_export(strict, op):
    image, out = torch.rand(3, 5, 7), torch.zeros(3, 5, 7)
    program = torch.export.export(Into(op), (image, out), strict=strict)
    expected = op(image * 0.5)
    for module in (program.module(), program.run_decompositions().module()):
        out.zero_()
        assert_same(module(image, out), expected + 1)
        assert_same(out, expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated", "ignore::torch.jit.TracerWarning")
@for_every_op_mode
def test_jit_trace(op):
    image, out = torch.rand(3, 5, 7), torch.zeros(3, 5, 7)
    traced = torch.jit.trace(Into(op), (torch.rand(3, 5, 7), torch.zeros(3, 5, 7)))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    for module in (traced, torch.jit.load(file)):
        out.zero_()
        assert_same(module(image, out), op(image * 0.5) + 1)
        assert_same(out, op(image * 0.5))


@for_every_op_mode
@pytest.mark.parametrize("tracing_mode", ["real", "symbolic"])
def test_make_fx(tracing_mode, op):
    image, out = torch.rand(3, 5, 7), torch.zeros(3, 5, 7)
    traced = make_fx(Into(op), tracing_mode=tracing_mode)(torch.rand(3, 5, 7), torch.zeros(3, 5, 7))
    assert_same(traced(image, out), op(image * 0.5) + 1)
    assert_same(out, op(image * 0.5))


@for_every_op_mode
def test_symbolic_trace(op):
    image, out = torch.rand(3, 5, 7), torch.zeros(3, 5, 7)
    traced = torch.fx.symbolic_trace(Into(op))
    (node,) = (node for node in traced.graph.nodes if node.target is getattr(pyquant, op.name))
    assert node.kwargs["out"].name == "out"
    assert_same(traced(image, out), op(image * 0.5) + 1)
    assert_same(out, op(image * 0.5))


@for_every_op_mode
def test_fake_and_meta_tensors(op):
    with FakeTensorMode():
        image = torch.empty(3, 5, 7)
        out = torch.empty(3, 5, 14)[..., ::2]
        assert op(image, out=out) is out
        with pytest.raises(ValueError, match="out must have the shape of image"):
            op.registered_out(image, torch.empty(5, 7))
    image = torch.empty(3, 5, 7, device="meta")
    assert op(image, out=image) is image
    with pytest.raises(ValueError, match="out must be on the device of image, meta, got cpu"):
        op(image, out=torch.empty(3, 5, 7))
