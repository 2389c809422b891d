"""The tables of README.md and of experiments/README.md, made from the reports."""

import csv
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TypeVar

from experiments.reporting.markdown import markdown_table

Value = TypeVar("Value")


class Found(dict[str, Value]):
    """What was read from a file; what is missing in it gives a ValueError that names both."""

    def __init__(self, values: Mapping[str, Value], what: str, path: Path) -> None:
        super().__init__(values)
        self.what = what
        self.path = path

    def __missing__(self, name: str) -> Value:
        raise ValueError(f"{self.path} has no {self.what} {name!r}; it has {', '.join(self)}")


Row = Found[str]


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file, each by the names of its columns."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Found(row, "column", path) for row in csv.DictReader(file)]


def by_column(name: str, path: Path) -> Found[Row]:
    """The rows of a CSV file, by their values in a column."""
    return Found({row[name]: row for row in read_rows(path)}, name, path)


def percent(accuracy: str, digits: int = 2) -> str:
    """An accuracy in percent with this many digits; an empty one stays empty."""
    if not accuracy:
        return ""
    # As decimals, so that a half is rounded up wherever it stands.
    return str(Decimal(accuracy).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def networks(results: Path) -> str:
    """Each network of the set ``short`` on its own kind of images, beside the paper."""
    rows = read_rows(results / "short" / "summary.csv")
    some = _counts(row["attacked images"] for row in rows)
    return markdown_table(
        (
            "network",
            "clean",
            "paper",
            f"clean, of {some}",
            "no filter",
            "`floor`",
            "paper",
            "`nearest`",
        ),
        [
            (
                row["model"],
                percent(row["clean"]),
                percent(row["paper clean"], 1),
                *(percent(row[name]) for name in ("clean on them", "filter none", "filter floor")),
                percent(row["paper floor"], 1),
                percent(row["filter nearest"]),
            )
            for row in rows
        ],
    )


def long_training(results: Path) -> str:
    """The networks of the set ``paper`` beside those of ``short`` and the paper's.

    Each is tested on its own kind of images.
    """
    short = by_column("model", results / "short" / "summary.csv")
    rows = read_rows(results / "paper" / "summary.csv")
    return markdown_table(
        (
            "network",
            "24 epochs",
            "160 epochs",
            "paper",
            "gap",
            "attacked images",
            "no filter",
            "`floor`",
            "paper",
            "`nearest`",
        ),
        [
            (
                row["model"],
                percent(short[row["model"]]["clean"]),
                percent(row["clean"]),
                percent(row["paper clean"], 1),
                percent(str(float(row["paper clean"]) - float(row["clean"])), 1),
                f"{int(row['attacked images']):,}",
                percent(row["filter none"]),
                percent(row["filter floor"]),
                percent(row["paper floor"], 1),
                percent(row["filter nearest"]),
            )
            for row in rows
        ],
    )


AFTER, TRANSFER, ADAPTIVE = (
    ("after", "network"),
    ("before", "network"),
    ("before", "quantization"),
)


def _after_floor(results: Path) -> dict[str, dict[tuple[str, str], Row]]:
    """The rows after the floor filter, by network, then by attacker and gradient."""
    left: dict[str, dict[tuple[str, str], Row]] = {}
    for row in read_rows(results / "short" / "before_dithering.csv"):
        if row["filter"] == "floor":
            left.setdefault(row["model"], {})[row["attacker"], row["gradient"]] = row
    return left


def before_dithering(results: Path) -> str:
    """What the floor filter leaves of each network, by where the attacker stands."""
    return markdown_table(
        (
            "network",
            "clean",
            "after",
            "before, bare network",
            "before, through it",
            "paper, before",
        ),
        [
            (
                model,
                percent(rows[AFTER]["clean"]),
                *(percent(rows[attacker]["attacked"]) for attacker in (AFTER, TRANSFER, ADAPTIVE)),
                percent(rows[TRANSFER]["paper"]),
            )
            for model, rows in _after_floor(results).items()
        ],
    )


def speed(results: Path) -> str:
    """The ratios of the two reports on speed."""
    with_amx, without = (
        by_column("what", results / name)
        for name in ("speed_on_intel_xeon/speed.csv", "speed_on_amd_epyc/speed.csv")
    )
    return markdown_table(
        ("what", "with AMX", "without AMX", "target"),
        [
            (what, row["ratio"], without[what]["ratio"], row["target"])
            for what, row in with_amx.items()
        ],
    )


def precision(results: Path) -> str:
    """By how many images bfloat16 and float32 differ at most, for each epsilon."""
    columns = ("clean", "attacked none", "attacked floor", "attacked nearest")
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in read_rows(results / "short" / "precision.csv"):
        pairs.setdefault((row["model"], row["epsilon"]), {})[row["precision"]] = row

    def differing(pair: dict[str, Row], column: str) -> int:
        one, other = pair["bfloat16"], pair["float32"]
        return abs(round((float(one[column]) - float(other[column])) / 100 * int(one["images"])))

    def largest(epsilon: str, column: str) -> int:
        return max(differing(pair, column) for (_, e), pair in pairs.items() if e == epsilon)

    return markdown_table(
        ("epsilon", *columns),
        [
            (f"{epsilon}/255", *(str(largest(epsilon, column)) for column in columns))
            for epsilon in _unique(epsilon for _, epsilon in pairs)
        ],
    )


def photo(results: Path) -> str:
    """How large the files of a photo and of the same photo dithered are."""
    rows = read_rows(results / "pictures" / "photo.csv")

    def kilobytes(size: str) -> str:
        return f"{int(size) / 1000:.0f} kB" if size else ""

    return markdown_table(
        ("", *(row["image"] for row in rows)),
        [
            (name, *(kilobytes(row[f"{name.lower()} bytes"]) for row in rows))
            for name in ("PNG", "WebP", "JPEG")
        ],
    )


def reproduced(results: Path) -> str:
    """The networks for 2 and for 1 bit, dithered, beside the paper.

    From the set ``paper``. Attacks before the dithering exist in the set ``short`` alone, so their
    rows name its epochs and images.
    """
    models = ("2d", "1d")
    long, short = (
        by_column("model", results / name / "summary.csv") for name in ("paper", "short")
    )
    before = _after_floor(results)
    images = _counts(long[model]["attacked images"] for model in models)
    epochs = _counts(short[model]["epochs"] for model in models)
    attacked_before = _counts(before[model][TRANSFER]["images"] for model in models)
    lines = [
        ("clean", "paper clean", "clean on them"),
        ("attacked, no filter", "", "filter none"),
        ("attacked, filtered (`floor`, the paper's)", "paper floor", "filter floor"),
        ("attacked, filtered (`nearest`)", "", "filter nearest"),
    ]
    rows = [
        [what, *(percent(long[model].get(name, ""), 1) for model in models for name in names)]
        for what, *names in lines
    ]
    rows += [
        [
            f"{what} ({epochs} epochs, {attacked_before} images)",
            *(
                percent(before[model][attacker][name], 1)
                for model in models
                for name in ("paper", "attacked")
            ),
        ]
        for what, attacker in (
            ("attacked *before* dithering", TRANSFER),
            ("attacked *before* dithering, through it", ADAPTIVE),
        )
    ]
    return markdown_table(
        (f"percent of {images} images", "2 bits, paper", "ours", "1 bit, paper", "ours"), rows
    )


def _counts(numbers: Iterable[str]) -> str:
    """Each number once, with commas between thousands."""
    return " or ".join(f"{int(number):,}" for number in _unique(numbers))


def _unique(values: Iterable[str]) -> list[str]:
    """The values, each once, in the order in which they come first."""
    return list(dict.fromkeys(values))


#: By document and name of a block in it: what makes the block from the directory of the results.
TABLES: dict[str, dict[str, Callable[[Path], str]]] = {
    "README.md": {"photo": photo, "reproduced": reproduced},
    "experiments/README.md": {
        "networks": networks,
        "long_training": long_training,
        "before_dithering": before_dithering,
        "precision": precision,
        "speed": speed,
    },
}
