"""The terminal, or the pipe or file in its place."""

from rich.console import Console


def terminal(*, errors: bool = False) -> Console:
    """A console that shows text as it is: names of files and classes may hold ``[v2]`` or ``:x:``.

    Args:
        errors: write to standard error.
    """
    return Console(stderr=errors, markup=False, emoji=False, highlight=False, soft_wrap=True)
