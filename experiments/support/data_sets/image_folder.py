"""Images that lie in folders, one for each class."""

from pathlib import Path

import numpy
import torch

from experiments.support.data_sets.decoding import decode
from experiments.support.data_sets.image_cache import FilesDigest, read_cached, write_cached
from experiments.support.data_sets.split import Split

#: What file managers and archives leave beside images, in lower case.
FOREIGN = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin")


def load_image_folder(
    path: Path,
    split: str,
    name: str | None = None,
    cache: Path | None = None,
) -> Split:
    """Loads ``path``/SPLIT/CLASS/*, which must all have one size.

    Hidden files and folders, and those of FOREIGN, are skipped. The other half is not needed; if it
    is there, it must hold the same classes.

    Args:
        path: the directory that holds train/ and test/.
        split: ``train`` or ``test``.
        name: what results call these images (default: the name of the directory).
        cache: a directory for the decoded images (default: none is kept).

    Raises:
        ValueError: images that cannot be used; the message names the file.
    """
    classes = _class_names(path / split)
    other = path / ("test" if split == "train" else "train")
    if other.is_dir():
        _refuse_other_classes(path / split, classes, other, _class_names(other))
    files = [
        (file, label)
        for label, folder in enumerate(classes)
        for file in _image_files(path / split / folder)
    ]
    pixels = _read_all([file for file, _ in files], cache)
    labels = torch.tensor([label for _, label in files])
    # Results name their images, but not where this machine keeps them.
    source = name or path.resolve().name
    return Split(torch.from_numpy(pixels), labels, classes, source, flip=True)


def _is_foreign(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name.lower() in FOREIGN


def _class_names(directory: Path) -> tuple[str, ...]:
    if not directory.is_dir():
        raise ValueError(
            f"{directory} is not a directory; a folder source holds train/CLASS/ and test/CLASS/"
        )
    folders = (entry for entry in directory.iterdir() if entry.is_dir() and not _is_foreign(entry))
    names = tuple(sorted(folder.name for folder in folders))
    if len(names) < 2:
        raise ValueError(f"{directory} holds {len(names)} class folders; at least 2 are needed")
    return names


def _refuse_other_classes(
    one: Path, classes: tuple[str, ...], other: Path, other_classes: tuple[str, ...]
) -> None:
    differing = [
        f"{', '.join(sorted(only))} only in {place}"
        for place, only in (
            (one, set(classes) - set(other_classes)),
            (other, set(other_classes) - set(classes)),
        )
        if only
    ]
    if differing:
        raise ValueError(
            f"train and test must hold the same class folders; there is {', and '.join(differing)}"
        )


def _image_files(folder: Path) -> list[Path]:
    files = [entry for entry in sorted(folder.iterdir()) if not _is_foreign(entry)]
    for file in files:
        if file.is_dir():
            raise ValueError(f"{file} is a folder; the folder of a class holds images alone")
    if not files:
        raise ValueError(f"{folder} holds no image")
    return files


def _read_all(files: list[Path], cache: Path | None) -> numpy.ndarray:
    """The pixels, (N, 3, H, W) uint8: from the cache, if it holds those of the same contents."""
    if cache is not None:
        digest = FilesDigest()
        for file in files:
            digest.add(file.read_bytes())
        pixels = read_cached(cache, digest.hexadecimal())
        if pixels is not None:
            return pixels
    # The digest again, of the bytes that are decoded: a file may have changed meanwhile.
    digest = FilesDigest()
    pixels = _decode_all(files, digest)
    if cache is not None:
        write_cached(cache, digest.hexadecimal(), pixels)
    return pixels


def _decode_all(files: list[Path], digest: FilesDigest) -> numpy.ndarray:
    pixels = numpy.empty(0, numpy.uint8)
    for index, file in enumerate(files):
        content = file.read_bytes()
        digest.add(content)
        image = decode(content, file)
        if index == 0:
            first = image.shape
            pixels = numpy.empty((len(files), 3, *first[:2]), numpy.uint8)
        if image.shape != first:
            raise ValueError(
                f"{file} is {image.shape[1]}x{image.shape[0]}, "
                f"{files[0]} is {first[1]}x{first[0]}; all images must have one size"
            )
        pixels[index] = image.transpose(2, 0, 1)
    return pixels
