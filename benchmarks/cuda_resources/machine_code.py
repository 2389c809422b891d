"""Reads the machine code of a kernel: its loops, what a round of steps costs, and how long a warp
takes for it that has a scheduler to itself."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Arithmetic with half the throughput of float additions and multiplications, on 9.0.
HALF_RATE = ("FMNMX", "FSEL", "FSET", "LOP3", "PRMT", "SHF", "LEA", "IADD3", "ISETP", "FSETP",
             "SEL", "VIADD", "VIMNMX", "VIADDMNMX", "I2FP", "F2FP")  # fmt: skip

# Cycles until an instruction without a fixed latency has its result, and until a branch is taken. A
# global load takes none: it was issued a round before.
LATENCIES = {"SHFL": 26, "LDS": 30, "STS": 20, "STG": 20, "LDG": 0}
OTHER_LATENCY = 20
BRANCH_LATENCY = 8


def cuobjdump() -> str | None:
    """The path of the tool; None if it is not there."""
    if path := shutil.which("cuobjdump"):
        return path
    if (triton := find_spec("triton")) and triton.origin:
        shipped = Path(triton.origin).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
        return str(shipped) if shipped.exists() else None
    return None


@dataclass(frozen=True)
class Instruction:
    """With what the compiler tells the scheduler: how many cycles to wait after it, which of six
    barriers it sets when its result is written or its operands are read, and for which it waits."""

    address: int
    text: str
    stall: int
    write_barrier: int
    read_barrier: int
    waits_for: int

    @classmethod
    def decode(cls, address: str, text: str, upper_word: str) -> "Instruction":
        control = int(upper_word, 16) >> 41
        return cls(
            int(address, 16), text, max(control & 15, 1),
            control >> 5 & 7, control >> 8 & 7, control >> 11 & 63,
        )  # fmt: skip

    @property
    def kind(self) -> str:
        """FADD of `@P0 FADD.RM R1, R2, R3`."""
        return re.sub(r"^@!?U?P\w+\s+", "", self.text).split()[0].split(".")[0]

    @property
    def target(self) -> int | None:
        """The address that a branch leads to."""
        found = re.search(r"\bBRA(?:\.\w+)* .*?\b0x([0-9a-f]+)", self.text)
        return int(found.group(1), 16) if found else None

    @property
    def always_leaves(self) -> bool:
        is_conditional = self.text.startswith("@") or re.match(r"BRA(\.\w+)* U?!?U?P", self.text)
        return not is_conditional and (self.target is not None or self.kind == "EXIT")


class Program:
    """The machine code of a kernel, by the tool cuobjdump."""

    def __init__(self, tool: str, cubin: Path, symbol: str) -> None:
        dump = subprocess.run(
            [tool, "-sass", "-fun", symbol, str(cubin)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        line = re.compile(
            r"^\s+/\*([0-9a-f]{4,})\*/\s+(.*?);\s+/\* 0x[0-9a-f]{16} \*/\s+/\* 0x([0-9a-f]{16}) \*/",
            re.MULTILINE,
        )
        self.instructions = [Instruction.decode(*found) for found in line.findall(dump)]
        index: dict[int | None, int] = {each.address: i for i, each in enumerate(self.instructions)}
        self.targets = [index.get(each.target) for each in self.instructions]

    def step_loops(self, steps: int) -> list[range]:
        """The loops of so many steps, the shortest first: without edge, with one, with several."""
        loops = (
            range(begin, end + 1)
            for end, begin in enumerate(self.targets)
            if begin is not None and begin <= end
        )
        return sorted((loop for loop in loops if self.mix(loop)["SHFL"] == steps), key=len)

    def mix(self, instructions: Iterable[int]) -> Counter[str]:
        return Counter(self.instructions[i].kind for i in instructions)

    def between_rounds(self, loop: range) -> list[int]:
        """The instructions from the end of the steps to the beginning of the next: the shortest way
        past all stores and loads of global memory."""
        reached = self.reachable(loop.stop)
        way, here = [], loop.stop
        for kind in ("STG", "LDG"):
            for goal in reached:
                each = self.instructions[goal]
                if each.kind == kind and "STRONG" not in each.text:  # strong: a hand-over
                    way += self.way(here, goal)
                    here = goal
        return way + self.way(here, loop.start)

    def after(self, i: int) -> list[int]:
        """What may be executed after an instruction."""
        target = self.targets[i]
        found = [] if target is None else [target]
        if not self.instructions[i].always_leaves and i + 1 < len(self.instructions):
            found.append(i + 1)
        return found

    def reachable(self, start: int) -> list[int]:
        """Instructions that may be executed after `start`, the nearest first."""
        found = {start: None}
        todo = [start]
        for here in todo:
            new = [there for there in self.after(here) if there not in found]
            found |= dict.fromkeys(new)
            todo += new
        return list(found)

    def way(self, start: int, goal: int) -> list[int]:
        """The shortest way from `start` to before `goal`."""
        before = {start: start}
        todo = [start]
        for here in todo:  # breadth first: every instruction counts the same
            if here == goal:
                way = []
                while here != start:
                    here = before[here]
                    way.append(here)
                return way[::-1]
            for there in self.after(here):
                if there not in before:
                    before[there] = here
                    todo.append(there)
        raise ValueError(f"no way from {start} to {goal}")

    def cycles(self, way: Sequence[int], times: int = 1) -> float:
        """Cycles of a warp that has a scheduler to itself and executes these instructions in order.
        Of several times the mean, without the first time, which waits for nothing before it."""
        now, barriers, begins = 0, [0] * 6, []
        for _ in range(times):
            begins.append(now)
            for i in way:
                each = self.instructions[i]
                waits = [time for k, time in enumerate(barriers) if each.waits_for >> k & 1]
                start = max([now, *waits])
                latency = LATENCIES.get(each.kind, OTHER_LATENCY)
                for barrier in (each.write_barrier, each.read_barrier):
                    if barrier < 6:
                        barriers[barrier] = max(barriers[barrier], start + latency)
                now = start + each.stall + (BRANCH_LATENCY if each.target is not None else 0)
        return now if times == 1 else (now - begins[1]) / (times - 1)
