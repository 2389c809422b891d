"""The speeds that the kernels are meant to reach, and whether a run reached them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, is_path
from benchmarks.measurements import Result, ResultTable

CACHED_SIZES = ("image", "batch", "channels_last")
LARGE_SIZES = ("large_batch", "square", "4k", "64mb")
FASTEST_PEER = "fastest peer"

Covers = Callable[[Case], bool]
Ratio = Callable[[ResultTable, Case], float | None]


@dataclass(frozen=True)
class Target:
    """A speed to reach on every case that the target covers."""

    work: str
    against: str
    required: float
    covers: Covers
    ratio: Ratio
    """How many times as fast on a case; None if it was not timed."""


@dataclass(frozen=True)
class Outcome:
    """What a run says of a target: the worst ratio, and its case; None and no case if none was timed."""

    target: Target
    ratio: float | None
    case: str

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not measured"
        return "met" if self.ratio >= self.target.required else "missed"


def outcomes(results: Iterable[Result]) -> list[Outcome]:
    """Every target for one CPU, with what was measured."""
    table = ResultTable(results)
    return [_outcome(target, table) for target in TARGETS]


def _outcome(target: Target, table: ResultTable) -> Outcome:
    found = [(target.ratio(table, case), case) for case in table.by_case if target.covers(case)]
    measured = [(ratio, case) for ratio, case in found if ratio is not None]
    if not measured:
        return Outcome(target, None, "")
    ratio, case = min(measured, key=lambda pair: pair[0])
    peer = table.fastest_peer(case) if target.against == FASTEST_PEER else None
    return Outcome(target, ratio, f"{case}, against {peer.contender}" if peer else str(case))


def _is(mode: str, dtype: str, size: str) -> Covers:
    return lambda case: (case.mode, case.dtype, case.size) == (mode, dtype, size)


def _is_large(op: str) -> Covers:
    return lambda case: case.op == op and case.size in LARGE_SIZES


def _is_64mb(case: Case) -> bool:
    return case.size == "64mb"


def _over(other: str, own: str = OWN) -> Ratio:
    return lambda table, case: table.ratio(case, (own, 1), (other, 1))


def _over_copy_and_new_memory(table: ResultTable, case: Case) -> float | None:
    copy, memory = (table.ratio(case, (OWN, 1), (name, 1)) for name in ("copy_", "new memory"))
    return None if copy is None or memory is None else copy + memory


def _two_threads(table: ResultTable, case: Case) -> float | None:
    return table.ratio(case, (OWN, 2), (OWN, 1))


def _two_threads_over_copy(table: ResultTable, case: Case) -> float | None:
    own, copy = (table.ratio(case, (name, 2), (name, 1)) for name in (OWN, "copy_"))
    return None if own is None or copy is None else own / copy


def _slowest_over_portable(table: ResultTable, case: Case) -> float | None:
    portable = (f"{OWN} portable", 1)
    paths = [key for key in table.by_case[case] if is_path(key[0]) and key != portable]
    ratios = [table.ratio(case, path, portable) for path in paths]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


TARGETS = (
    Target("published, uint8 (128,3,32,32)", FASTEST_PEER, 100,
           _is("published", "uint8", "batch"), ResultTable.over_fastest_peer),
    Target("published, uint8 (128,3,32,32)", "copy_", 0.25,
           _is("published", "uint8", "batch"), _over("copy_")),
    Target("published, uint8 (3,1024,1024)", FASTEST_PEER, 20,
           _is("published", "uint8", "square"), ResultTable.over_fastest_peer),
    Target("textbook, float32 (128,3,32,32)", "copy_", 0.25,
           _is("textbook", "float32", "batch"), _over("copy_")),
    Target("textbook, float32 (128,3,32,32)", "numba", 30,
           _is("textbook", "float32", "batch"), _over("numba")),
    Target("textbook, float32 (3,1024,1024)", "numba", 15,
           _is("textbook", "float32", "square"), _over("numba")),
    Target("linear_quantize, 64 MB, any dtype", "copy_", 0.7, _is_64mb, _over("copy_")),
    Target("linear_quantize, 64 MB, any dtype", "copy_ + new memory", 0.7,
           _is_64mb, _over_copy_and_new_memory),
    Target(f"linear_quantize of floats {INTO}, in cache", f"numba {INTO}", 1,
           lambda case: case.op == "linear_quantize" and case.size in CACHED_SIZES
           and case.dtype != "uint8", _over(f"numba {INTO}", f"{OWN} {INTO}")),
    Target(f"linear_quantize {INTO}, 64 MB, any dtype", "copy_", 0.85,
           _is_64mb, _over("copy_", f"{OWN} {INTO}")),
    Target("floyd_steinberg, large, 2 threads", "1 thread", 1.7,
           _is_large("floyd_steinberg"), _two_threads),
    Target("linear_quantize, large, 2 threads", "1 thread", 1.7,
           _is_large("linear_quantize"), _two_threads),
    Target("linear_quantize, large, 2 threads", "what copy_ gains", 0.85,
           _is_large("linear_quantize"), _two_threads_over_copy),
    Target("AVX2 path", "AVX-512 path", 0.3,
           lambda case: True, _over(f"{OWN} avx512", f"{OWN} avx2")),
    Target("every other path", "portable path", 1, lambda case: True, _slowest_over_portable),
    Target("one (3,32,32) image, either op", "clamp", 0.25,
           lambda case: case.size == "image", _over("clamp")),
)  # fmt: skip
