"""Cells and names stand in Markdown as they are given."""

from experiments.reporting.markdown import markdown_table, plain


def test_cells_are_not_read_as_numbers():
    table = markdown_table(["name", "value"], [["1", "0.7200"], ["2d", ""], ["**8**", "1e3"]])
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert cells[0] == ["name", "value"] and set("".join(cells[1])) == {"-"}
    assert cells[2:] == [["1", "0.7200"], ["2d", ""], ["**8**", "1e3"]]


def test_names_have_no_meaning_in_markdown():
    assert plain("run[v2] of *a*_b") == r"run\[v2\] of \*a\*\_b"
    assert plain("PGD, 20 steps (2/255).") == "PGD, 20 steps (2/255)."
