"""A benchmark that is small enough for a test, and results that were never measured."""

from benchmarks.cases import Case
from benchmarks.measurements import Result
from benchmarks.settings import Config
from benchmarks.timing import Timing

TINY = Config(
    sizes=("image",),
    dtypes=("uint8", "float32"),
    threads=(1,),
    instruction_sets=(),
    seconds=0.001,
    rounds=3,
)
IMAGE = Case("floyd_steinberg", "published", "uint8", "image", bits=2)


def result(case: Case, contender: str, seconds: float, threads: int = 1) -> Result:
    timing = Timing(seconds, seconds, seconds, rounds=3, calls_per_round=1)
    return Result(case, contender, threads, "bits", timing)
