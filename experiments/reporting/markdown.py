"""Tables in Markdown."""

from collections.abc import Sequence

from tabulate import tabulate


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in GitHub's Markdown, its cells exactly as they are given."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)
