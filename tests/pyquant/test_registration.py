"""The ops as torch sees them: schema, fake kernels, gradients, vmap, compile, export."""

import pytest
import torch
from torch._dynamo.exc import Unsupported
from torch.autograd import forward_ad

import pyquant
from images import ROUNDINGS, VARIANTS, assert_same, random_image
from pyquant.ops import DTYPES

OPS = {
    "floyd_steinberg": (pyquant.floyd_steinberg, "variant", VARIANTS),
    "linear_quantize": (pyquant.linear_quantize, "rounding", ROUNDINGS),
}
CASES = [(name, mode) for name, (_, _, modes) in OPS.items() for mode in modes]


def call(name, mode):
    """The public function with its mode bound: image -> result, at 2 bits."""
    function, keyword, _ = OPS[name]
    return lambda image: function(image, 2, **{keyword: mode})


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name, mode", CASES)
def test_opcheck(name, mode, dtype):
    keyword = OPS[name][1]
    op = getattr(torch.ops.pyquant, name).default
    for image in (
        random_image((2, 3, 5, 7), dtype).requires_grad_(dtype.is_floating_point),
        random_image((2, 3, 5, 7), dtype).to(memory_format=torch.channels_last),
        random_image((5, 7), dtype).T,
    ):
        torch.library.opcheck(op, (image, 2), {keyword: mode})


def test_opcheck_levels():
    for dtype in DTYPES:
        torch.library.opcheck(
            torch.ops.pyquant.levels.default, (3,), {"variant": "published", "dtype": dtype}
        )


@pytest.mark.parametrize("name, mode", CASES)
def test_gradient_is_straight_through(name, mode):
    image = random_image((2, 3, 5, 7), torch.float32).requires_grad_()
    incoming = torch.randn(2, 3, 5, 7)
    result = call(name, mode)(image)
    assert_same(result.detach(), call(name, mode)(image.detach()))  # not moved by an ulp
    result.backward(incoming)
    assert_same(image.grad, incoming)


@pytest.mark.parametrize("name, mode", CASES)
def test_gradient_of_the_registered_op(name, mode):
    image = random_image((2, 5, 7), torch.float64).requires_grad_()
    op = getattr(torch.ops.pyquant, name)
    op(image, 2, **{OPS[name][1]: mode}).sum().backward()
    assert_same(image.grad, torch.ones_like(image))


@pytest.mark.parametrize("name, mode", CASES)
def test_no_gradient_for_bytes_or_without_grad(name, mode):
    assert not call(name, mode)(random_image((5, 7))).requires_grad
    with torch.no_grad():
        assert not call(name, mode)(torch.rand(5, 7, requires_grad=True)).requires_grad


@pytest.mark.parametrize("name, mode", CASES)
def test_func_grad(name, mode):
    weight = torch.randn(3, 5, 7)
    loss = lambda image: (call(name, mode)(image) * weight).sum()  # noqa: E731
    assert_same(torch.func.grad(loss)(torch.rand(3, 5, 7)), weight)


@pytest.mark.parametrize("name, mode", CASES)
def test_forward_mode_is_straight_through_too(name, mode):
    function = call(name, mode)
    image, tangent = torch.rand(3, 5, 7), torch.randn(3, 5, 7)
    result, moved = torch.func.jvp(function, (image,), (tangent,))
    assert_same(result, function(image))
    assert_same(moved, tangent)
    with forward_ad.dual_level():
        dual = function(forward_ad.make_dual(image, tangent))
        assert_same(forward_ad.unpack_dual(dual).tangent, tangent)
    assert_same(torch.func.jacfwd(function)(image), torch.func.jacrev(function)(image))
    square = lambda image: function(image).square().sum()  # noqa: E731
    assert_same(torch.func.jvp(torch.func.grad(square), (image,), (tangent,))[1], 2 * tangent)


@pytest.mark.parametrize("name, mode", CASES)
def test_functionalize(name, mode):
    image = torch.rand(3, 5, 7)
    function = call(name, mode)
    assert_same(torch.func.functionalize(function)(image), function(image))


def test_forward_mode_is_not_compiled():
    """torch.compile would drop the tangent: it falls back to Python, or says that it cannot."""
    image, tangent = torch.rand(3, 5, 7), torch.randn(3, 5, 7)

    def step(image, tangent):
        return torch.func.jvp(lambda image: pyquant.linear_quantize(image, 2), (image,), (tangent,))

    assert_same(torch.compile(step, backend="eager")(image, tangent)[1], tangent)
    torch.compiler.reset()  # which remembers that it fell back
    with pytest.raises(Unsupported, match="forward mode of pyquant's ops is not compiled"):
        torch.compile(step, backend="eager", fullgraph=True)(image, tangent)


@pytest.mark.parametrize("name, mode", CASES)
@pytest.mark.parametrize("in_dim", [0, 1, 3, -1])
def test_vmap(name, mode, in_dim):
    image = random_image((4, 3, 5, 7), torch.float32)
    batch = image.movedim(0, in_dim)
    assert_same(torch.vmap(call(name, mode), in_dims=in_dim)(batch), call(name, mode)(image))


@pytest.mark.parametrize("name, mode", CASES)
def test_vmap_of_grad(name, mode):
    weight = torch.randn(5, 7)
    loss = lambda image: (call(name, mode)(image) * weight).sum()  # noqa: E731
    gradient = torch.vmap(torch.func.grad(loss))(torch.rand(4, 5, 7))
    assert_same(gradient, weight.expand(4, 5, 7))


@pytest.mark.parametrize("name, mode", CASES)
def test_gradients_through_vmap(name, mode):
    function = torch.vmap(call(name, mode))
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


@pytest.mark.parametrize("name, mode", CASES)
def test_vmap_does_not_count_as_a_dimension(name, mode):
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        torch.vmap(call(name, mode))(torch.rand(5, 7))


@pytest.mark.parametrize("name, mode", CASES)
def test_compile(name, mode):
    """Without a graph break, forwards and backwards, in the middle of other work."""

    def step(image):
        return (call(name, mode)(image * 0.5) * 3).sum()

    image = torch.rand(2, 3, 5, 7, requires_grad=True)
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    assert_same(compiled(image), step(image))
    compiled(image).backward()
    assert_same(image.grad, torch.full_like(image, 1.5))


def test_func_grad_compiles_with_a_graph_break():
    gradient = torch.func.grad(lambda image: pyquant.linear_quantize(image, 2).sum())
    image = torch.rand(3, 5, 7)
    assert_same(torch.compile(gradient, backend="eager")(image), torch.ones(3, 5, 7))


def test_compile_with_inductor():
    image = torch.rand(2, 3, 5, 7)
    function = lambda image: pyquant.floyd_steinberg(image, 2) + 1  # noqa: E731
    assert_same(torch.compile(function, fullgraph=True)(image), function(image))


@pytest.mark.parametrize("name, mode", CASES)
def test_export(name, mode):
    class Model(torch.nn.Module):
        def forward(self, image):
            return call(name, mode)(image)

    image = random_image((2, 3, 5, 7))
    program = torch.export.export(Model(), (image,), dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}])
    larger = random_image((5, 3, 5, 7))
    assert_same(program.module()(larger), call(name, mode)(larger))


@pytest.mark.parametrize("name, mode", CASES)
def test_meta(name, mode):
    image = torch.empty(2, 3, 5, 7, device="meta").to(memory_format=torch.channels_last)
    result = call(name, mode)(image)
    assert result.device == image.device and result.stride() == image.stride()
