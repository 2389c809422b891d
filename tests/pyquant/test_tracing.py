"""Models with the ops in them, as each tracer of torch sees them."""

import io
import subprocess
import sys

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

import pyquant
from images import assert_same
from op_modes import for_every_op_mode

ignore_jit_warnings = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.* is deprecated", "ignore::torch.jit.TracerWarning"
)
IMAGES = torch.rand(2, 3, 5, 7)


class AfterTrainableLayer(torch.nn.Module):
    def __init__(self, op):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1)
        self.op = op

    def forward(self, image):
        return self.op(torch.sigmoid(self.layer(image))).square()


def gradients(model, images=IMAGES):
    model.zero_grad()
    images = images.clone().requires_grad_()
    model(images).sum().backward()
    return [images.grad, *(parameter.grad.clone() for parameter in model.parameters())]


def assert_same_model(actual, expected):
    assert_same(actual(IMAGES), expected(IMAGES))
    expected_gradients = gradients(expected)
    for gradient, expected_gradient in zip(gradients(actual), expected_gradients, strict=True):
        assert_same(gradient, expected_gradient)


@ignore_jit_warnings
@pytest.mark.parametrize("grad_enabled", [True, False])
@for_every_op_mode
def test_jit_trace(op, grad_enabled):
    """With gradients, also after it was saved and loaded."""
    model = AfterTrainableLayer(op)
    with torch.set_grad_enabled(grad_enabled):
        traced = torch.jit.trace(model, (IMAGES,))
    assert_same_model(traced, model)
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    assert_same_model(torch.jit.load(file), model)


@ignore_jit_warnings
@for_every_op_mode
def test_jit_trace_of_vmap(op):
    traced = torch.jit.trace(torch.vmap(op), (IMAGES,))
    assert_same(traced(IMAGES), op(IMAGES))


@for_every_op_mode
def test_symbolic_trace(op):
    model = AfterTrainableLayer(op)
    traced = torch.fx.symbolic_trace(model)
    assert getattr(pyquant, op.name) in [node.target for node in traced.graph.nodes]
    assert_same_model(traced, model)


def certified(image):
    return pyquant.linear_quantize(image * pyquant.certified_radius(2), 2)


def with_levels(image):
    return image[..., :4] * pyquant.levels(2)


for_every_function_without_tensors = pytest.mark.parametrize("function", [certified, with_levels])


class Model(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, image):
        return self.function(image)


def under_fake_tensors(function):
    with FakeTensorMode():
        return function(torch.empty(2, 3, 5, 7)).shape


TRACERS = {
    "export": lambda f: torch.export.export(Model(f), (IMAGES,), strict=False).module()(IMAGES),
    "strict export": lambda f: torch.export.export(Model(f), (IMAGES,), strict=True).module()(
        IMAGES
    ),
    "make_fx": lambda f: make_fx(f)(IMAGES)(IMAGES),
    "symbolic make_fx": lambda f: make_fx(f, tracing_mode="symbolic")(IMAGES)(IMAGES),
    "functionalize": lambda f: torch.func.functionalize(f)(IMAGES),
    "vmap": lambda f: torch.vmap(f)(IMAGES),
    "compile": lambda f: torch.compile(f, backend="eager", fullgraph=True)(IMAGES),
    "jit.trace": lambda f: torch.jit.trace(f, (IMAGES,))(IMAGES),
    "symbolic_trace": lambda f: torch.fx.symbolic_trace(Model(f))(IMAGES),
}


@pytest.fixture
def nothing_remembered():
    from pyquant import certificate

    certificate._certified_byte_radius.cache_clear()
    torch.compiler.reset()


@ignore_jit_warnings
@for_every_function_without_tensors
@pytest.mark.parametrize("trace", TRACERS.values(), ids=TRACERS)
def test_what_depends_on_no_tensor(nothing_remembered, trace, function):
    assert_same(trace(function), function(IMAGES))


@for_every_function_without_tensors
def test_what_depends_on_no_tensor_with_fake_tensors(nothing_remembered, function):
    assert under_fake_tensors(function) == function(IMAGES).shape


@ignore_jit_warnings
def test_build_info_leaves_nothing_in_a_graph():
    """(torch.compile cannot trace torch.get_num_threads, and breaks the graph.)"""
    function = lambda image: image * len(pyquant.build_info()["cpu"])  # noqa: E731
    traced = torch.jit.trace(function, (IMAGES,))
    assert_same(traced(IMAGES), function(IMAGES))
    calls = [
        node.target for node in make_fx(function)(IMAGES).graph.nodes if node.op == "call_function"
    ]
    assert calls == [torch.ops.aten.mul.Tensor]


def test_the_certificate_is_a_constant_of_the_graph(nothing_remembered):
    for strict in (True, False):
        program = torch.export.export(Model(certified), (IMAGES,), strict=strict)
        (multiplication,) = program.graph.find_nodes(
            op="call_function", target=torch.ops.aten.mul.Tensor
        )
        assert multiplication.args[1] == 42 / 255


DTENSOR = """
import torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
import pyquant

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
image = distribute_tensor(torch.rand(2, 3, 4, 4), init_device_mesh("cpu", (1,)), [Shard(0)])
for function in (pyquant.floyd_steinberg, pyquant.linear_quantize):
    try:
        function(image, 2)
    except Exception as error:
        print("refused:", error)
"""


def test_distributed_tensors_are_refused_by_the_name_of_the_op():
    """In a process of its own, where the process group is."""
    if not torch.distributed.is_available():
        pytest.skip("torch was built without torch.distributed")
    process = subprocess.run([sys.executable, "-c", DTENSOR], capture_output=True, text=True)
    # The process group may print lines of its own.
    refused = [line for line in process.stdout.splitlines() if line.startswith("refused:")]
    first, second = refused
    assert "pyquant.floyd_steinberg" in first
    assert "pyquant.linear_quantize" in second
