"""Bars side by side: a group for each model, a bar in it for each series."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

Series = Mapping[str, float]


def draw_bars(axis: Axes, models: Sequence[str], series: Mapping[str, Series]) -> None:
    """Draws each series, {model: percent}, in a colour of its own.

    A model that a series lacks gets a question mark, and the axis then says what it means.
    """
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(models))]
        heights = [values.get(model, 0.0) for model in models]
        texts = [f"{values[model]:.0f}" if model in values else "?" for model in models]
        axis.bar_label(axis.bar(places, heights, width, label=name), texts, fontsize=8)
    axis.set_xticks(range(len(models)), models)
    complete = all(model in values for values in series.values() for model in models)
    axis.set(xlabel="model" if complete else "model (?: not measured)", ylim=(0, 110))
