"""Bars stand side by side, and missing values are marked."""

from itertools import pairwise

from matplotlib import pyplot

from experiments.reporting.bar_chart import draw_bars


def test_bars_stand_side_by_side_and_say_what_is_not_measured():
    figure, axis = pyplot.subplots()
    draw_bars(axis, ["1", "2d"], {"clean": {"1": 72.4, "2d": 84.0}, "attacked": {"2d": 0.6}})
    assert axis.get_xlabel() == "model (?: not measured)"
    assert [text.get_text() for text in axis.texts] == ["72", "84", "?", "1"]
    ends = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches)
    assert all(end <= begin + 1e-9 for (_, end), (begin, _) in pairwise(ends))
    axis.clear()
    draw_bars(axis, ["1"], {"clean": {"1": 72.4}})
    assert axis.get_xlabel() == "model"
    pyplot.close(figure)
