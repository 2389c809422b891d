"""Reads the machine code of a kernel: its loops, and what a round of steps costs."""

import re
import shutil
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

# Arithmetic with half the throughput of float additions and multiplications, on 9.0.
HALF_RATE = ("FMNMX", "FSEL", "FSET", "LOP3", "PRMT", "SHF", "LEA", "IADD3", "ISETP", "FSETP",
             "SEL", "VIADD", "VIMNMX", "VIADDMNMX", "I2FP", "F2FP")  # fmt: skip


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

    def __init__(self, cubin: Path, symbol: str):
        dump = subprocess.run(
            [cuobjdump(), "-sass", "-fun", symbol, str(cubin)],
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
        """First and last instruction of the loops that contain this many of each kind, the
        shortest loop first."""
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
        """Cycles per step of a warp that has a scheduler to itself: instructions run in order, each
        when its operands are there. The latencies were measured by others on this generation."""
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
        """Instructions from the end of the steps to their beginning, for aligned rows: on the
        shortest way past the loads of 16 bytes."""
        begin, end = self.step_loops()[1]
        load = next(i for i, text in enumerate(self.text) if "LDG.E.128" in text)
        return self.way(end + 1, load) + self.way(load, begin)

    def element_loops(self) -> int:
        """Instructions on the shortest way that loads and stores four samples of each lane, where
        rows are not aligned."""
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
