"""The tables of the READMEs, from small reports."""

import pytest

from experiments.reporting.readme_tables import (
    before_dithering,
    long_training,
    networks,
    precision,
    reproduced,
)

SUMMARY = """\
model,epochs,clean,paper clean,attacked images,clean on them,filter none,filter floor,filter nearest,paper floor
2d,24,84.07,87.10,2000,82.80,0.85,82.80,82.81,87.10
8,24,86.06,90.70,2000,84.95,0.00,0.00,0.00,0.00
"""
BEFORE = """\
model,attacker,gradient,filter,epsilon,clean,attacked,images,paper
1d,after,network,none,8,80.50,22.45,2000,
1d,after,network,floor,8,80.51,80.52,2000,
1d,before,network,floor,8,80.51,6.80,2000,4.74
1d,before,quantization,floor,8,80.51,3.80,2000,
"""
PRECISION = """\
model,epsilon,precision,images,clean,attacked none,attacked floor,attacked nearest
1,1,bfloat16,1000,73.60,68.40,73.60,73.60
1,1,float32,1000,73.80,68.40,73.50,73.60
1,8,bfloat16,1000,73.60,20.00,73.60,73.60
1,8,float32,1000,73.60,20.40,73.60,73.60
2,1,bfloat16,1000,80.00,50.00,80.00,80.00
2,1,float32,1000,80.10,50.30,80.00,80.00
"""


def write(directory, name, text):
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def cells(table):
    """The rows below the header, without their padding."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def test_networks(tmp_path):
    write(tmp_path, "short/summary.csv", SUMMARY)
    assert cells(networks(tmp_path)) == [
        ["2d", "84.07", "87.1", "82.80", "0.85", "82.80", "87.1", "82.81"],
        ["8", "86.06", "90.7", "84.95", "0.00", "0.00", "0.0", "0.00"],
    ]
    assert "2,000" in networks(tmp_path).splitlines()[0]


def test_long_training_has_the_networks_that_were_trained_long(tmp_path):
    write(tmp_path, "short/summary.csv", SUMMARY)
    header, _, eight = SUMMARY.splitlines()
    write(tmp_path, "paper/summary.csv", f"{header}\n{eight.replace('86.06', '87.17')}\n")
    assert cells(long_training(tmp_path)) == [
        ["8", "86.06", "87.17", "90.7", "3.5", "2,000", "0.00", "0.00", "0.0", "0.00"]
    ]


def test_reproduced_is_of_the_long_training_except_before_dithering(tmp_path):
    header, two, _ = SUMMARY.splitlines()
    one = two.replace("2d", "1d").replace("82.80", "80.50")
    write(tmp_path, "short/summary.csv", f"{header}\n{two}\n{one}\n")
    long = "\n".join((header, two, one)).replace(",24,", ",160,").replace(",2000,", ",10000,")
    write(tmp_path, "paper/summary.csv", long.replace("0.85", "0.44") + "\n")
    of_2d = "\n".join(line.replace("1d", "2d", 1) for line in BEFORE.splitlines()[1:])
    write(tmp_path, "short/before_dithering.csv", f"{BEFORE}{of_2d}\n")
    table = reproduced(tmp_path)
    assert "10,000 images" in table.splitlines()[0]
    rows = {row[0]: row[1:] for row in cells(table)}
    assert rows["attacked, no filter"] == ["", "0.4", "", "0.4"]
    assert rows["attacked *before* dithering (24 epochs, 2,000 images)"][2:] == ["4.7", "6.8"]


def test_before_dithering_is_of_the_floor_filter(tmp_path):
    write(tmp_path, "short/before_dithering.csv", BEFORE)
    assert cells(before_dithering(tmp_path)) == [["1d", "80.51", "80.52", "6.80", "3.80", "4.74"]]


def test_precision_is_the_largest_difference_in_images(tmp_path):
    write(tmp_path, "short/precision.csv", PRECISION)
    assert cells(precision(tmp_path)) == [
        ["1/255", "2", "3", "1", "0"],
        ["8/255", "0", "4", "0", "0"],
    ]


def test_reports_that_lack_something_are_named(tmp_path):
    write(tmp_path, "short/summary.csv", "model,clean\n2d,84.07\n")
    with pytest.raises(ValueError, match="summary.csv has no column 'attacked images'; it has mod"):
        networks(tmp_path)
    write(tmp_path, "paper/summary.csv", SUMMARY)
    with pytest.raises(ValueError, match="summary.csv has no model '8'; it has 2d"):
        long_training(tmp_path)
