"""What a run measures: the options of `python -m benchmarks`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchmarks.sizes import QUICK_SIZES, SIZES, Size

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"  # a folder for each machine
QUICK_RESULTS = ROOT / "build" / "benchmarks"

Op = Literal["floyd_steinberg", "linear_quantize"]
Variant = Literal["textbook", "published"]
Rounding = Literal["nearest", "floor"]
Dtype = Literal["uint8", "float16", "bfloat16", "float32", "float64"]

# Seconds spent on each measurement; seconds after which no case is begun, with and without --quick.
SECONDS = {"cpu": 0.35, "cuda": 0.1}
CUDA_TIME_LIMIT, CUDA_QUICK_TIME_LIMIT = 160.0, 32.0


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
    """Sample types. All are timed on two of the sizes, uint8 and float32 elsewhere."""
    sizes: tuple[Size, ...] | None = None
    """Image sizes, see benchmarks/sizes.py: by default those of the device."""
    threads: tuple[int, ...] = (1, 2)
    """Thread counts of pyquant and of the copy; the peers use one thread."""
    instruction_sets: tuple[str, ...] | None = None
    """CPU paths, each forced in turn: by default all that the machine supports."""
    bits: int = 2
    """Bits per sample, 1 to 8."""
    device: Literal["cpu", "cuda"] = "cpu"
    """On cuda, the kernels and a copy are timed inside CUDA graphs."""
    seconds: float | None = None
    """Time spent on each measurement, split over the rounds: by default 0.35, on cuda 0.1."""
    time_limit: float | None = None
    """Seconds after which no further case is begun: by default none on the CPU, on cuda 160 and
    with --quick 32."""
    rounds: int = 11
    """Rounds; every contender of a case is timed once per round, in turn."""
    seed: int = 0
    """Seed of the images."""
    output: Path | None = None
    """Folder of the results: by default that of this machine in benchmarks/results, or
    build/benchmarks with --quick."""
    name: str | None = None
    """Name of the folder in benchmarks/results: by default it is made from the device's."""
    quick: bool = False
    """About a minute: few sizes and short measurements, for a first look."""
    report_only: bool = False
    """Measure nothing. Write the reports of --output, or of all stored results, and the tables of
    README.md again; list the sources that changed since each was measured."""

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits must be an integer from 1 to 8, got {self.bits}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")
        for option in ("seconds", "time_limit"):
            value = getattr(self, option)
            if value is not None and not value > 0:
                raise ValueError(f"{option} must be positive, got {value}")
        if self.name is not None and not re.fullmatch(r"\w[\w.-]*", self.name):
            raise ValueError(f"name must be the name of a folder, got {self.name!r}")
        if 1 not in self.threads or min(self.threads) < 1:
            raise ValueError(f"threads must be positive and include 1, got {self.threads}")

    def resolved(self) -> "Config":
        """The same run with what `quick`, `device` and this machine imply written out.

        Raises:
            ValueError: for an instruction set that the machine or the build does not have.
        """
        from benchmarks.instruction_sets import supported  # here, since it needs torch

        names = supported() if self.instruction_sets is None else self.instruction_sets
        for name in names:
            if name not in supported():
                raise ValueError(f"instruction_sets must be of {supported()}, got {name!r}")
        config = replace(self, instruction_sets=names)
        sizes = config.sizes or SIZES[config.device]
        seconds, limit = config.seconds or SECONDS[config.device], config.time_limit
        if config.quick:
            sizes = tuple(size for size in sizes if size in QUICK_SIZES[config.device])
            output = config.output or (None if config.name else QUICK_RESULTS)
            seconds = min(seconds, 0.05)
            config = replace(config, rounds=5, output=output)
        if config.device == "cuda":
            if config.quick:
                dtypes = tuple(dtype for dtype in config.dtypes if dtype in ("uint8", "float32"))
                config = replace(config, dtypes=dtypes)
            limit = limit or (CUDA_QUICK_TIME_LIMIT if config.quick else CUDA_TIME_LIMIT)
            config = replace(config, threads=(1,), instruction_sets=())
        return replace(config, sizes=sizes, seconds=seconds, time_limit=limit)
