"""levels: the tables, every dtype."""

import pytest
import torch

import pyquant
from images import BITS, VARIANTS, assert_same
from pyquant.ops import DTYPES


def test_tables():
    assert_same(pyquant.levels(2), torch.tensor([0.0, 1 / 3, 2 / 3, 1.0]))
    eighths = pyquant.levels(3, dtype=torch.uint8)
    assert_same(eighths, torch.tensor([0, 36, 73, 109, 146, 182, 219, 255], dtype=torch.uint8))
    published = torch.tensor([0, 36, 72, 109, 145, 182, 218, 255], dtype=torch.uint8)
    assert_same(pyquant.levels(3, variant="published", dtype=torch.uint8), published)
    assert_same(pyquant.levels(3, variant="published"), published / 255)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_are_what_dithering_yields(bits, variant, dtype):
    """A wide ramp of all samples reaches every level and nothing else."""
    byte = torch.arange(256, dtype=torch.uint8).repeat(64, 1)
    image = byte if dtype == torch.uint8 else (byte / 255).to(dtype)
    dithered = pyquant.floyd_steinberg(image, bits, variant=variant)
    expected = pyquant.levels(bits, variant=variant, dtype=dtype)
    assert torch.isin(dithered, expected).all()
    if bits <= 4:
        assert_same(dithered.unique(), expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_ends(dtype):
    for bits in BITS:
        table = pyquant.levels(bits, dtype=dtype)
        assert len(table) == 2**bits
        assert table[0] == 0 and table[-1] == (255 if dtype == torch.uint8 else 1)


@pytest.mark.parametrize("device", ["meta", torch.device("meta"), "cpu", "cpu:0"])
def test_device(device):
    table = pyquant.levels(3, variant="published", dtype=torch.float16, device=device)
    assert table.device.type == torch.device(device).type
    assert table.dtype == torch.float16 and table.shape == (8,)
    with torch.device("meta"):  # is no default of it
        assert pyquant.levels(3).device.type == "cpu"


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda():
    table = pyquant.levels(3, device="cuda")
    assert table.is_cuda
    assert_same(table.cpu(), pyquant.levels(3))


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [
        ("abacus", RuntimeError, "device type at start of device string: abacus"),
        (torch.float16, TypeError, "device"),
        (torch.zeros(3), TypeError, "device"),
    ],
)
def test_bad_devices(device, error, message):
    with pytest.raises(error, match=message):
        pyquant.levels(3, device=device)
