"""Images through the command: every value is that of the op, whatever the formats are."""

import numpy
import pytest
import torch
from PIL import Image, ImageCms

import pyquant
from images import ROUNDINGS, VARIANTS
from pyquant.command_line.main import main

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
WRITTEN = {
    ".png": CHANNELS, ".bmp": ("L", "RGB"), ".pnm": ("L", "RGB"), ".pgm": ("L",), ".ppm": ("RGB",),
    ".tif": CHANNELS, ".tiff": CHANNELS, ".webp": CHANNELS,
}  # fmt: skip


def random_pixels(mode, seed=0):
    shape = (13, 17, CHANNELS[mode])
    pixels = numpy.random.default_rng(seed).integers(0, 256, shape, dtype=numpy.uint8)
    return pixels[..., 0] if mode == "L" else pixels


def dithered(pixels, bits=2, **mode):
    """What the op makes of the colours; alpha as it is."""
    result = pixels.copy()
    channels = result[..., None] if result.ndim == 2 else result
    for channel in range({1: 1, 2: 1, 3: 3, 4: 3}[channels.shape[-1]]):
        plane = torch.from_numpy(channels[..., channel].copy())
        channels[..., channel] = pyquant.floyd_steinberg(plane, bits, **mode).numpy()
    return result


def run(*arguments):
    """The exit status of the command."""
    with pytest.raises(SystemExit) as exit:
        main([str(argument) for argument in arguments])
    return exit.value.code


def result(source, target, *options, bits=2):
    assert run("dither", source, "-o", target, "--bits", bits, *options) == 0
    return Image.open(target)


def refusal(capsys, source, target, *options):
    """The line that says why `source` is refused. Nothing is written."""
    assert run("dither", source, "-o", target, "--bits", "2", *options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and not target.exists()
    return line


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("suffix", WRITTEN)
def test_every_format_and_mode(tmp_path, capsys, suffix, mode):
    pixels = random_pixels(mode)
    source, target = tmp_path / "in.png", tmp_path / f"out{suffix}"
    Image.fromarray(pixels).save(source)
    if mode not in WRITTEN[suffix]:
        line = refusal(capsys, source, target)
        assert str(target) in line and ".png" in line
        return
    read = result(source, target)
    if suffix != ".webp":  # which has colours only
        assert read.mode == mode
    assert numpy.array_equal(numpy.asarray(read.convert(mode)), dithered(pixels))


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("variant", VARIANTS)
def test_dither_options(tmp_path, bits, variant):
    pixels = random_pixels("RGB")
    Image.fromarray(pixels).save(tmp_path / "in.bmp")
    read = result(tmp_path / "in.bmp", tmp_path / "out.png", "--variant", variant, bits=bits)
    assert numpy.array_equal(numpy.asarray(read), dithered(pixels, bits, variant=variant))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_quantize_options(tmp_path, rounding):
    pixels = random_pixels("L")
    Image.fromarray(pixels).save(tmp_path / "in.png")
    command = ("quantize", tmp_path / "in.png", "-o", tmp_path / "out.png", "--bits", 3)
    assert run(*command, "--rounding", rounding) == 0
    expected = pyquant.linear_quantize(torch.from_numpy(pixels), 3, rounding=rounding)
    assert numpy.array_equal(numpy.asarray(Image.open(tmp_path / "out.png")), expected.numpy())


def palette(transparent):
    image = Image.fromarray(random_pixels("RGB")).quantize(16)
    return image, {"transparency": 3} if transparent else {}


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_palette(tmp_path, suffix, transparent):
    image, options = palette(transparent)
    image.save(tmp_path / f"in{suffix}", **options)
    mode = "RGBA" if transparent else "RGB"
    colours = numpy.asarray(Image.open(tmp_path / f"in{suffix}").convert(mode))
    read = result(tmp_path / f"in{suffix}", tmp_path / "out.png")
    assert read.mode == mode
    assert numpy.array_equal(numpy.asarray(read), dithered(colours))


def test_black_and_white(tmp_path):
    pixels = random_pixels("L") // 128 * 255
    Image.fromarray(pixels).convert("1").save(tmp_path / "in.tiff")
    read = result(tmp_path / "in.tiff", tmp_path / "out.png")
    assert read.mode == "L" and numpy.array_equal(numpy.asarray(read), pixels)


def test_orientation_is_applied_and_not_kept(tmp_path):
    pixels = random_pixels("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "in.png", exif=exif)
    read = result(tmp_path / "in.png", tmp_path / "out.png")
    assert numpy.array_equal(numpy.asarray(read), dithered(numpy.rot90(pixels, -1)))
    assert not read.getexif()


def test_a_large_image_is_not_copied_to_be_left_as_it_is(tmp_path, monkeypatch):
    pixels = random_pixels("RGB")
    Image.fromarray(pixels).save(tmp_path / "in.png")
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "copy", None)
        read = result(tmp_path / "in.png", tmp_path / "out.png")
    assert numpy.array_equal(numpy.asarray(read), dithered(pixels))


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp"])
def test_colour_profile_is_kept(tmp_path, suffix):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(random_pixels("RGB")).save(tmp_path / "in.png", icc_profile=profile)
    read = result(tmp_path / "in.png", tmp_path / f"out{suffix}")
    assert read.info["icc_profile"] == profile


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp"])
@pytest.mark.parametrize("source", ["in.png", "in.tiff", "in.bmp", "in.jpg"])
def test_pixels_per_inch_are_kept(tmp_path, source, suffix):
    Image.fromarray(random_pixels("RGB")).save(tmp_path / source, dpi=(300, 300))
    read = result(tmp_path / source, tmp_path / f"out{suffix}")
    assert read.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pixels_per_inch_turn_with_the_image(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(random_pixels("L")).save(tmp_path / f"in{suffix}", dpi=(204, 98), exif=exif)
    read = result(tmp_path / f"in{suffix}", tmp_path / "out.png")
    expected = (204, 98) if read.width > read.height else (98, 204)
    assert read.info["dpi"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("dpi", [None, (0, 0), (1, 1), (4e9, 4e9)])
def test_no_pixels_per_inch(tmp_path, dpi):
    """What a file does not say, or cannot mean, is not written."""
    source = tmp_path / "in.tiff"
    Image.fromarray(random_pixels("L")).save(source, **({"dpi": dpi} if dpi else {}))
    assert "dpi" not in result(source, tmp_path / "out.png").info


def sixteen_bit_gray(tmp_path, suffix):
    values = numpy.random.default_rng(0).integers(0, 2**16, (13, 17), dtype=numpy.uint16)
    source = tmp_path / f"in{suffix}"
    Image.fromarray(values).save(source)
    return source, values


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".pgm"])
def test_sixteen_bits_of_gray(tmp_path, capsys, suffix):
    source, values = sixteen_bit_gray(tmp_path, suffix)
    line = refusal(capsys, source, tmp_path / "out.png")
    assert str(source) in line and "16 bits" in line and "--reduce-16-bit" in line
    read = result(source, tmp_path / "out.png", "--reduce-16-bit")
    assert numpy.array_equal(numpy.asarray(read), dithered((values >> 8).astype(numpy.uint8)))


def test_sixteen_bits_of_colour(tmp_path, capsys):
    """Pillow reads them as 8, and writes none."""
    values = numpy.random.default_rng(0).integers(0, 2**16, (13, 17, 3), dtype="u2")
    source = tmp_path / "in.ppm"
    source.write_bytes(b"P6 17 13 65535\n" + values.astype(">u2").tobytes())
    assert "16 bits" in refusal(capsys, source, tmp_path / "out.png")
    reduced = numpy.asarray(Image.open(source))
    read = result(source, tmp_path / "out.png", "--reduce-16-bit")
    assert numpy.array_equal(numpy.asarray(read), dithered(reduced))


def frames(tmp_path, suffix):
    first, *others = (Image.fromarray(random_pixels("RGB", seed)) for seed in range(3))
    source = tmp_path / f"in{suffix}"
    first.save(source, save_all=True, append_images=others)
    return source


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tiff", ".webp"])
def test_animated_images_are_refused(tmp_path, capsys, suffix):
    source = frames(tmp_path, suffix)
    line = refusal(capsys, source, tmp_path / "out.png")
    assert str(source) in line and "3 frames" in line


@pytest.mark.parametrize(
    ("mode", "name"), [("CMYK", "CMYK"), ("LAB", "LAB"), ("F", "32 bits"), ("I", "32 bits")]
)
def test_modes_that_are_refused(tmp_path, capsys, mode, name):
    source = tmp_path / "in.tiff"
    Image.new(mode, (3, 3)).save(source)
    line = refusal(capsys, source, tmp_path / "out.png", "--reduce-16-bit")
    assert str(source) in line and name in line


def test_twelve_bits_are_refused(tmp_path, capsys):
    source = tmp_path / "in.pgm"
    source.write_bytes(b"P5 2 1 4095\n" + bytes(4))
    assert "12 bits" in refusal(capsys, source, tmp_path / "out.png", "--reduce-16-bit")


def test_bombs(tmp_path, capsys, monkeypatch):
    """Pillow refuses from twice its limit on."""
    source = tmp_path / "in.png"
    Image.fromarray(random_pixels("L")).save(source)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 13 * 17 - 1)
    result(source, tmp_path / "allowed.png")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 13 * 17 // 2 - 1)
    line = refusal(capsys, source, tmp_path / "out.png")
    assert str(source) in line and "more than 218 pixels" in line and "--any-size" in line
    result(source, tmp_path / "out.png", "--any-size")


def test_damaged_files(tmp_path, capsys):
    whole = tmp_path / "whole.png"
    Image.fromarray(random_pixels("RGB")).save(whole)
    content = whole.read_bytes()
    source = tmp_path / "in.png"
    for damaged in (b"", b"text", content[: len(content) // 2], content[:20]):
        source.write_bytes(damaged)
        assert str(source) in refusal(capsys, source, tmp_path / "out.png")


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".gif", ".avif", ".jp2", ".txt", ""])
def test_formats_that_are_not_written(tmp_path, capsys, suffix):
    source = tmp_path / "in.png"
    Image.fromarray(random_pixels("L")).save(source)
    line = refusal(capsys, source, tmp_path / f"out{suffix}")
    assert f"out{suffix}" in line and ".webp" in line
    assert ("destroy the levels" in line) == (suffix not in (".txt", ""))
