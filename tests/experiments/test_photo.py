"""The photo of the README: its pixels are those of the op, and the files are those of the table."""

import numpy
from PIL import Image
from sklearn.datasets import load_sample_image

import pyquant.reference
from experiments.commands.photo import LABEL, PART, SCALE, main
from experiments.photo import PhotoConfig
from experiments.reporting.readme_tables import read_rows
from experiments.support.places import RESULTS


def test_photo(tmp_path):
    main(PhotoConfig(output=tmp_path))
    picture = numpy.asarray(Image.open(tmp_path / "photo.png"))[LABEL:]
    shipped = numpy.asarray(Image.open(RESULTS / "pictures" / "photo.png"))[LABEL:]
    assert numpy.array_equal(picture, shipped)

    left, upper, right, lower = PART
    width = SCALE * (right - left)
    pixels = picture[::SCALE]
    photo = numpy.moveaxis(load_sample_image("china.jpg")[:lower], -1, 0)
    expected = pyquant.reference.floyd_steinberg(photo, 1)[:, upper:, left:right]
    assert numpy.array_equal(numpy.moveaxis(pixels[:, -width::SCALE], -1, 0), expected)

    rows = read_rows(tmp_path / "photo.csv")
    assert [row["image"] for row in rows] == ["original", "4 bits", "2 bits", "1 bit"]
    for column in ("png bytes", "webp bytes"):
        sizes = [int(row[column]) for row in rows]
        assert sizes == sorted(sizes, reverse=True)
        # Another processor may compress a little differently.
        for row, size in zip(read_rows(RESULTS / "pictures" / "photo.csv"), sizes, strict=True):
            assert abs(size - int(row[column])) < 0.02 * size
