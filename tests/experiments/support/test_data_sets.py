"""The three sources, and what is said of each that cannot be used."""

import urllib.request
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

from experiments.support.data_sets import DataConfig, DownloadFailed, load_split


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


def test_cache_gives_the_same_and_notices_a_change(folder, tmp_path):
    cache = tmp_path / "cache"
    first = load(folder, cache=cache)
    (cached,) = cache.iterdir()
    # What is read the second time is the cache: change it, and the change shows.
    numpy.save(cached, numpy.zeros((2, 3, 8, 8), numpy.uint8))
    assert load(folder, cache=cache).images.sum() == 0
    save(folder / "train" / "cat" / "c.png", (1, 1, 1))
    fresh = load(folder, cache=cache)
    assert torch.equal(fresh.images[[0, 2]], first.images)


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
        (lambda f: (f / "test/bird").mkdir(), "must hold the same class folders"),
        (lambda f: (f / "test").rename(f / "tset"), "test is not a directory"),
    ],
)
def test_folder_that_cannot_be_used(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message):
        load(folder)


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
