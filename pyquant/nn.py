"""The ops as modules, and the defence that is built from them.

>>> import torch, pyquant.nn
>>> torch.nn.Sequential(pyquant.nn.LinearQuantize(bits=2), torch.nn.Flatten())
Sequential(
  (0): LinearQuantize(bits=2, rounding='nearest')
  (1): Flatten(start_dim=1, end_dim=-1)
)

Every module runs under torch.compile and torch.export. Compiled ahead of time for a process that
imports torch and pyquant, and no code of the model:

    program = torch.export.export(module.eval(), (images,))
    path = torch._inductor.aoti_compile_and_package(program, package_path="module.pt2")
    logits = torch._inductor.aoti_load_package(path)(images)

`torch.onnx.export` needs the translation of `LinearQuantize` as an argument:
`custom_translation_table=pyquant.onnx.translation_table()`. torch.jit.script is not supported;
torch.jit.trace is.
"""

import torch
from torch import Tensor
from torch.nn import Module

from pyquant.arguments import checked_bits, checked_choice
from pyquant.certificate import certified_radius
from pyquant.codes import from_codes
from pyquant.modes import ROUNDINGS, VARIANTS
from pyquant.ops import floyd_steinberg, linear_quantize

__all__ = ["DoubleQuantization", "FloydSteinberg", "LinearQuantize"]


class FloydSteinberg(Module):
    """`pyquant.floyd_steinberg` as a module without parameters and buffers.

    Args:
        bits: bits per sample, 1 to 8.
        variant: "textbook" or "published".

    Shape:
        `(..., height, width)` in and out; dtypes, values, gradient and errors are those of
        `pyquant.floyd_steinberg`.

    Raises:
        ValueError: when it is made, for `bits` outside 1..8 or an unknown `variant`.
    """

    def __init__(self, bits: int, *, variant: str = "textbook") -> None:
        super().__init__()
        self.bits = checked_bits(bits)
        self.variant = checked_choice("variant", variant, VARIANTS)

    def forward(self, image: Tensor) -> Tensor:
        return floyd_steinberg(image, self.bits, variant=self.variant)

    def extra_repr(self) -> str:
        return f"bits={self.bits}, variant={self.variant!r}"


class LinearQuantize(Module):
    """`pyquant.linear_quantize`, the filter, as a module without parameters and buffers.

    Args:
        bits: bits per sample, 1 to 8.
        rounding: "nearest" or "floor".

    Shape:
        `(..., height, width)` in and out; dtypes, values, gradient and errors are those of
        `pyquant.linear_quantize`.

    Raises:
        ValueError: when it is made, for `bits` outside 1..8 or an unknown `rounding`.
    """

    def __init__(self, bits: int, *, rounding: str = "nearest") -> None:
        super().__init__()
        self.bits = checked_bits(bits)
        self.rounding = checked_choice("rounding", rounding, ROUNDINGS)

    def forward(self, image: Tensor) -> Tensor:
        return linear_quantize(image, self.bits, rounding=self.rounding)

    def extra_repr(self) -> str:
        return f"bits={self.bits}, rounding={self.rounding!r}"


class DoubleQuantization(Module):
    """The defence of AprilPyone, Kinoshita and Kiya (APSIPA 2019): images are dithered before they
    are handed out, and quantized to the same bits before they are classified.

    `prepare` is the first step, which the rightful user does. The module itself is the second: it
    filters what arrives and classifies it. An attacker who changes every value of a prepared image
    by at most `certified_radius` changes nothing that the classifier sees. An attacker who changes
    the image before it is prepared is not stopped.

    The classifier should be trained on prepared images.

    `certified_radius` is that of float32, which `prepare` makes of bytes. If prepared images are
    stored as bytes, their levels are rounded, and the radius is smaller at some bits: it is
    `pyquant.certified_radius(bits, dtype=torch.uint8)` of the same variant and rounding.

    A `state_dict` has the tensors of the classifier only. It loads into a defence of any settings,
    so store bits, variant and rounding with it.

    Args:
        classifier: takes images of the dtype that `prepare` returns, `(N, channels, height,
            width)`, and returns logits `(N, classes)`.
        bits: bits per sample, 1 to 8; of the dither and of the filter.
        variant: of the dither, "textbook" or "published".
        rounding: of the filter, "nearest" or "floor". The paper's code is "published" with "floor",
            whose radii from 2 bits on are at most half as large.

    Attributes:
        dither: the `FloydSteinberg` of `prepare`.
        filter: the `LinearQuantize` in front of the classifier.
        classifier: the network without the filter.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `variant` or `rounding`.
        TypeError: if `classifier` is not a `torch.nn.Module`.

    >>> import torch, pyquant.nn
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 10))
    >>> defence = pyquant.nn.DoubleQuantization(network, bits=2).eval()
    >>> round(defence.certified_radius * 255)
    42
    >>> prepared = defence.prepare(torch.randint(256, (8, 3, 4, 4), dtype=torch.uint8))

    An evaluation should show two attacks. That of the paper computes its gradient on the bare network,
    `defence.classifier`. One that knows of the filter attacks `defence`, whose gradient is that of
    the network at the filtered image: the filter passes it through unchanged. (A defence that gives
    no gradient would hide its weakness.) Within the radius neither changes a logit.

    A third attack is not stopped: it changes the images before they are prepared, and computes its
    gradient through the dither, which passes it through unchanged, too. The network that it attacks
    is `torch.nn.Sequential(defence.dither, defence)`.

    With foolbox:

    >>> import foolbox
    >>> labels = defence(prepared).argmax(1)
    >>> attack = foolbox.attacks.LinfPGD()
    >>> for attacked_network in (defence.classifier, defence):
    ...     model = foolbox.PyTorchModel(attacked_network, bounds=(0, 1), device="cpu")
    ...     attacked, _, _ = attack(model, prepared, labels, epsilons=42 / 255)
    ...     bool((attacked != prepared).any()), torch.equal(defence(attacked), defence(prepared))
    (True, True)
    (True, True)
    >>> through_dither = torch.nn.Sequential(defence.dither, defence).eval()
    >>> model = foolbox.PyTorchModel(through_dither, bounds=(0, 1), device="cpu")
    >>> images = torch.rand(8, 3, 4, 4)
    >>> attacked, _, succeeded = attack(model, images, through_dither(images).argmax(1), epsilons=0.5)
    >>> bool(succeeded.any())
    True

    With torchattacks, `attacked` is `torchattacks.PGD(attacked_network, eps=42 / 255)(prepared,
    labels)`. With the Adversarial Robustness Toolbox:

        classifier = art.estimators.classification.PyTorchClassifier(
            attacked_network,
            torch.nn.CrossEntropyLoss(),
            input_shape=(3, 4, 4),
            nb_classes=10,
            clip_values=(0, 1),
        )
        attack = art.attacks.evasion.ProjectedGradientDescentPyTorch(classifier, eps=42 / 255)
        attacked = torch.from_numpy(attack.generate(prepared.numpy()))
    """

    def __init__(
        self,
        classifier: Module,
        bits: int,
        *,
        variant: str = "textbook",
        rounding: str = "nearest",
    ) -> None:
        super().__init__()
        if not isinstance(classifier, Module):
            raise TypeError(
                f"classifier must be a torch.nn.Module, got {type(classifier).__name__}"
            )
        self.dither = FloydSteinberg(bits, variant=variant)
        self.filter = LinearQuantize(bits, rounding=rounding)
        self.classifier = classifier

    def prepare(self, images: Tensor) -> Tensor:
        """The images as they are handed out.

        Args:
            images: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16, float32
                or float64 with values in [0, 1].

        Returns:
            The images, dithered. uint8 becomes float32 first, v/255, so that the values are
            `pyquant.levels(bits, variant=variant)`; other images keep their dtype.
        """
        return self.dither(_as_floats(images))

    def forward(self, images: Tensor) -> Tensor:
        """Filters and classifies.

        Args:
            images: prepared ones, perhaps attacked, `(N, channels, height, width)`; dtypes and
                values as for `prepare`.

        Returns:
            What the classifier says of the filtered images.
        """
        return self.classifier(self.filter(_as_floats(images)))

    @property
    def certified_radius(self) -> float:
        """The largest change of every value of a prepared float32 image, in [0, 1], that changes no
        logit. It is `pyquant.certified_radius` of these settings. For uint8 and 16-bit floats, whose
        radius may be smaller, give that function the dtype."""
        return certified_radius(
            self.dither.bits, variant=self.dither.variant, rounding=self.filter.rounding
        )


def _as_floats(images: Tensor) -> Tensor:
    if isinstance(images, Tensor) and images.dtype == torch.uint8:
        return from_codes(images, 8)  # v/255, with the same bits on every device
    return images
