"""certified_radius: inside it every perturbation is undone, one step outside it some is not."""

import pytest
import torch

import pyquant
from images import BITS, ROUNDINGS, VARIANTS

TABLE = {  # in units of 1/255, for 1 to 8 bits
    ("published", "floor"): [126, 21, 4, 1, 0, 0, 0, 0],
    ("published", "nearest"): [127, 42, 17, 8, 3, 1, 0, 0],
    ("textbook", "nearest"): [127, 42, 18, 8, 4, 2, 1, 0],
    ("textbook", "floor"): [126, 21, 4, 1, 0, 0, 0, 0],
}


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("variant, rounding", TABLE)
def test_table(variant, rounding, bits):
    radius = pyquant.certified_radius(bits, variant=variant, rounding=rounding)
    assert radius == TABLE[variant, rounding][bits - 1] / 255


def test_defaults():
    assert pyquant.certified_radius(4) == 8 / 255
    assert isinstance(pyquant.certified_radius(4), float)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_every_perturbation_inside_is_undone(bits, variant, rounding):
    """Every level, perturbed by a dense grid over the whole radius with both its ends."""
    radius = pyquant.certified_radius(bits, variant=variant, rounding=rounding)
    clean = pyquant.levels(bits, variant=variant)[:, None]
    perturbed = clean + torch.linspace(-1, 1, 20001) * torch.tensor(radius)
    perturbed = torch.cat([clean - radius, perturbed, clean + radius], dim=1)
    restored = pyquant.linear_quantize(perturbed, bits, rounding=rounding)
    assert (restored == pyquant.linear_quantize(clean, bits, rounding=rounding)).all()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", range(1, 8))
def test_one_step_outside_is_not(bits, variant, rounding):
    outside = pyquant.certified_radius(bits, variant=variant, rounding=rounding) + 1 / 255
    clean = pyquant.levels(bits, variant=variant)[:, None]
    ends = torch.cat([clean - outside, clean + outside], dim=1)
    restored = pyquant.linear_quantize(ends, bits, rounding=rounding)
    assert (restored != pyquant.linear_quantize(clean, bits, rounding=rounding)).any()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", BITS)
def test_bytes(bits, rounding):
    """The same holds for an attacker who is limited to bytes."""
    radius = round(255 * pyquant.certified_radius(bits, variant="published", rounding=rounding))
    clean = pyquant.levels(bits, variant="published", dtype=torch.uint8)[:, None]
    perturbed = (clean.int() + torch.arange(-radius, radius + 1)).clamp(0, 255).to(torch.uint8)
    restored = pyquant.linear_quantize(perturbed, bits, rounding=rounding)
    assert (restored == pyquant.linear_quantize(clean, bits, rounding=rounding)).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_are_restored_where_the_tables_agree(bits):
    """For 1, 2, 4 and 8 bits 255/(n-1) is whole, so filter and dither share their levels."""
    image = pyquant.floyd_steinberg(torch.rand(3, 32, 32), bits, variant="published")
    radius = pyquant.certified_radius(bits, variant="published", rounding="nearest")
    attacked = (image + radius * (2 * torch.rand(image.shape) - 1)).clamp(0, 1)
    assert torch.equal(pyquant.linear_quantize(attacked, bits), image)
