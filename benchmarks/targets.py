"""The speeds that the kernels are meant to reach, and whether a run reached them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, is_path
from benchmarks.measurements import Result, ResultTable

CACHED_SIZES = ("image", "batch", "channels_last")
LARGE_SIZES = ("large_batch", "square", "4k", "64mb")


@dataclass(frozen=True)
class Target:
    """`ratio` is the worst over the cases that the target covers, None if none was timed."""

    work: str
    against: str
    required: float
    ratio: float | None
    case: str

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not measured"
        return "met" if self.ratio >= self.required else "missed"


def targets(results: Iterable[Result]) -> list[Target]:
    """The table of targets for one CPU, with what was measured."""
    table = ResultTable(results)

    def worst(
        work: str,
        against: str,
        required: float,
        covers: Callable[[Case], bool],
        ratio: Callable[[Case], float | None],
    ) -> Target:
        found = [(ratio(case), case) for case in table.by_case if covers(case)]
        measured = [(value, case) for value, case in found if value is not None]
        if not measured:
            return Target(work, against, required, None, "")
        value, case = min(measured, key=lambda pair: pair[0])
        where = str(case)
        if against == "fastest peer":
            where += f", against {table.fastest_peer(case).contender}"
        return Target(work, against, required, value, where)

    def work(mode: str, dtype: str, size: str) -> Callable[[Case], bool]:
        return lambda case: (case.mode, case.dtype, case.size) == (mode, dtype, size)

    def over(name: str) -> Callable[[Case], float | None]:
        return lambda case: table.ratio(case, (OWN, 1), (name, 1))

    def over_copy_and_new_memory(case: Case) -> float | None:
        shares = [table.ratio(case, (name, 1), (OWN, 1)) for name in ("copy_", "new memory")]
        return None if None in shares else sum(1 / share for share in shares)

    def into_over(name: str) -> Callable[[Case], float | None]:
        return lambda case: table.ratio(case, (f"{OWN} {INTO}", 1), (name, 1))

    def two_threads(case: Case) -> float | None:
        return table.ratio(case, (OWN, 2), (OWN, 1))

    def two_threads_over_copy(case: Case) -> float | None:
        own, copy = (table.ratio(case, (name, 2), (name, 1)) for name in (OWN, "copy_"))
        return own and copy and own / copy

    def avx2_over_avx512(case: Case) -> float | None:
        return table.ratio(case, (f"{OWN} avx2", 1), (f"{OWN} avx512", 1))

    def slowest_over_portable(case: Case) -> float | None:
        portable = (f"{OWN} portable", 1)
        paths = [key for key in table.by_case[case] if is_path(key[0])]
        ratios = [table.ratio(case, path, portable) for path in paths if path != portable]
        return min((ratio for ratio in ratios if ratio is not None), default=None)

    def dithers(case: Case) -> bool:
        return case.op == "floyd_steinberg"

    published_batch = work("published", "uint8", "batch")
    textbook_batch = work("textbook", "float32", "batch")
    return [
        worst("published, uint8 (128,3,32,32)", "fastest peer", 100, published_batch,
              table.over_fastest_peer),
        worst("published, uint8 (128,3,32,32)", "copy_", 0.25, published_batch, over("copy_")),
        worst("published, uint8 (3,1024,1024)", "fastest peer", 20,
              work("published", "uint8", "square"), table.over_fastest_peer),
        worst("textbook, float32 (128,3,32,32)", "copy_", 0.25, textbook_batch, over("copy_")),
        worst("textbook, float32 (128,3,32,32)", "numba", 30, textbook_batch, over("numba")),
        worst("textbook, float32 (3,1024,1024)", "numba", 15,
              work("textbook", "float32", "square"), over("numba")),
        worst("linear_quantize, 64 MB, any dtype", "copy_", 0.7,
              lambda case: case.size == "64mb", over("copy_")),
        worst("linear_quantize, 64 MB, any dtype", "copy_ + new memory", 0.7,
              lambda case: case.size == "64mb", over_copy_and_new_memory),
        worst(f"linear_quantize of floats {INTO}, in cache", f"numba {INTO}", 1,
              lambda case: not dithers(case) and case.size in CACHED_SIZES
              and case.dtype != "uint8", into_over(f"numba {INTO}")),
        worst(f"linear_quantize {INTO}, 64 MB, any dtype", "copy_", 0.85,
              lambda case: case.size == "64mb", into_over("copy_")),
        worst("floyd_steinberg, large, 2 threads", "1 thread", 1.7,
              lambda case: dithers(case) and case.size in LARGE_SIZES, two_threads),
        worst("linear_quantize, large, 2 threads", "1 thread", 1.7,
              lambda case: not dithers(case) and case.size in LARGE_SIZES, two_threads),
        worst("linear_quantize, large, 2 threads", "what copy_ gains", 0.85,
              lambda case: not dithers(case) and case.size in LARGE_SIZES, two_threads_over_copy),
        worst("AVX2 path", "AVX-512 path", 0.3, lambda case: True, avx2_over_avx512),
        worst("every other path", "portable path", 1, lambda case: True,
              slowest_over_portable),
        worst("one (3,32,32) image, either op", "clamp", 0.25,
              lambda case: case.size == "image", over("clamp")),
    ]  # fmt: skip
