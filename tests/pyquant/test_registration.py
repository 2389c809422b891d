"""The ops as torch sees them: schema, fake kernels, gradients, vmap, compile, export."""

import pytest
import torch
from torch._dynamo.exc import Unsupported
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

import pyquant
from images import assert_same, random_image
from op_modes import for_every_op_mode
from pyquant.ops import DTYPES


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@for_every_op_mode
def test_opcheck(op, dtype):
    overload = getattr(torch.ops.pyquant, op.name).default
    for image in (
        random_image((2, 3, 5, 7), dtype).requires_grad_(dtype.is_floating_point),
        random_image((2, 3, 5, 7), dtype).to(memory_format=torch.channels_last),
        random_image((5, 7), dtype).T,
    ):
        torch.library.opcheck(overload, (image, 2), {op.keyword: op.mode})


def test_opcheck_levels():
    for dtype in DTYPES:
        torch.library.opcheck(
            torch.ops.pyquant.levels.default, (3,), {"variant": "published", "dtype": dtype}
        )


@for_every_op_mode
def test_gradient_is_straight_through(op):
    image = random_image((2, 3, 5, 7), torch.float32).requires_grad_()
    incoming = torch.randn(2, 3, 5, 7)
    result = op(image)
    assert_same(result.detach(), op(image.detach()))  # not moved by an ulp
    result.backward(incoming)
    assert_same(image.grad, incoming)


@for_every_op_mode
def test_gradient_of_the_registered_op(op):
    image = random_image((2, 5, 7), torch.float64).requires_grad_()
    op.registered(image).sum().backward()
    assert_same(image.grad, torch.ones_like(image))


@for_every_op_mode
def test_no_gradient_for_bytes_or_without_grad(op):
    assert not op(random_image((5, 7))).requires_grad
    with torch.no_grad():
        assert not op(torch.rand(5, 7, requires_grad=True)).requires_grad


@for_every_op_mode
def test_func_grad(op):
    weight = torch.randn(3, 5, 7)
    loss = lambda image: (op(image) * weight).sum()  # noqa: E731
    assert_same(torch.func.grad(loss)(torch.rand(3, 5, 7)), weight)


@for_every_op_mode
def test_forward_mode_is_straight_through_too(op):
    image, tangent = torch.rand(3, 5, 7), torch.randn(3, 5, 7)
    result, moved = torch.func.jvp(op, (image,), (tangent,))
    assert_same(result, op(image))
    assert_same(moved, tangent)
    with forward_ad.dual_level():
        dual = op(forward_ad.make_dual(image, tangent))
        assert_same(forward_ad.unpack_dual(dual).tangent, tangent)
    assert_same(torch.func.jacfwd(op)(image), torch.func.jacrev(op)(image))
    square = lambda image: op(image).square().sum()  # noqa: E731
    assert_same(torch.func.jvp(torch.func.grad(square), (image,), (tangent,))[1], 2 * tangent)


@for_every_op_mode
def test_functionalize(op):
    image = torch.rand(3, 5, 7)
    assert_same(torch.func.functionalize(op)(image), op(image))


def test_forward_mode_is_not_compiled():
    """torch.compile would drop the tangent: it falls back to Python, or says that it cannot."""
    image, tangent = torch.rand(3, 5, 7), torch.randn(3, 5, 7)

    def step(image, tangent):
        return torch.func.jvp(lambda image: pyquant.linear_quantize(image, 2), (image,), (tangent,))

    assert_same(torch.compile(step, backend="eager")(image, tangent)[1], tangent)
    torch.compiler.reset()  # which remembers that it fell back
    reason = "forward mode of pyquant's ops is not compiled"
    with pytest.raises(Unsupported, match=reason if torch.__version__ >= (2, 14) else "disable"):
        torch.compile(step, backend="eager", fullgraph=True)(image, tangent)


@for_every_op_mode
@pytest.mark.parametrize("in_dim", [0, 1, 3, -1])
def test_vmap(op, in_dim):
    image = random_image((4, 3, 5, 7), torch.float32)
    batch = image.movedim(0, in_dim)
    assert_same(torch.vmap(op, in_dims=in_dim)(batch), op(image))


@for_every_op_mode
def test_vmap_of_grad(op):
    weight = torch.randn(5, 7)
    loss = lambda image: (op(image) * weight).sum()  # noqa: E731
    gradient = torch.vmap(torch.func.grad(loss))(torch.rand(4, 5, 7))
    assert_same(gradient, weight.expand(4, 5, 7))


@for_every_op_mode
def test_gradients_through_vmap(op):
    function = torch.vmap(op)
    image = torch.rand(4, 3, 5, 7, requires_grad=True)
    weight = torch.randn(4, 3, 5, 7)
    (function(image) * weight).sum().backward()
    assert_same(image.grad, weight)
    loss = lambda image: (function(image) * weight).sum()  # noqa: E731
    assert_same(torch.func.grad(loss)(image.detach()), weight)
    assert_same(torch.func.jvp(function, (image.detach(),), (weight,))[1], weight)
    twice = torch.vmap(function)
    total = lambda images: twice(images).sum()  # noqa: E731
    assert_same(torch.func.grad(total)(image.detach()[None]), torch.ones(1, 4, 3, 5, 7))


@for_every_op_mode
def test_vmap_does_not_count_as_a_dimension(op):
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        torch.vmap(op)(torch.rand(5, 7))


@for_every_op_mode
def test_compile(op):
    """Without a graph break, forwards and backwards, in the middle of other work."""

    def step(image):
        return (op(image * 0.5) * 3).sum()

    image = torch.rand(2, 3, 5, 7, requires_grad=True)
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    assert_same(compiled(image), step(image))
    compiled(image).backward()
    assert_same(image.grad, torch.full_like(image, 1.5))


def test_func_grad_compiles_with_a_graph_break():
    """From torch 2.14 on. Before, torch.compile traces torch.func.grad itself, and refuses."""
    gradient = torch.func.grad(lambda image: pyquant.linear_quantize(image, 2).sum())
    image = torch.rand(3, 5, 7)
    compiled = torch.compile(gradient, backend="eager")
    if torch.__version__ >= (2, 14):
        assert_same(compiled(image), torch.ones(3, 5, 7))
    else:
        with pytest.raises(RuntimeError, match="functorch transforms"):
            compiled(image)


def test_compile_with_inductor():
    image = torch.rand(2, 3, 5, 7)
    function = lambda image: pyquant.floyd_steinberg(image, 2) + 1  # noqa: E731
    assert_same(torch.compile(function, fullgraph=True)(image), function(image))


@for_every_op_mode
def test_export(op):
    class Model(torch.nn.Module):
        def forward(self, image):
            return op(image)

    image = random_image((2, 3, 5, 7))
    program = torch.export.export(Model(), (image,), dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}])
    larger = random_image((5, 3, 5, 7))
    assert_same(program.module()(larger), op(larger))


@for_every_op_mode
def test_meta(op):
    image = torch.empty(2, 3, 5, 7, device="meta").to(memory_format=torch.channels_last)
    result = op(image)
    assert result.device == image.device and result.stride() == image.stride()


class Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls.append(function)
        return function(*args, **(kwargs or {}))


@for_every_op_mode
def test_modes_and_the_profiler_see_the_op(op):
    image = torch.rand(3, 5, 7)
    packet = getattr(torch.ops.pyquant, op.name)
    with Recorder() as recorder:
        op(image)
        op(image, out=image)
    assert recorder.calls[0] is packet.default
    assert recorder.calls[1] in (packet.out, packet.default)  # the second, then copied
    with torch.profiler.profile() as profiler:
        op(image)
        op(image, out=image)
    names = [event.name for event in profiler.events()]
    assert names.count(f"pyquant::{op.name}") == 2


@for_every_op_mode
def test_a_call_leaves_autograd_as_it_was(op):
    """Also one that fails, and one in inference mode."""
    image = torch.rand(3, 5, 7)
    trained = torch.rand(3, 5, 7, requires_grad=True)
    op(image)
    assert (trained * 2).requires_grad
    for arguments in ((image, 9), (image[0, 0],)):
        with pytest.raises(ValueError):
            op(*arguments)
        assert (trained * 2).requires_grad
    with torch.inference_mode():
        op(image)
        assert op(trained).is_inference()
        assert not (trained * 2).requires_grad
    assert (trained * 2).requires_grad
