"""predictions.bin: the classes that networks gave to images, packed.

The file is ``MAGIC``, then entries. An entry is a header ``HEADER`` (little-endian), then ``length``
bytes: one vector of class numbers, one byte for each image, compressed as raw LZMA2 with ``FILTERS``.
An entry stands after those that it needs. A vector has at most ``MAX_IMAGES`` images.

There are two sorts of vectors:

- The labels of a data set, in the order of the images. The ``key`` is the first 8 bytes of the data
  set's SHA-256; ``data`` and ``given`` are zero.
- Predictions. The ``key`` is the first 8 bytes of the vector's SHA-256, so a vector that several cells
  share is stored once. ``data`` is the key of the labels. The images are
  ``subset(len(labels), images)``, in this order.

A network gives mostly one answer to the images of one class, so predictions are sorted into groups
before they are compressed. A group has the images that agree in their label and in their class in
another vector of predictions, ``given`` (zero: in their label alone). Groups are in ascending order.
These parts are compressed, one after the other:

1. For each group its most frequent class.
2. For each image, group by group and in the order of the subset, a bit (most significant first) that
   is 1 if its class is another one.
3. For each of these images its class, less 1 if it is above the most frequent one. If there are two or
   more and all are below 16, they are two to a byte, the first in the upper half.
"""

import hashlib
import lzma
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy

from experiments.evaluation.subset import subset
from pyquant.atomic_files import atomic_path

MAGIC = b"pyquant predictions 1\n"
#: key, data, given, images, length
HEADER = struct.Struct("<8s8s8sII")
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": 1 << 16,
        "lc": 0,
        "lp": 0,
        "pb": 0,
    }
]
NOTHING = bytes(8)
#: So that a file from elsewhere cannot unpack to more memory than there is.
MAX_IMAGES = 1 << 24


@dataclass(frozen=True)
class Entry:
    """A packed vector."""

    data: bytes
    given: bytes
    images: int
    packed: bytes


class PredictionFile:
    """The content of one predictions.bin; keys are 16 hexadecimal digits."""

    def __init__(self, path: Path) -> None:
        """Reads ``path``, or starts empty if there is no such file.

        Raises:
            ValueError: the file is damaged.
        """
        self.path = path
        self.entries: dict[bytes, Entry] = {}
        self._known: dict[bytes, numpy.ndarray] = {}
        if not path.exists():
            return
        content = path.read_bytes()
        if not content.startswith(MAGIC):
            raise ValueError(f"{path} is not a file of predictions that this version knows")
        place = len(MAGIC)
        while place < len(content):
            end = place + HEADER.size
            if end > len(content):
                raise ValueError(f"{path} ends within an entry")
            key, data, given, images, length = HEADER.unpack(content[place:end])
            place = end + length
            if place > len(content):
                raise ValueError(f"{path} ends within an entry")
            for needed in (data, given):
                if needed != NOTHING and needed not in self.entries:
                    raise ValueError(
                        f"{path} is damaged at {key.hex()}: {needed.hex()} does not stand before it"
                    )
            if images > MAX_IMAGES:
                raise ValueError(f"{path} is damaged at {key.hex()}: it is of {images} images")
            self.entries[key] = Entry(data, given, images, content[end:place])

    def write(self, keep: Iterable[str]) -> None:
        """Writes the vectors ``keep``, and those that they need, whole or not at all."""
        needed: set[bytes] = set()
        rest = [bytes.fromhex(key) for key in keep]
        while rest:
            key = rest.pop()
            if key != NOTHING and key not in needed:
                needed.add(key)
                rest += [self.entries[key].data, self.entries[key].given]
        with atomic_path(self.path) as part, open(part, "wb") as file:
            file.write(MAGIC)
            for key, entry in self.entries.items():
                if key in needed:
                    length = len(entry.packed)
                    file.write(HEADER.pack(key, entry.data, entry.given, entry.images, length))
                    file.write(entry.packed)

    def add_labels(self, data_sha256: str, labels: numpy.ndarray) -> str:
        """Adds the labels, (N,) uint8, of a whole data set; returns their key.

        Raises:
            ValueError: the file holds other labels of the same data set.
        """
        _check_vector("labels", labels)
        key = bytes.fromhex(data_sha256)[:8]
        if key in self.entries:
            if not numpy.array_equal(self._vector(key), labels):
                raise ValueError(f"{self.path} is damaged at {key.hex()}: the labels are others")
        else:
            self.entries[key] = Entry(NOTHING, NOTHING, len(labels), _compress(labels))
        return key.hex()

    def labels(self, data: str, images: int) -> numpy.ndarray:
        """The labels, (images,) uint8, of a subset of the data set with the key ``data``."""
        whole = self._vector(bytes.fromhex(data))
        return whole[subset(len(whole), images).numpy()]

    def add(self, vector: numpy.ndarray, data: str, others: Iterable[str] = ()) -> str:
        """Adds a vector, (images,) uint8, and returns its key.

        Args:
            vector: a class for each image of the subset.
            data: key of the labels.
            others: keys of vectors of the same images; the one that helps most is ``given``.
        """
        _check_vector("vector", vector)
        key = hashlib.sha256(vector.tobytes()).digest()[:8]
        if key not in self.entries:
            labels = bytes.fromhex(data)
            choices = [NOTHING, *(bytes.fromhex(other) for other in dict.fromkeys(others))]
            packed = [
                _compress(_take_apart(vector, self._groups(labels, given, len(vector))))
                for given in choices
            ]
            best = min(range(len(choices)), key=lambda number: len(packed[number]))
            self.entries[key] = Entry(labels, choices[best], len(vector), packed[best])
            self._known[key] = vector
        return key.hex()

    def vector(self, key: str) -> numpy.ndarray:
        """The vector, (images,) uint8, with this key.

        Raises:
            ValueError: the file lacks it, or is damaged.
        """
        return self._vector(bytes.fromhex(key))

    def _vector(self, key: bytes) -> numpy.ndarray:
        if key in self._known:
            return self._known[key]
        if key not in self.entries:
            raise ValueError(f"{self.path} holds no predictions with the key {key.hex()}")
        entry = self.entries[key]
        try:
            vector = _decompress(entry.packed, entry.images)
            if entry.data != NOTHING:
                vector = _put_together(vector, self._groups(entry.data, entry.given, entry.images))
        except (lzma.LZMAError, ValueError, IndexError) as error:
            raise ValueError(f"{self.path} is damaged at {key.hex()}: {error}") from error
        if entry.data != NOTHING:
            if hashlib.sha256(vector.tobytes()).digest()[:8] != key:
                raise ValueError(f"{self.path} is damaged at {key.hex()}: its digest is another")
        self._known[key] = vector
        return vector

    def _groups(self, data: bytes, given: bytes, images: int) -> list[numpy.ndarray]:
        """For each group the places of its images in the subset."""
        keys = self.labels(data.hex(), images).astype(numpy.uint16) * 256
        if given != NOTHING:
            keys += self._vector(given)
        order = numpy.argsort(keys, kind="stable")
        return numpy.split(order, numpy.flatnonzero(numpy.diff(keys[order])) + 1)


def _take_apart(vector: numpy.ndarray, groups: list[numpy.ndarray]) -> numpy.ndarray:
    """The vector as most frequent classes, bits and other classes, uint8."""
    usual = [int(numpy.bincount(vector[group]).argmax()) for group in groups]
    others = [vector[group] != value for group, value in zip(groups, usual, strict=True)]
    classes = [
        vector[group][other] - (vector[group][other] > value)
        for group, other, value in zip(groups, others, usual, strict=True)
    ]
    bits = numpy.packbits(numpy.concatenate(others))
    rest = numpy.concatenate(classes)
    if len(rest) > 1 and rest.max() < 16:
        rest = numpy.append(rest, numpy.zeros(len(rest) % 2, numpy.uint8))
        rest = rest[::2] << 4 | rest[1::2]
    return numpy.concatenate([numpy.array(usual, numpy.uint8), bits, rest])


def _put_together(parts: numpy.ndarray, groups: list[numpy.ndarray]) -> numpy.ndarray:
    """Undoes ``_take_apart``."""
    order = numpy.concatenate(groups)
    usual = numpy.repeat(parts[: len(groups)], [len(group) for group in groups])
    end = len(groups) + -(-len(order) // 8)
    other = numpy.unpackbits(parts[len(groups) : end], count=len(order)).astype(bool)
    rest = parts[end:]
    if len(rest) < other.sum():
        rest = numpy.stack([rest >> 4, rest & 15], axis=1).ravel()[: other.sum()]
    ordered = usual.copy()
    ordered[other] = rest + (rest >= usual[other])
    vector = numpy.empty_like(ordered)
    vector[order] = ordered
    return vector


def _check_vector(name: str, vector: numpy.ndarray) -> None:
    if vector.dtype != numpy.uint8:
        raise TypeError(f"{name} has dtype {vector.dtype}; accepted is uint8")
    if len(vector) > MAX_IMAGES:
        raise ValueError(f"{name} has {len(vector)} images; accepted are at most {MAX_IMAGES}")


def _decompress(packed: bytes, images: int) -> numpy.ndarray:
    """The parts of a vector: for each image at most two classes and a bit."""
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS)
    unpacked = decompressor.decompress(packed, 3 * images + 1)
    if not decompressor.eof:
        raise ValueError(f"it ends too early, or holds more than {images} images")
    return numpy.frombuffer(unpacked, numpy.uint8)


def _compress(vector: numpy.ndarray) -> bytes:
    return lzma.compress(vector.tobytes(), lzma.FORMAT_RAW, filters=FILTERS)
