"""The three sources, and what is said of each that cannot be used."""

import os
import shutil
import struct
import urllib.request
import zlib
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image, ImageCms
from safetensors.numpy import save as safetensors_of

from experiments.support.data_sets import (
    DataConfig,
    image_folder,
    load_split,
)
from experiments.support.data_sets.cifar10 import DownloadFailed


def save(path, color, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes, one image of each in both halves."""
    for split in ("train", "test"):
        save(tmp_path / split / "cat" / "a.png", (10, 20, 30))
        save(tmp_path / split / "dog" / "b.png", (40, 50, 60))
    return tmp_path


def load(folder, split="train", **options):
    return load_split(DataConfig("folder", folder, **options), split)


def test_folder_holds_its_pixels_and_labels(folder):
    save(folder / "train" / "dog" / "grey.png", 7, mode="L")
    split = load(folder, name="two animals")
    assert split.images.dtype == torch.uint8 and split.images.shape == (3, 3, 8, 8)
    assert split.images[:, :, 0, 0].tolist() == [[10, 20, 30], [40, 50, 60], [7, 7, 7]]
    assert split.labels.tolist() == [0, 1, 1] and split.labels.dtype == torch.int64
    assert split.classes == ("cat", "dog") and split.source == "two animals"


def test_cache_gives_the_same_and_notices_a_change(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = load(folder, cache=cache)
    # What is read the second time is the cache: nothing is decoded.
    with monkeypatch.context() as patch:
        patch.setattr(image_folder, "decode", None)
        assert torch.equal(load(folder, cache=cache).images, first.images)
    save(folder / "train" / "cat" / "c.png", (1, 1, 1))
    fresh = load(folder, cache=cache)
    assert torch.equal(fresh.images[[0, 2]], first.images)


def test_cache_is_of_the_content_of_the_files(folder, tmp_path):
    """Another data set with the same names, sizes and times is another one."""
    other = tmp_path / "other"
    shutil.copytree(folder / "train", other / "train")
    file, copy = folder / "train/cat/a.png", other / "train/cat/a.png"
    save(copy, (10, 20, 31))
    assert file.stat().st_size == copy.stat().st_size
    for path in (file, copy):
        os.utime(path, ns=(0, 0))
    cache = tmp_path / "cache"
    for directory, blue in ((folder, 30), (other, 31), (folder, 30)):
        images = load(directory, cache=cache).images
        assert images[0, :, 0, 0].tolist() == [10, 20, blue]
    # Under another name, or in another place, the same images are the same entry.
    before = os.listdir(cache)
    folder.joinpath("train").rename(folder / "test.new")
    shutil.rmtree(folder / "test")
    (folder / "test.new").rename(folder / "test")
    load(folder, split="test", cache=cache)
    assert os.listdir(cache) == before


def flip_last_byte(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"garbage" * 20,
        lambda content: content[: len(content) // 2],
        flip_last_byte,
        lambda content: safetensors_of({"pixels": numpy.zeros((2, 3, 8, 8), numpy.uint8)}),
        lambda content: safetensors_of({"x": numpy.zeros(1)}, {"sha256": ""}),
    ],
)
def test_a_damaged_entry_of_the_cache_is_made_again(damage, folder, tmp_path):
    cache = tmp_path / "cache"
    first = load(folder, cache=cache).images
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert torch.equal(load(folder, cache=cache).images, first)
    assert entry.read_bytes() == whole


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "train/cat/a.png").write_bytes(b"no image"), "a.png cannot be read"),
        (lambda f: (f / "train/cat/a.png").write_bytes(b""), "a.png cannot be read"),
        (
            lambda f: (f / "train/cat/a.png").write_bytes(
                (f / "train/dog/b.png").read_bytes()[:45]
            ),
            "a.png cannot be read",
        ),
        (lambda f: (f / "train/cat/a.png").unlink(), "cat holds no image"),
        (lambda f: save(f / "train/dog/big.png", 0, (9, 8)), "big.png is 9x8, .* must have one"),
        (lambda f: (f / "test/bird").mkdir(), "there is bird only in .*test$"),
        (
            lambda f: (f / "test/cat").rename(f / "test/bird"),
            "there is cat only in .*train, and bird only in .*test$",
        ),
        (lambda f: (f / "train").rename(f / "tset"), "train is not a directory"),
        (lambda f: (f / "train/cat/more").mkdir(), "more is a folder"),
        (lambda f: (f / "train/cat/notes.txt").write_text("x"), "notes.txt cannot be read"),
    ],
)
def test_folder_that_cannot_be_used(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message):
        load(folder)


def test_one_half_is_enough(folder):
    shutil.rmtree(folder / "train")
    assert load(folder, split="test").labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match="train is not a directory"):
        load(folder)


def test_foreign_files_and_folders_are_skipped(folder):
    before = load(folder).describe()
    for name in ("Thumbs.db", "desktop.ini", "._a.png", ".DS_Store", "Desktop.INI"):
        (folder / "train" / "cat" / name).write_bytes(b"foreign")
        (folder / "train" / name).write_bytes(b"foreign")
    for name in (".ipynb_checkpoints", "__MACOSX", "@eaDir"):
        for place in (folder, folder / "train", folder / "train" / "dog"):
            (place / name).mkdir()
            (place / name / "a.png").write_bytes(b"foreign")
    assert load(folder).describe() == before


def put_png_of_16_bits(path):
    """16-bit RGB, which Pillow opens as 8-bit RGB."""
    put_png(path, 8, 16, (b"\0" + bytes(8 * 6)) * 8)


def put_bomb(path):
    """A few bytes that would become 10 GB of pixels."""
    put_png(path, 60_000, 8, bytes(1000))


def put_png(path, size, bits, pixels):
    """A PNG that says of itself that it is RGB of this size."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", size, size, bits, 2, 0, 0, 0)
    data = zlib.compress(pixels)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def put_ppm_of_16_bits(path):
    path.write_bytes(b"P6 # a remark\n8 8\n65535\n" + bytes(8 * 8 * 6))


def put_frames(path):
    frames = [Image.new("P", (8, 8), number) for number in range(2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 255, 255, 255])
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def put_tiff_of_16_bits_in_colour(path):
    pixels = numpy.zeros((8, 8, 3), "<u2")
    tags = [
        (256, 4, 8), (257, 4, 8), (258, 3, 186), (259, 3, 1), (262, 3, 2), (273, 4, 200),
        (277, 3, 3), (278, 4, 8), (279, 4, pixels.nbytes),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    directory = directory.replace(struct.pack("<HHI", 258, 3, 1), struct.pack("<HHI", 258, 3, 3))
    head = (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)).ljust(186, b"\0")
    head += struct.pack("<HHH", 16, 16, 16)
    path.write_bytes(head.ljust(200, b"\0") + pixels.tobytes())


REFUSED = {
    "PNG of 16 bits, grey": (
        lambda path: Image.new("I;16", (8, 8), 60000).save(path),
        "16 bits for a value",
    ),
    "PNG of 16 bits, colour": (put_png_of_16_bits, "16 bits for a value"),
    "TIFF of 16 bits, grey": (
        lambda path: Image.new("I;16", (8, 8), 60000).save(path, format="TIFF"),
        "16 bits for a value",
    ),
    "TIFF of 16 bits, colour": (put_tiff_of_16_bits_in_colour, "16 bits for a value"),
    "TIFF of 32-bit floats": (
        lambda path: Image.new("F", (8, 8), 0.5).save(path, format="TIFF"),
        "32 bits for a value",
    ),
    "PFM": (lambda path: Image.new("F", (8, 8), 0.5).save(path, format="PPM"), "32 bits"),
    "more pixels than memory": (put_bomb, "its pixels may fill the memory: .*3600000000 pixels"),
    "PPM of 16 bits": (put_ppm_of_16_bits, "16 bits for a value"),
    "alpha": (
        lambda path: Image.new("RGBA", (8, 8), (1, 2, 3, 254)).save(path),
        "has transparent pixels",
    ),
    "grey and alpha": (lambda path: Image.new("LA", (8, 8), (1, 0)).save(path), "has transparent"),
    "a transparent colour of a palette": (
        lambda path: Image.new("P", (8, 8), 0).save(path, transparency=0),
        "has transparent pixels",
    ),
    "a transparent colour": (
        lambda path: Image.new("RGB", (8, 8), (1, 2, 3)).save(path, transparency=(1, 2, 3)),
        "has transparent pixels",
    ),
    "frames": (put_frames, "has 2 frames"),
    "another format": (
        lambda path: Image.new("RGB", (8, 8)).save(path, format="TGA"),
        "cannot be read as an image; accepted are the formats PNG, JPEG",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_images_that_would_lose_something_are_refused(name, folder):
    put, message = REFUSED[name]
    put(folder / "train/cat/a.png")
    with pytest.raises(ValueError, match=rf"a\.png .*({message})"):
        load(folder)


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (1, 2, 3, 255), [1, 2, 3]),
        ("LA", (9, 255), [9, 9, 9]),
        ("L", 200, [200] * 3),
        ("1", 1, [255] * 3),
    ],
)
def test_opaque_images_of_other_modes_are_accepted(mode, color, expected, folder):
    save(folder / "train/cat/a.png", color, mode=mode)
    assert load(folder).images[0, :, 0, 0].tolist() == expected


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_the_orientation_of_exif_data_is_applied(form, folder):
    pixels = numpy.zeros((8, 8, 3), numpy.uint8)
    pixels[:4] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show it
    Image.fromarray(pixels).save(folder / "train/cat/a.png", format=form, exif=exif)
    shown = load(folder).images[0, 0]
    assert shown[:, 6:].min() > 200 and shown[:, :2].max() < 50


def test_colour_profiles_are_ignored(folder):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.new("RGB", (8, 8), (10, 20, 30)).save(folder / "train/cat/a.png", icc_profile=profile)
    assert load(folder).images[0, :, 0, 0].tolist() == [10, 20, 30]


def test_missing_and_unknown_options():
    with pytest.raises(ValueError, match="data.path is missing"):
        load_split(DataConfig("folder"), "train")
    with pytest.raises(ValueError, match="data.source is 'web'; accepted are digits"):
        load_split(DataConfig("web"), "train")
    with pytest.raises(ValueError, match="split is 'valid'; accepted are train, test"):
        load_split(DataConfig(), "valid")


def test_digits_are_split_once_and_for_all():
    train, test = (load_split(DataConfig(), name) for name in ("train", "test"))
    assert train.images.shape == (1437, 3, 32, 32) and test.images.shape == (360, 3, 32, 32)
    assert not train.flip
    assert train.labels.bincount().min() > 100 and test.labels.bincount().min() > 20
    # No image is on both sides.
    seen = {image.tobytes() for image in train.images.numpy()}
    assert sum(image.tobytes() in seen for image in test.images.numpy()) == 0


def test_failed_download_names_the_other_sources(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    with pytest.raises(DownloadFailed) as raised:
        load_split(DataConfig("cifar10", tmp_path), "train")
    for part in ("no route to host", "--data.source folder", "--data.source digits"):
        assert part in str(raised.value)
    assert not list(tmp_path.glob("*.tar.gz"))


def test_a_user_without_a_home_directory_is_told_to_name_one(monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(ValueError, match="data.path is missing, and this user has no home"):
        load_split(DataConfig("cifar10"), "test")


def test_description_changes_with_any_value(folder):
    split = load(folder)
    before = split.describe()
    assert before["images"] == 2 and before["size"] == [3, 8, 8]
    split.images[1, 2, 7, 7] += 1
    assert split.describe()["sha256"] != before["sha256"]
