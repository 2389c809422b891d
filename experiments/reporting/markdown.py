"""Tables and text in Markdown."""

import re
from collections.abc import Sequence

from tabulate import tabulate


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in GitHub's Markdown, its cells exactly as they are given."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def plain(text: str) -> str:
    """``text`` so that Markdown shows it as it is: names that users choose may hold anything."""
    return re.sub(r"([\\`*_\[\]<>|~$&])", r"\\\1", text)
