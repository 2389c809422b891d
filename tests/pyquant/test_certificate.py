"""certified_radius: inside it every perturbation is undone, one step outside it some is not."""

import subprocess
import sys

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


OTHER_DTYPES = {  # of the textbook levels
    (torch.uint8, "nearest"): [127, 42, 17, 8, 3, 1, 0, 0],
    (torch.uint8, "floor"): [127, 21, 4, 1, 0, 0, 0, 0],
    (torch.float16, "nearest"): [127, 42, 18, 8, 4, 1, 0, 0],
    (torch.float16, "floor"): [126, 20, 4, 0, 0, 0, 0, 0],
    (torch.bfloat16, "nearest"): [127, 41, 17, 8, 3, 1, 0, 0],
    (torch.bfloat16, "floor"): [126, 21, 4, 1, 0, 0, 0, 0],
    (torch.float64, "nearest"): [127, 42, 18, 8, 4, 2, 1, 0],
    (torch.float64, "floor"): [127, 21, 4, 1, 0, 0, 0, 0],
}


@pytest.mark.parametrize("dtype, rounding", OTHER_DTYPES)
def test_table_of_other_dtypes(dtype, rounding):
    radii = [pyquant.certified_radius(b, rounding=rounding, dtype=dtype) * 255 for b in BITS]
    assert [round(radius) for radius in radii] == OTHER_DTYPES[dtype, rounding]


def every_value(dtype):
    """All finite values from -1 to 2 of a 16-bit float, or all bytes."""
    if dtype == torch.uint8:
        return torch.arange(256, dtype=dtype)
    values = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(dtype)
    return values[(values >= -1) & (values <= 2)]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_every_value_within_the_radius_is_undone(bits, variant, rounding, dtype):
    unit = 255 if dtype == torch.uint8 else 1
    radius = pyquant.certified_radius(bits, variant=variant, rounding=rounding, dtype=dtype)
    values = every_value(dtype)
    for level in pyquant.levels(bits, variant=variant, dtype=dtype):
        near = values[(values.double() - level.double()).abs() <= radius * unit]
        if dtype != torch.uint8:  # adding may round to a value just outside
            near = torch.cat([near, level + torch.tensor([-radius, radius]).to(dtype)])
        restored = pyquant.linear_quantize(near[None], bits, rounding=rounding)
        clean = pyquant.linear_quantize(level.view(1, 1), bits, rounding=rounding)
        assert (restored == clean).all()


def test_no_global_setting_matters():
    """In processes of their own: a result is remembered."""
    code = "import torch, pyquant; {}; print(pyquant.certified_radius(1, rounding='floor') * 255)"
    for setting in ("torch.set_default_dtype(torch.float64)", "torch.set_default_device('meta')"):
        process = subprocess.run(
            [sys.executable, "-c", code.format(setting)], capture_output=True, text=True
        )
        assert process.stdout == "126.0\n", process.stderr


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_are_restored_where_the_tables_agree(bits):
    """For 1, 2, 4 and 8 bits 255/(n-1) is whole, so filter and dither share their levels."""
    image = pyquant.floyd_steinberg(torch.rand(3, 32, 32), bits, variant="published")
    radius = pyquant.certified_radius(bits, variant="published", rounding="nearest")
    attacked = (image + radius * (2 * torch.rand(image.shape) - 1)).clamp(0, 1)
    assert torch.equal(pyquant.linear_quantize(attacked, bits), image)
