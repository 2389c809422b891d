"""Decoded images, kept under the digest of the files that they were decoded from."""

import hashlib
from pathlib import Path

import numpy
import PIL
import safetensors
from safetensors.numpy import save

from pyquant.atomic_files import atomic_path

#: Changes whenever images are decoded in another way.
VERSION = 2


class FilesDigest:
    """SHA-256 of the contents of files, one after the other, and of what decodes them."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256(f"{VERSION} {PIL.__version__}".encode())

    def add(self, content: bytes) -> None:
        """Adds the content of the next file."""
        # Each by its own digest: where one file ends and the next begins matters.
        self._sha256.update(hashlib.sha256(content).digest())

    def hexadecimal(self) -> str:
        """The digest of all files added."""
        return self._sha256.hexdigest()


def read_cached(directory: Path, digest: str) -> numpy.ndarray | None:
    """The pixels that are kept under ``digest``; None if there are none or the entry is damaged."""
    path = _path(directory, digest)
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, "np") as entry:
            pixels = entry.get_tensor("pixels")
            stored = entry.metadata()["sha256"]
    except (safetensors.SafetensorError, KeyError, TypeError, OSError):
        return None
    return pixels if stored == _digest(pixels) else None


def write_cached(directory: Path, digest: str, pixels: numpy.ndarray) -> None:
    """Keeps pixels, (N, 3, H, W) uint8, under the digest of their files."""
    with atomic_path(_path(directory, digest)) as part:
        part.write_bytes(save({"pixels": pixels}, {"sha256": _digest(pixels)}))


def _path(directory: Path, digest: str) -> Path:
    return directory / f"{digest}.safetensors"


def _digest(pixels: numpy.ndarray) -> str:
    shape = f"{pixels.dtype} {pixels.shape}"
    return hashlib.sha256(shape.encode() + numpy.ascontiguousarray(pixels).data).hexdigest()
