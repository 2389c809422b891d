"""A table of rows as CSV and as Markdown."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments.reporting.markdown import markdown_table, plain
from experiments.reporting.text_table import print_table
from experiments.support.storage import write_text

Value = str | int | float | None


def write_rows(
    stem: Path,
    title: str,
    note: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Value]],
    console: Console,
    csv_columns: int | None = None,
) -> None:
    """Writes ``stem``.csv and ``stem``.md; None as an empty cell. Floats are accuracies from
    0 to 1, and written in percent. The terminal shows the table as well.

    The CSV has the first ``csv_columns`` columns (default: all), so the paper's numbers can be in the
    Markdown alone.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header[:csv_columns])
    writer.writerows([_text(value) for value in row[:csv_columns]] for row in rows)
    write_text(stem.with_suffix(".csv"), text.getvalue())
    texts = [[_text(value) for value in row] for row in rows]
    table = markdown_table(header, texts)
    print_table(console, title, header, texts)
    about = plain(note)
    if any(isinstance(value, float) for row in rows for value in row):
        about += "\n\nAccuracies are in percent."
    write_text(stem.with_suffix(".md"), f"# {title}\n\n{about}\n\n{table}\n")


def _text(value: Value) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f}" if isinstance(value, float) else str(value)
