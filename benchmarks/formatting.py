"""How cases and numbers are written in the reports."""

from benchmarks.cases import Case
from benchmarks.measurements import Result


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{number(ratio)}x"


def duration(result: Result) -> str:
    microseconds = result.timing.median * 1e6
    if microseconds < 1000:
        return f"{microseconds:.3g} µs ± {result.spread:.0%}"
    return f"{number(microseconds / 1000)} ms ± {result.spread:.0%}"


def rate(result: Result | None) -> str:
    """In M samples/s."""
    if result is None:
        return ""
    return f"{number(result.megasamples_per_second)}{mark(result)} ± {result.spread:.0%}"


def mark(result: Result) -> str:
    """A star where the same work is done by another arithmetic."""
    return "\\*" if result.check == "levels" else ""


def contender(result: Result) -> str:
    threads = f", {result.threads} threads" if result.threads > 1 else ""
    return f"{result.contender}{threads}"


def shape(case: Case) -> str:
    return ",".join(str(size) for size in case.shape) + case.layout
