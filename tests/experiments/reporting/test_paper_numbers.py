"""The numbers of the paper are read whole."""

from experiments.method.kinds import KINDS
from experiments.reporting.paper_numbers import read_table


def test_numbers_of_the_paper():
    first, second = read_table("table1"), read_table("table2")
    assert len(first) == 225 and first["2d", "2d"] == 0.871
    assert second["2d", "2d"] == 0.871 and ("2", "7") not in second
    assert {model for model, _ in first} == set(KINDS)
