"""Compiles the CUDA kernels for every architecture and writes benchmarks/CUDA_RESOURCES.md:
registers, shared memory, spills and occupancy, and the instructions of a step.

    python -m benchmarks.cuda_resources [--architectures 7.5 9.0]

Needs nvcc; for the instructions also cuobjdump, which comes with the toolkit or with triton.
No GPU.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1]
KERNELS = BENCHMARKS.parent / "csrc" / "cuda"
ARCHITECTURES = ("7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0")
DTYPES = ("uint8", "float16", "bfloat16", "float32", "float64")
SIZES = {"uint8": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}

# Per multiprocessor: KiB of shared memory, warps, blocks; KiB that the system takes of each
# block. Registers are 65,536 everywhere, given out in units of 256 per warp.
LIMITS = {
    "7.5": (64, 32, 16, 0),
    "8.0": (164, 64, 32, 1),
    "8.6": (100, 48, 16, 1),
    "8.9": (100, 48, 24, 1),
    "9.0": (228, 64, 32, 1),
    "10.0": (228, 64, 32, 1),
    "12.0": (100, 48, 24, 1),
}


# Arithmetic with half the throughput of float additions and multiplications, on 9.0.
HALF_RATE = ("FMNMX", "FSEL", "FSET", "LOP3", "PRMT", "SHF", "LEA", "IADD3", "ISETP", "FSETP",
             "SEL", "VIADD", "VIMNMX", "VIADDMNMX", "I2FP", "F2FP")  # fmt: skip
SKEWS = (2, 3, 4)


def compile_for(
    source: Path, architecture: str, cubin: Path, *options: str
) -> dict[str, dict[str, int]]:
    """What ptxas says of each kernel."""
    command = ["nvcc", "-std=c++20", "-O3", "--fmad=false", "-Xptxas", "-v", "-cubin", *options,
               f"-arch=sm_{architecture.replace('.', '')}", str(source), "-o", str(cubin)]  # fmt: skip
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    kernels = {}
    for part in log.split("Compiling entry function")[1:]:
        kernels[re.search(r"'pyquant_(\w+)'", part).group(1)] = {
            "registers": int(re.search(r"Used (\d+) registers", part).group(1)),
            "local": sum(map(int, re.findall(r"(\d+) bytes (?:stack|spill)", part))),
        }
    return kernels


def shared_bytes(kernel: str, warps: int) -> int:
    """As plan_floyd_steinberg has it."""
    if kernel.startswith("linear"):
        return 0
    size = SIZES[kernel.split("_")[3]]
    stripe = 32 * 96 + (0 if size == 1 else 256 if size == 8 else 128)
    line = 4 * (32 if size == 1 else 64 // size) * 4
    return warps * stripe + ((warps + 1) * line if kernel.endswith("tall") else 0)


def resident_warps(kernel: str, registers: int, architecture: str) -> int:
    warps = 8 if kernel.startswith("linear") else 4
    shared, most_warps, most_blocks, system = LIMITS[architecture]
    per_warp = -(-registers * 32 // 256) * 256
    blocks = [most_blocks, most_warps // warps, 65536 // per_warp // warps]
    if used := shared_bytes(kernel, warps) + 1024 * system:
        blocks.append(shared * 1024 // used)
    return min(blocks) * warps


def cuobjdump() -> str | None:
    if path := shutil.which("cuobjdump"):
        return path
    if (triton := find_spec("triton")) and triton.origin:
        path = Path(triton.origin).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
        return str(path) if path.exists() else None
    return None


def kind_of(text: str) -> str:
    """FADD of `@P0 FADD.RM R1, R2, R3`."""
    return re.sub(r"^@!?U?P\w+\s+", "", text).split()[0].split(".")[0]


class Program:
    """The machine code of a kernel."""

    def __init__(self, cubin: Path, kernel: str):
        dump = subprocess.run(
            [cuobjdump(), "-sass", "-fun", f"pyquant_{kernel}", str(cubin)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        line = re.compile(r"^\s+/\*([0-9a-f]{4,})\*/\s+(.*?);", re.MULTILINE)
        found = [(int(address, 16), text) for address, text in line.findall(dump)]
        self.text = [text for _, text in found]
        index = {address: i for i, (address, _) in enumerate(found)}
        self.target = []
        for text in self.text:
            branch = re.search(r"\bBRA(?:\.\w+)* (?:\w+, )?(?:`\(\S+\)|0x([0-9a-f]+))", text)
            self.target.append(
                index.get(int(branch.group(1), 16)) if branch and branch.group(1) else None
            )

    def loops(self, **wanted: int) -> list[tuple[int, int]]:
        """First and last instruction of the loops that contain so many of each kind, the
        shortest one first."""
        loops = []
        for end, begin in enumerate(self.target):
            if begin is not None and begin <= end:
                mix = self.mix(range(begin, end + 1))
                if all(mix[kind] == count for kind, count in wanted.items()):
                    loops.append((begin, end))
        return sorted(loops, key=lambda loop: loop[1] - loop[0])

    def step_loops(self) -> list[tuple[int, int]]:
        """The loops of eight steps: without edge, with one. (There is one with several edges.)"""
        return self.loops(SHFL=8)[:2]

    def mix(self, instructions) -> Counter:
        return Counter(kind_of(self.text[i]) for i in instructions)

    def cycles(self, loop: tuple[int, int]) -> float:
        """Cycles per step of a warp that has a scheduler to itself: instructions in order, each
        when its operands are there. Latencies as measured by others on this generation."""
        latency = {"SHFL": 24, "LDS": 30, "I2F": 14, "F2I": 14, "LDG": 500}
        half_rate = (*HALF_RATE, "SHFL", "LDS", "STS")
        ready: dict[str, int] = {}
        now, free, begins = 0, 0, []
        for _ in range(8):
            begins.append(now)
            for text in self.text[loop[0] : loop[1] + 1]:
                words = re.sub(r"^@!?(U?P\w+)\s+(\S+)\s*", r"\2 \1, ", text)
                name, _, operands = words.partition(" ")
                kind = name.split(".")[0]
                guarded = text.startswith("@")
                registers = re.findall(r"\bU?[RP]\d+\b", operands)
                stores = kind in ("STS", "STG", "BRA")
                written = [] if stores else registers[guarded : guarded + 1]
                start = max([now, *(ready.get(register, 0) for register in registers
                                    if stores or register not in written or
                                    registers.count(register) > 1 or guarded)])  # fmt: skip
                if kind in half_rate:
                    start = max(start, free)
                    free = start + 2
                for register in written:
                    ready[register] = start + latency.get(kind, 5 if kind in half_rate else 4)
                now = start + 1
        return (begins[-1] - begins[-4]) / 3 / 8

    def between_rounds(self) -> list[int]:
        """Instructions from the end of the steps to their beginning, the way of aligned rows:
        the shortest one past the loads of 16 bytes."""
        begin, end = self.step_loops()[1]
        load = next(i for i, text in enumerate(self.text) if "LDG.E.128" in text)
        return self.way(end + 1, load) + self.way(load, begin)

    def element_loops(self) -> int:
        """Instructions that load and store four samples of each lane where rows are not aligned,
        on the shortest way."""
        load, store = self.loops(LDG=4, STG=0, SHFL=0)[0], self.loops(LDG=0, STG=4, SHFL=0)[0]
        return sum(len(self.way(begin, end)) + 1 for begin, end in (load, store))

    def way(self, start: int, goal: int) -> list[int]:
        """The instructions on the shortest way from `start` to before `goal`."""
        before = {start: start}
        todo = [start]
        for here in todo:  # breadth first: every instruction counts the same
            if here == goal:
                way = []
                while here != start:
                    here = before[here]
                    way.append(here)
                return way[::-1]
            jumps = self.target[here] is not None
            leaves = not self.text[here].startswith("@") and (jumps or "EXIT" in self.text[here])
            for there in [self.target[here]] * jumps + [here + 1] * (not leaves):
                if there < len(self.text) and there not in before:
                    before[there] = here
                    todo.append(there)
        raise ValueError(f"no way from {start} to {goal}")


class Steps:
    """What a step costs, at an edge of a plane and with its share of what lies between rounds."""

    def __init__(self, program: Program, kernel: str):
        size = SIZES[kernel.split("_")[3]]
        self.of_a_round = 32 if size == 1 else 64 // size
        inside, edge = (range(begin, end + 1) for begin, end in program.step_loops())
        between = program.between_rounds()
        self.inside, self.edge = len(inside) / 8, len(edge) / 8
        self.between = len(between)
        self.elements = program.element_loops() * self.of_a_round // 4
        self.all = self.edge + self.between / self.of_a_round
        self.half_rate = sum(
            sum(program.mix(part)[kind] for kind in HALF_RATE) / steps
            for part, steps in ((edge, 8), (between, self.of_a_round))
        )
        self.cycles_inside, self.cycles_edge = map(program.cycles, program.step_loops())
        self.mix = program.mix(edge)


def report(architectures: list[str]) -> str:
    kernels: dict[str, dict[str, dict[str, int]]] = {}
    programs: dict[str, Steps] = {}
    skews: dict[tuple[str, int], Steps] = {}
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder) / "kernels.cubin"
        for source in sorted(KERNELS.glob("*/launch.cu")):
            op = source.parent.name
            for architecture in architectures:
                print(f"{op} for {architecture}", file=sys.stderr)
                for name, values in compile_for(source, architecture, cubin).items():
                    kernels.setdefault(name, {})[architecture] = values
                if architecture == "9.0" and op == "floyd_steinberg" and cuobjdump():
                    for name in (name for name in kernels if name.startswith("floyd")):
                        # The eight steps of a round of float64 are not a loop.
                        if "float64" not in name:
                            programs[name] = Steps(Program(cubin, name), name)
                    for skew in SKEWS:
                        print(f"{op} with a skew of {skew}", file=sys.stderr)
                        compile_for(source, "9.0", cubin, f"-DPYQUANT_SKEW={skew}")
                        for name in (name for name in programs if "uint8" in name):
                            skews[name, skew] = Steps(Program(cubin, name), name)
    return "\n".join(tables(kernels, programs, skews, architectures))


def tables(kernels, programs, skews, architectures):
    local = sum(values["local"] for each in kernels.values() for values in each.values())
    yield "# Resources of the kernels"
    yield ""
    yield "Written by `make cuda-resources` (`python -m benchmarks.cuda_resources`). Compiled, not run."
    yield ""
    yield f"Spills and local memory, all kernels and architectures together: {local} bytes."
    yield ""
    yield "Registers per thread / warps that a multiprocessor holds at a time. Blocks of 4 warps"
    yield "(Floyd-Steinberg) or 8 (linear quantization); the names begin with `pyquant_`."
    yield ""
    yield f"| kernel | shared bytes of a block | {' | '.join(architectures)} |"
    yield "|---|---|" + "---|" * len(architectures)
    for name in sorted(kernels):
        shared = shared_bytes(name, 4) or "-"
        cells = (
            f"{values['registers']} / {resident_warps(name, values['registers'], architecture)}"
            for architecture, values in kernels[name].items()
        )
        yield f"| `{name}` | {shared} | {' | '.join(cells)} |"
    if not programs:
        return
    yield ""
    yield "## Instructions of a step, architecture 9.0"
    yield ""
    yield "Counted in the machine code of the loops over eight steps. `inside` is a step where no"
    yield "lane is at an edge of a plane, `edge` one where some lane may be (every step of planes"
    yield "as narrow as a round). `between` is what comes between two rounds of aligned rows: loads,"
    yield "stores, barriers, addresses; `other rows` is what is added where rows are not aligned, and"
    yield "the way is at least that long. `all` is `edge` with its share of `between`, and `half rate`"
    yield "those of them of which a scheduler issues one in two cycles. A lane-step is one pixel."
    yield "`cycles` are those of a step of a warp that has a scheduler to itself, from the dependencies"
    yield "between the instructions: 4 cycles for a float addition or multiplication, 5 for other"
    yield "arithmetic, 24 for a shuffle."
    yield ""
    yield (
        "| kernel | inside | edge | between | other rows | steps of a round | all | half rate "
        "| cycles inside | cycles edge | edge by kind |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for name, steps in sorted(programs.items()):
        kinds = ", ".join(f"{count / 8:g} {kind}" for kind, count in steps.mix.most_common(9))
        yield (
            f"| `{name.removeprefix('floyd_steinberg_')}` | {steps.inside:.1f} | {steps.edge:.1f} "
            f"| {steps.between} | {steps.elements} | {steps.of_a_round} | {steps.all:.1f} "
            f"| {steps.half_rate:.1f} | {steps.cycles_inside:.0f} | {steps.cycles_edge:.0f} "
            f"| {kinds} |"
        )
    yield ""
    yield "## Columns between a lane and the one above, architecture 9.0"
    yield ""
    yield "The same kernels compiled with a skew of 2, 3 and 4 columns. A 32x32 plane alone takes"
    yield "32 + 32 * skew steps, a stream of 72 planes 72 * 32 + 32 * skew."
    yield ""
    yield (
        "| kernel | skew | all | cycles edge | cycles of a 32x32 plane, steps only "
        "| instructions per 32 pixels of a stream |"
    )
    yield "|---|---|---|---|---|---|"
    for (name, skew), steps in sorted(skews.items()):
        stream = 72 * 32
        yield (
            f"| `{name.removeprefix('floyd_steinberg_')}` | {skew} | {steps.all:.1f} "
            f"| {steps.cycles_edge:.0f} | {(32 + 32 * skew) * steps.cycles_edge:.0f} "
            f"| {steps.all * (stream + 32 * skew) / stream:.1f} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=BENCHMARKS / "CUDA_RESOURCES.md")
    arguments = parser.parse_args()
    arguments.output.write_text(report(list(arguments.architectures)) + "\n")
