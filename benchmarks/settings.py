"""What a run measures: the options of `python -m benchmarks`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"  # a folder for each machine
QUICK_RESULTS = ROOT / "build" / "benchmarks"

Op = Literal["floyd_steinberg", "linear_quantize"]
Variant = Literal["textbook", "published"]
Rounding = Literal["nearest", "floor"]
Dtype = Literal["uint8", "float16", "bfloat16", "float32", "float64"]
Size = Literal[
    "image", "batch", "channels_last", "large_batch", "large_channels_last", "square", "4k", "64mb"
]


@dataclass(frozen=True)
class Config:
    """Times pyquant, its peers and a copy of the same bytes.

    Bits are verified before anything is timed. Writes run.json and measurements.csv, and from
    these report.md and plot.png.
    """

    ops: tuple[Op, ...] = ("floyd_steinberg", "linear_quantize")
    """Ops to time."""
    variants: tuple[Variant, ...] = ("textbook", "published")
    """Variants of floyd_steinberg."""
    roundings: tuple[Rounding, ...] = ("nearest", "floor")
    """Roundings of linear_quantize."""
    dtypes: tuple[Dtype, ...] = ("uint8", "float16", "bfloat16", "float32", "float64")
    """Sample types. All are timed on a batch and on 64 MB, uint8 and float32 elsewhere."""
    sizes: tuple[Size, ...] = (
        "image",
        "batch",
        "channels_last",
        "large_batch",
        "large_channels_last",
        "square",
        "4k",
        "64mb",
    )
    """Image sizes, see benchmarks/cases.py."""
    threads: tuple[int, ...] = (1, 2)
    """Thread counts of pyquant and of the copy; the peers use one thread."""
    instruction_sets: tuple[str, ...] | None = None
    """CPU paths, each forced in turn: by default all that the machine supports."""
    bits: int = 2
    """Bits per sample, 1 to 8."""
    device: Literal["cpu", "cuda"] = "cpu"
    """On cuda, CUDA events time the kernels and a copy on that device."""
    seconds: float = 0.35
    """Time spent on each measurement, split over the rounds."""
    rounds: int = 11
    """Rounds; every contender of a case is timed once per round, in turn."""
    seed: int = 0
    """Seed of the images."""
    output: Path | None = None
    """Folder of the results: by default that of this machine in benchmarks/results, or
    build/benchmarks with --quick."""
    quick: bool = False
    """About a minute: three sizes and short measurements, for a first look."""
    report_only: bool = False
    """Measure nothing. Write the reports of --output, or of all stored results, and the tables of
    README.md again; list the sources that changed since each was measured."""

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits must be an integer from 1 to 8, got {self.bits}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")
        if not self.seconds > 0:
            raise ValueError(f"seconds must be positive, got {self.seconds}")
        if 1 not in self.threads or min(self.threads) < 1:
            raise ValueError(f"threads must be positive and include 1, got {self.threads}")

    def resolved(self) -> "Config":
        """The same run with what `quick`, `device` and this machine imply written out.

        Raises:
            ValueError: for an instruction set that the machine or the build does not have.
        """
        from benchmarks.instruction_sets import supported  # here, since it needs torch

        config = self
        if config.instruction_sets is None:
            config = replace(config, instruction_sets=supported())
        for name in config.instruction_sets:
            if name not in supported():
                raise ValueError(f"instruction_sets must be of {supported()}, got {name!r}")
        if config.quick:
            sizes = tuple(size for size in config.sizes if size in ("image", "batch", "square"))
            seconds, output = min(config.seconds, 0.05), config.output or QUICK_RESULTS
            config = replace(config, sizes=sizes, seconds=seconds, rounds=5, output=output)
        if config.device == "cuda":
            config = replace(config, threads=(1,), instruction_sets=())
        return config
