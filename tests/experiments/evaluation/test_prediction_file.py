"""Packed predictions come back as they were, small, and damage is noticed."""

import hashlib
import lzma
import tracemalloc

import numpy
import pytest

from experiments.evaluation import prediction_file
from experiments.evaluation.prediction_file import HEADER, MAGIC, PredictionFile
from experiments.evaluation.subset import subset

DATA = hashlib.sha256(b"images").hexdigest()


def network(labels, right, seed, classes=10):
    """Classes that a network might give: the label for a part ``right`` of the images."""
    source = numpy.random.RandomState(seed)
    guess = source.randint(classes, size=len(labels)).astype(numpy.uint8)
    return numpy.where(source.rand(len(labels)) < right, labels, guess)


def labels_of(count, classes=10):
    return numpy.random.RandomState(0).randint(classes, size=count).astype(numpy.uint8)


@pytest.mark.parametrize("classes", [2, 10, 17, 256])
@pytest.mark.parametrize("images", [1, 7, 500, 2000])
def test_vectors_come_back(images, classes, tmp_path):
    whole = labels_of(2000, classes)
    labels = whole[subset(2000, images).numpy()]
    vectors = [
        network(labels, right, seed, classes) for seed, right in enumerate((1.0, 0.9, 0.5, 0.0))
    ]
    vectors += [numpy.full(images, classes - 1, numpy.uint8), labels[::-1].copy()]
    written = PredictionFile(tmp_path / "predictions.bin")
    data = written.add_labels(DATA, whole)
    keys = []
    for vector in vectors:
        keys.append(written.add(vector, data, keys))
    written.write(keys)
    read = PredictionFile(tmp_path / "predictions.bin")
    assert (read.vector(data) == whole).all() and (read.labels(data, images) == labels).all()
    for key, vector in zip(keys, vectors, strict=True):
        assert read.vector(key).dtype == numpy.uint8
        assert read.vector(key).tolist() == vector.tolist()


def test_other_dtypes_are_refused(tmp_path):
    packed = PredictionFile(tmp_path / "predictions.bin")
    with pytest.raises(TypeError, match="labels has dtype int64; accepted is uint8"):
        packed.add_labels(DATA, labels_of(5).astype(numpy.int64))
    data = packed.add_labels(DATA, labels_of(5))
    with pytest.raises(TypeError, match="vector has dtype int64; accepted is uint8"):
        packed.add(numpy.zeros(5, numpy.int64), data)


def test_a_vector_is_stored_once(tmp_path):
    packed = PredictionFile(tmp_path / "predictions.bin")
    labels = labels_of(500)
    data = packed.add_labels(DATA, labels)
    first = packed.add(network(labels, 0.8, 1), data)
    assert packed.add(network(labels, 0.8, 1), data, [first]) == first
    assert len(packed.entries) == 2


def test_a_vector_like_another_takes_next_to_nothing(tmp_path):
    packed = PredictionFile(tmp_path / "predictions.bin")
    whole = labels_of(10_000)
    data = packed.add_labels(DATA, whole)
    clean = network(packed.labels(data, 10_000), 0.85, 1)
    changed = clean.copy()
    changed[::500] = 3
    keys = [packed.add(clean, data)]
    keys.append(packed.add(changed, data, keys))
    first, second = (len(packed.entries[bytes.fromhex(key)].packed) for key in keys)
    assert first < 1600 and second < 200


def test_what_is_kept_brings_what_it_needs(tmp_path):
    packed = PredictionFile(tmp_path / "predictions.bin")
    labels = labels_of(1000)
    data = packed.add_labels(DATA, labels)
    first, other = (packed.add(network(labels, 0.8, seed), data) for seed in (1, 2))
    changed = packed.vector(first).copy()
    changed[3] ^= 1
    second = packed.add(changed, data, [other, first])
    packed.write([second])
    read = PredictionFile(packed.path)
    assert sorted(key.hex() for key in read.entries) == sorted([data, first, second])
    assert read.vector(second).tolist() == changed.tolist()
    with pytest.raises(ValueError, match=f"holds no predictions with the key {other}"):
        read.vector(other)


def test_damage_is_named(tmp_path):
    path = tmp_path / "predictions.bin"
    packed = PredictionFile(path)
    labels = labels_of(300)
    data = packed.add_labels(DATA, labels)
    key = packed.add(network(labels, 0.5, 1), data)
    packed.write([key])
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(MAGIC) + 5):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="predictions.bin ends within an entry"):
            PredictionFile(path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not a file of predictions"):
        PredictionFile(path)
    # Whichever byte of the vector is changed, no other vector comes out.
    length = len(packed.entries[bytes.fromhex(key)].packed)
    for place in range(len(whole) - length, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert PredictionFile(path).vector(key).tolist() == packed.vector(key).tolist()
        except ValueError as error:
            assert "predictions.bin is damaged" in str(error)


def entry(key, data, given, images, packed):
    return HEADER.pack(key, data, given, images, len(packed)) + packed


def test_a_file_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    path, labels, other = tmp_path / "predictions.bin", b"labels00", b"other000"
    bomb = lzma.compress(bytes(1 << 28), lzma.FORMAT_RAW, filters=prediction_file.FILTERS)
    assert len(bomb) < 1 << 16
    path.write_bytes(MAGIC + entry(labels, bytes(8), bytes(8), 100, bomb))
    tracemalloc.start()
    with pytest.raises(ValueError, match="is damaged at .*: it ends too early, or holds more than"):
        PredictionFile(path).vector(labels.hex())
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    path.write_bytes(MAGIC + entry(labels, bytes(8), bytes(8), 1 << 28, bomb))
    with pytest.raises(ValueError, match=f"is damaged at .*: it is of {1 << 28} images"):
        PredictionFile(path)
    # What is refused when it is read cannot be written either.
    monkeypatch.setattr(prediction_file, "MAX_IMAGES", 99)
    with pytest.raises(ValueError, match="labels has 100 images; accepted are at most 99"):
        PredictionFile(tmp_path / "new.bin").add_labels(DATA, labels_of(100))
    # Entries that need each other.
    path.write_bytes(
        MAGIC + entry(labels, bytes(8), other, 9, b"") + entry(other, bytes(8), labels, 9, b"")
    )
    with pytest.raises(ValueError, match=f"{other.hex()} does not stand before it"):
        PredictionFile(path)
