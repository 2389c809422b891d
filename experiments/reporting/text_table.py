"""Tables on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from tabulate import tabulate


def print_table(
    console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Prints a table of texts, its columns flush right, under a title."""
    table = tabulate(rows, header, tablefmt="simple", disable_numparse=True, colglobalalign="right")
    console.print(f"\n{title}\n\n{table}\n")
