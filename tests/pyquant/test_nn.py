"""The modules: the functions in another form, under every tracer, and the defence under the attack
libraries."""

import copy
import io
import pickle
import re

import pytest
import torch
from torch import nn

import pyquant
import pyquant.nn
from images import BITS, ROUNDINGS, VARIANTS, assert_same, random_image
from pyquant.ops import DTYPES

IMAGES = random_image((2, 3, 8, 8), torch.float32)
MODULES = [pyquant.nn.FloydSteinberg(3, variant=variant) for variant in VARIANTS]
MODULES += [pyquant.nn.LinearQuantize(3, rounding=rounding) for rounding in ROUNDINGS]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_modules_are_the_functions(dtype):
    image = random_image((3, 9, 7), dtype)
    for bits in BITS:
        for variant in VARIANTS:
            assert_same(
                pyquant.nn.FloydSteinberg(bits, variant=variant)(image),
                pyquant.floyd_steinberg(image, bits, variant=variant),
            )
        for rounding in ROUNDINGS:
            assert_same(
                pyquant.nn.LinearQuantize(bits, rounding=rounding)(image),
                pyquant.linear_quantize(image, bits, rounding=rounding),
            )


def test_repr_can_be_evaluated():
    for module in MODULES:
        again = eval(f"pyquant.nn.{module!r}")
        assert repr(again) == repr(module)
        assert_same(again(IMAGES), module(IMAGES))


def make_defence(bits=2, **modes):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    return pyquant.nn.DoubleQuantization(network, bits, **modes).eval()


def saved_and_loaded(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
    "torch.save": saved_and_loaded,
}
TRACERS = {
    "compile": lambda module: torch.compile(module, backend="eager", fullgraph=True),
    "inductor": lambda module: torch.compile(module, fullgraph=True),
    "export": lambda module: torch.export.export(module, (IMAGES,), strict=False).module(),
    "strict export": lambda module: torch.export.export(module, (IMAGES,), strict=True).module(),
    "jit.trace": lambda module: torch.jit.trace(module, (IMAGES,)),
    "symbolic_trace": torch.fx.symbolic_trace,
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated")
@pytest.mark.parametrize("convert", [*COPIES.values(), *TRACERS.values()], ids=[*COPIES, *TRACERS])
@pytest.mark.parametrize(
    "module", [*MODULES, make_defence()], ids=lambda module: type(module).__name__
)
def test_copies_and_tracers(module, convert):
    torch.compiler.reset()
    with torch.no_grad():
        assert_same(convert(module)(IMAGES), module(IMAGES))


def test_only_the_classifier_has_state():
    for module in MODULES:
        assert not module.state_dict()
    defence = make_defence()
    assert list(defence.state_dict()) == [
        f"classifier.{n}" for n in defence.classifier.state_dict()
    ]


@pytest.mark.parametrize("bits", [0, 9, 2.0, True])
def test_bits_are_checked_when_a_module_is_made(bits):
    message = re.escape(f"bits must be an integer from 1 to 8, got {bits!r}")
    for make in (pyquant.nn.FloydSteinberg, pyquant.nn.LinearQuantize, make_defence):
        with pytest.raises(ValueError, match=message):
            make(bits)


def test_modes_are_checked_when_a_module_is_made():
    for make in (pyquant.nn.FloydSteinberg, make_defence):
        with pytest.raises(ValueError, match="variant must be .*, got 'floor'"):
            make(2, variant="floor")
    for make in (pyquant.nn.LinearQuantize, make_defence):
        with pytest.raises(ValueError, match="rounding must be .*, got 'up'"):
            make(2, rounding="up")
    with pytest.raises(TypeError, match="classifier must be a torch.nn.Module, got function"):
        pyquant.nn.DoubleQuantization(make_defence, 2)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_prepared_bytes_are_float_levels(bits, variant):
    images = random_image((2, 3, 8, 8))
    defence = make_defence(bits, variant=variant)
    prepared = defence.prepare(images)
    assert_same(prepared, pyquant.floyd_steinberg(images.float() / 255, bits, variant=variant))
    assert torch.isin(prepared, pyquant.levels(bits, variant=variant)).all()
    assert_same(defence(images), defence(images.float() / 255))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_prepared_floats_keep_their_dtype(dtype):
    defence = make_defence()
    assert_same(defence.prepare(IMAGES.to(dtype)), pyquant.floyd_steinberg(IMAGES.to(dtype), 2))
    with pytest.raises(TypeError, match="image must be a torch.Tensor, got list"):
        defence.prepare([[0.0]])


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_certified_radius(variant, rounding):
    """Of the settings; the worst changes within it are undone, and one step more is not."""
    for bits in range(1, 8):
        defence = make_defence(bits, variant=variant, rounding=rounding)
        radius = defence.certified_radius
        assert radius == pyquant.certified_radius(bits, variant=variant, rounding=rounding)
        levels = pyquant.levels(bits, variant=variant)
        clean = levels[torch.randint(2**bits, (64, 3, 8, 8))]
        signs = torch.randint(2, clean.shape) * 2 - 1
        assert_same(defence(clean + radius * signs), defence(clean))
        assert not torch.equal(defence(clean + (radius + 1 / 255) * signs), defence(clean))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_certified_radius_of_bytes(bits, variant, rounding):
    """Prepared images that are stored as bytes: the radius of uint8 holds, and not one step more."""
    modes = {"variant": variant, "rounding": rounding}
    defence = pyquant.nn.DoubleQuantization(nn.Identity(), bits, **modes)
    clean = pyquant.levels(bits, variant=variant, dtype=torch.uint8)[None]
    radius = round(pyquant.certified_radius(bits, dtype=torch.uint8, **modes) * 255)

    def changes(steps):
        moved = clean.int() + torch.tensor([[-steps], [steps]])
        return not torch.equal(defence(moved.clamp(0, 255).byte()), defence(clean).expand(2, -1))

    assert not any(changes(steps) for steps in range(radius + 1))
    assert changes(radius + 1)


def test_gradient_is_that_of_the_classifier_at_the_filtered_image():
    defence = make_defence()
    images = IMAGES.clone().requires_grad_()
    defence(images).square().sum().backward()
    filtered = pyquant.linear_quantize(IMAGES, 2).requires_grad_()
    defence.classifier(filtered).square().sum().backward()
    assert images.grad.abs().sum() > 0
    assert_same(images.grad, filtered.grad)


def attacked_by_foolbox(network, prepared, labels, epsilon):
    foolbox = pytest.importorskip("foolbox")
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    return foolbox.attacks.LinfPGD(steps=5)(model, prepared, labels, epsilons=epsilon)[0]


def attacked_by_torchattacks(network, prepared, labels, epsilon):
    torchattacks = pytest.importorskip("torchattacks")
    return torchattacks.PGD(network, eps=epsilon, steps=5)(prepared, labels)


def attacked_by_art(network, prepared, labels, epsilon):
    classification = pytest.importorskip("art.estimators.classification")
    evasion = pytest.importorskip("art.attacks.evasion")
    classifier = classification.PyTorchClassifier(
        network,
        nn.CrossEntropyLoss(),
        input_shape=(3, 8, 8),
        nb_classes=10,
        clip_values=(0, 1),
        device_type="cpu",
    )
    attack = evasion.ProjectedGradientDescentPyTorch(
        classifier, eps=epsilon, max_iter=5, verbose=False
    )
    return torch.from_numpy(attack.generate(prepared.numpy(), labels.numpy()))


@pytest.mark.parametrize(
    "attacked_by", [attacked_by_foolbox, attacked_by_torchattacks, attacked_by_art]
)
@pytest.mark.parametrize("network", ["classifier", "defence"])
def test_attack_libraries(network, attacked_by):
    """Within the radius they change images and no logit; beyond it they succeed."""
    defence = make_defence()
    attacked_network = defence if network == "defence" else defence.classifier
    prepared = defence.prepare(random_image((8, 3, 8, 8)))
    logits = defence(prepared).detach()
    labels = logits.argmax(1)
    attacked = attacked_by(attacked_network, prepared, labels, defence.certified_radius)
    assert (attacked != prepared).any()
    assert (defence.classifier(attacked).argmax(1) != labels).any()
    assert_same(defence(attacked).detach(), logits)
    attacked = attacked_by(attacked_network, prepared, labels, 128 / 255)
    assert (defence(attacked).argmax(1) != labels).any()


@pytest.mark.parametrize(
    "attacked_by", [attacked_by_foolbox, attacked_by_torchattacks, attacked_by_art]
)
def test_attack_libraries_through_the_dither(attacked_by):
    """A change of the images before they are dithered succeeds."""
    defence = make_defence()
    through_dither = nn.Sequential(defence.dither, defence).eval()
    images = IMAGES.clamp(0, 1)
    labels = through_dither(images).argmax(1)
    attacked = attacked_by(through_dither, images, labels, 128 / 255)
    assert (defence(defence.prepare(attacked)).argmax(1) != labels).any()
