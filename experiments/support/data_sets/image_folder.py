"""Images that lie in folders, one for each class."""

import hashlib
import io
from pathlib import Path

import numpy
import torch
from PIL import Image

from experiments.support.data_sets.split import Split
from experiments.support.storage import atomic_path


def load_image_folder(
    path: Path, split: str, name: str | None = None, cache: Path | None = None
) -> Split:
    """Loads ``path``/SPLIT/CLASS/*, which must all have one size.

    Args:
        path: the directory that holds train/ and test/.
        split: ``train`` or ``test``.
        name: what results call these images (default: the name of the directory).
        cache: a directory for the decoded images (default: none is kept).

    Raises:
        ValueError: images that cannot be used; the message names the file.
    """
    classes = _class_names(path / split)
    other = "test" if split == "train" else "train"
    if classes != _class_names(path / other):
        raise ValueError(f"{path}: train/ and test/ must hold the same class folders")
    files = [
        (file, label)
        for label, folder in enumerate(classes)
        for file in sorted((path / split / folder).iterdir())
        if not file.name.startswith(".")
    ]
    empty = set(range(len(classes))) - {label for _, label in files}
    if empty:
        raise ValueError(f"{path / split / classes[min(empty)]} holds no image")
    cached = cache and cache / f"{split}-{_listing_digest(files)}.npy"
    if cached and cached.exists():
        pixels = numpy.load(cached)
    else:
        pixels = _decode_all([file for file, _ in files])
        if cached:
            with atomic_path(cached) as part, open(part, "wb") as handle:
                numpy.save(handle, pixels)
    labels = torch.tensor([label for _, label in files])
    # Results name their images, but not where this machine keeps them.
    source = name or path.resolve().name
    return Split(torch.from_numpy(pixels), labels, classes, source, flip=True)


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
