"""Compiles the kernels for every architecture and writes RESOURCES.md beside this file:
registers, shared memory, spills and occupancy, and the instructions of a step.

    python csrc/cuda/resources.py [--architectures 7.5 9.0]

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

HERE = Path(__file__).parent
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


def compile_for(source: Path, architecture: str, cubin: Path) -> dict[str, dict[str, int]]:
    """What ptxas says of each kernel."""
    command = ["nvcc", "-std=c++20", "-O3", "--fmad=false", "-Xptxas", "-v", "-cubin",
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


class Program:
    """The machine code of a kernel."""

    def __init__(self, dump: str):
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

    def step_loops(self) -> list[tuple[int, int]]:
        """First and last instruction of the loops of eight steps: without edge and with."""
        loops = []
        for end, begin in enumerate(self.target):
            if begin is not None and begin <= end:
                shuffles = sum("SHFL.UP" in text for text in self.text[begin : end + 1])
                if shuffles == 8:
                    loops.append((begin, end))
        return loops

    def mix(self, loop: tuple[int, int]) -> Counter:
        names = (re.sub(r"^@!?U?P\w+\s+", "", text) for text in self.text[loop[0] : loop[1] + 1])
        return Counter(name.split()[0].split(".")[0] for name in names)

    def cycles(self, loop: tuple[int, int]) -> float:
        """Cycles per step of a warp that has a scheduler to itself: instructions in order, each
        when its operands are there. Latencies as measured by others on this generation."""
        latency = {"SHFL": 24, "LDS": 30, "I2F": 14, "F2I": 14, "LDG": 500}
        half_rate = ("FMNMX", "FSEL", "LOP3", "PRMT", "SHF", "IADD3", "ISETP", "FSETP", "SEL",
                     "VIADD", "VIMNMX", "I2FP", "SHFL", "LDS", "STS", "F2FP")  # fmt: skip
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

    def round_overhead(self, loop: tuple[int, int]) -> int:
        """Instructions from the end of the steps to their beginning, the way of aligned rows:
        the shortest one past the loads of 16 bytes."""
        begin, end = loop
        load = next(i for i, text in enumerate(self.text) if "LDG.E.128" in text)
        return self.distance(end + 1, load) + self.distance(load, begin)

    def distance(self, start: int, goal: int) -> int:
        steps = {start: 0}
        todo = [start]
        for here in todo:  # breadth first: every instruction counts the same
            if here == goal:
                return steps[here]
            jumps = self.target[here] is not None
            leaves = not self.text[here].startswith("@") and (jumps or "EXIT" in self.text[here])
            for there in [self.target[here]] * jumps + [here + 1] * (not leaves):
                if there < len(self.text) and there not in steps:
                    steps[there] = steps[here] + 1
                    todo.append(there)
        raise ValueError(f"no way from {start} to {goal}")


def report(architectures: list[str]) -> str:
    kernels: dict[str, dict[str, dict[str, int]]] = {}
    programs: dict[str, Program] = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(HERE.glob("*.cu")):
            for architecture in architectures:
                print(f"{source.name} for {architecture}", file=sys.stderr)
                cubin = Path(folder) / "kernels.cubin"
                for name, values in compile_for(source, architecture, cubin).items():
                    kernels.setdefault(name, {})[architecture] = values
                if architecture == "9.0" and source.stem == "floyd_steinberg" and cuobjdump():
                    for name in (name for name in kernels if name.startswith("floyd")):
                        dump = subprocess.run(
                            [cuobjdump(), "-sass", "-fun", f"pyquant_{name}", str(cubin)],
                            check=True, capture_output=True, text=True,
                        )  # fmt: skip
                        programs[name] = Program(dump.stdout)
    return "\n".join(tables(kernels, programs, architectures))


def tables(kernels, programs, architectures):
    local = sum(values["local"] for each in kernels.values() for values in each.values())
    yield "# Resources of the kernels"
    yield ""
    yield "Written by `make cuda-resources` (`python csrc/cuda/resources.py`). Compiled, not run."
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
    yield "as narrow as a round). `round` is what comes between two rounds of aligned rows: loads,"
    yield "stores, barriers, addresses. A lane-step is one pixel. `cycles` are those of a step of a"
    yield "warp that has a scheduler to itself, from the dependencies between the instructions:"
    yield "4 cycles for an addition or multiplication, 5 for other arithmetic, 24 for a shuffle."
    yield ""
    yield (
        "| kernel | inside | edge | round | steps of a round | edge + round / steps "
        "| cycles inside | cycles edge | edge by kind |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name in sorted(programs):
        loops = programs[name].step_loops()
        if not loops:  # a round of eight steps is not a loop
            continue
        steps = 32 if "uint8" in name else 64 // SIZES[name.split("_")[3]]
        inside, edge = (sum(programs[name].mix(loop).values()) / 8 for loop in loops[:2])
        between = programs[name].round_overhead(loops[1])
        kinds = ", ".join(
            f"{count / 8:g} {kind}" for kind, count in programs[name].mix(loops[1]).most_common(9)
        )
        yield (
            f"| `{name.removeprefix('floyd_steinberg_')}` | {inside:.1f} | {edge:.1f} | {between} "
            f"| {steps} | {edge + between / steps:.1f} "
            f"| {' | '.join(f'{programs[name].cycles(loop):.0f}' for loop in loops[:2])} | {kinds} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=HERE / "RESOURCES.md")
    arguments = parser.parse_args()
    arguments.output.write_text(report(list(arguments.architectures)) + "\n")
