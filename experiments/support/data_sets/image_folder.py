"""The images, from one of three sources, as one uint8 tensor per split."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
import torch
from PIL import Image
from torch import Tensor

from experiments.support.storage import atomic_path

SplitName = Literal["train", "test"]


class DownloadFailed(RuntimeError):
    """The images could not be fetched; the message names the sources that need no download."""


@dataclass(frozen=True)
class DataConfig:
    """Where the images come from."""

    source: Literal["digits", "cifar10", "folder"] = "digits"
    """digits: scikit-learn's bundled digits, enlarged to 32x32, nothing to download. cifar10:
    downloaded by torchvision, checksum verified. folder: train/CLASS/* and test/CLASS/* under
    --data.path."""
    path: Path | None = None
    """folder: where the images are. cifar10: where the download is kept (default:
    ~/.cache/pyquant)."""
    name: str | None = None
    """folder: what results call these images (default: the name of the directory)."""
    cache: Path | None = None
    """folder: a directory for the decoded images, for a quick start next time (default: none)."""


@dataclass(frozen=True)
class Split:
    """One half of a data set, all of it on one device."""

    images: Tensor
    """(N, 3, H, W) uint8, contiguous."""
    labels: Tensor
    """(N,) int64, indices into classes."""
    classes: tuple[str, ...]
    source: str
    flip: bool
    """Whether a mirrored image is still one of its class: that of a digit is not."""

    def describe(self) -> dict:
        """What a result says of its data: source, amount, and a digest of every value."""
        content = hashlib.sha256()
        for tensor in (self.images, self.labels):
            content.update(tensor.cpu().numpy().tobytes())
        return {
            "source": self.source,
            "images": len(self.labels),
            "size": list(self.images.shape[1:]),
            "classes": list(self.classes),
            "sha256": content.hexdigest(),
        }

    def to(self, device: torch.device) -> "Split":
        """The same split on ``device``."""
        return Split(
            self.images.to(device), self.labels.to(device), self.classes, self.source, self.flip
        )


def load_split(config: DataConfig, split: SplitName) -> Split:
    """Loads the ``train`` or ``test`` half of a data set onto the CPU.

    Raises:
        ValueError: an option that is missing, or images that cannot be used: the message names the
            file.
        DownloadFailed: CIFAR-10 could not be downloaded.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; accepted are train, test")
    if config.source == "digits":
        return _digits(split)
    if config.source == "cifar10":
        return _cifar10(config, split)
    if config.source == "folder":
        return _folder(config, split)
    raise ValueError(f"data.source is {config.source!r}; accepted are digits, cifar10, folder")


def _digits(split: SplitName) -> Split:
    # Imported here, and torchvision below: each would add a second to the start of every command.
    from sklearn.datasets import load_digits

    bundled = load_digits()
    # Every fifth image is for testing: a fixed split that keeps the classes balanced and, since
    # writers come in runs, has every writer on both sides. It is a demonstration, not a benchmark.
    is_test = numpy.arange(len(bundled.target)) % 5 == 0
    chosen = is_test if split == "test" else ~is_test
    small = (bundled.images[chosen] * (255 / 16)).round().astype(numpy.uint8)
    enlarged = numpy.stack(
        [
            numpy.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC))
            for image in small
        ]
    )
    images = torch.from_numpy(enlarged)[:, None].expand(-1, 3, -1, -1).contiguous()
    labels = torch.from_numpy(bundled.target[chosen]).long()
    classes = tuple(str(name) for name in bundled.target_names)
    return Split(images, labels, classes, "scikit-learn digits, enlarged to 32x32", flip=False)


def _cifar10(config: DataConfig, split: SplitName) -> Split:
    import torchvision

    root = config.path or Path.home() / ".cache" / "pyquant"
    try:
        dataset = torchvision.datasets.CIFAR10(str(root), train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise DownloadFailed(
            f"CIFAR-10 could not be downloaded to {root}: {error}. Two sources need no download: "
            "--data.source folder --data.path DIR "
            "(images in train/CLASS/ and test/CLASS/) and --data.source digits"
        ) from error
    images = torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous()
    return Split(
        images, torch.tensor(dataset.targets), tuple(dataset.classes), "CIFAR-10", flip=True
    )


def _folder(config: DataConfig, split: SplitName) -> Split:
    if config.path is None:
        raise ValueError(
            "data.path is missing; --data.source folder needs the directory "
            "that holds train/ and test/"
        )
    classes = _class_names(config.path / split)
    other = "test" if split == "train" else "train"
    if classes != _class_names(config.path / other):
        raise ValueError(f"{config.path}: train/ and test/ must hold the same class folders")
    files = [
        (file, label)
        for label, name in enumerate(classes)
        for file in sorted((config.path / split / name).iterdir())
        if not file.name.startswith(".")
    ]
    empty = set(range(len(classes))) - {label for _, label in files}
    if empty:
        raise ValueError(f"{config.path / split / classes[min(empty)]} holds no image")
    cached = config.cache and config.cache / f"{split}-{_listing_digest(files)}.npy"
    if cached and cached.exists():
        pixels = numpy.load(cached)
    else:
        pixels = _decode_all([file for file, _ in files])
        if cached:
            with atomic_path(cached) as part, open(part, "wb") as handle:
                numpy.save(handle, pixels)
    labels = torch.tensor([label for _, label in files])
    # Results say which images they are of; where those lie is this machine's business.
    name = config.name or config.path.resolve().name
    return Split(torch.from_numpy(pixels), labels, classes, name, flip=True)


def _class_names(directory: Path) -> tuple[str, ...]:
    if not directory.is_dir():
        raise ValueError(
            f"{directory} is not a directory; a folder source holds train/CLASS/ and test/CLASS/"
        )
    names = tuple(sorted(entry.name for entry in directory.iterdir() if entry.is_dir()))
    if len(names) < 2:
        raise ValueError(f"{directory} holds {len(names)} class folders; at least 2 are needed")
    return names


def _listing_digest(files: list[tuple[Path, int]]) -> str:
    listing = io.StringIO()
    for file, label in files:
        state = file.stat()
        listing.write(f"{label}/{file.name} {state.st_size} {state.st_mtime_ns}\n")
    return hashlib.sha256(listing.getvalue().encode()).hexdigest()[:16]


def _decode_all(files: list[Path]) -> numpy.ndarray:
    first = _decode(files[0])
    pixels = numpy.empty((len(files), 3, *first.shape[:2]), numpy.uint8)
    for index, file in enumerate(files):
        image = _decode(file)
        if image.shape != first.shape:
            raise ValueError(
                f"{file} is {image.shape[1]}x{image.shape[0]}, "
                f"{files[0]} is {first.shape[1]}x{first.shape[0]}; all images must have one size"
            )
        pixels[index] = image.transpose(2, 0, 1)
    return pixels


def _decode(file: Path) -> numpy.ndarray:
    try:
        with Image.open(file) as image:
            return numpy.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{file} cannot be read as an image: {error}") from error
