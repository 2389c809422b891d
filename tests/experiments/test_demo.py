"""The table of the demo."""

import numpy

from experiments.commands.demo import summary
from experiments.evaluation.cells import Outcome
from experiments.evaluation.evaluation import Evaluation
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.reporting.text_table import print_table
from experiments.support.terminal import terminal


def outcome(kind, epsilon, **attacked):
    """Of four images, of which so many are classified correctly after a filter."""
    labels = numpy.zeros(4, numpy.uint8)
    predictions = {name: (numpy.arange(4) >= attacked[name]).astype("u1") for name in FILTERS}
    return Outcome(
        Evaluation("demo", kind, kind, 4, ProjectedGradientDescent(epsilon)),
        labels, {"clean": dict.fromkeys(FILTERS, labels), "attacked": predictions}, {},
    )  # fmt: skip


def test_summary(capsys):
    outcomes = {
        ("8", 21.0): outcome("8", 21.0, none=1, floor=1, nearest=1),
        ("2d", 32.0): outcome("2d", 32.0, none=0, floor=3, nearest=4),
    }
    header, rows = summary(outcomes)
    assert [title.split()[-1] for title in header[-2:]] == ["21/255", "42/255"]
    assert [row[1:] for row in rows] == [
        ["100.0", "21/255", "25.0", "-", "-"],
        ["100.0", "32/255", "0.0", "75.0", "100.0"],
    ]
    print_table(terminal(), "title", header, rows)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
