"""The kernels of csrc/cuda: their names, their registers and how many warps of them a
multiprocessor holds."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

CSRC = Path(__file__).parents[2] / "csrc"
LAUNCHES = {op: CSRC / "cuda" / op / "launch.cu" for op in ("floyd_steinberg", "linear_quantize")}
ARCHITECTURES = ("7.5", "8.0", "9.0", "10.0", "12.0")
SIZES = {"uint8": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}

# Per multiprocessor: KiB of shared memory, warps, blocks; KiB that the system takes of each
# block. Registers are 65,536 everywhere, given out in units of 256 per warp.
LIMITS = {
    "7.5": (64, 32, 16, 0),
    "8.0": (164, 64, 32, 1),
    "9.0": (228, 64, 32, 1),
    "10.0": (228, 64, 32, 1),
    "12.0": (100, 48, 24, 1),
}


@dataclass(frozen=True, order=True)
class Kernel:
    op: str
    mode: str
    """The variant or the rounding."""
    dtype: str
    path: str
    """planes, stripes or bands (of Floyd-Steinberg); pieces, words or samples."""

    @property
    def name(self) -> str:
        return f"{self.op}<{self.dtype}, {self.mode}, {self.path}>"

    @property
    def warps(self) -> int:
        """Of a block that is full."""
        return 4 if self.op == "floyd_steinberg" else 8

    @property
    def shared_bytes(self) -> int:
        """Of a block that is full. A warp that walks along stripes has four bytes per column
        more."""
        if self.op == "linear_quantize":
            return 0
        layout = stripe_layouts()[SIZES[self.dtype]]
        lines = (self.warps + 1) * layout.line_bytes if "bands" in self.path else 0
        return self.warps * layout.stripe_bytes + lines

    def resident_warps(self, registers: int, architecture: str) -> int:
        """Warps that a multiprocessor holds at a time."""
        shared, most_warps, most_blocks, system = LIMITS[architecture]
        registers_of_a_warp = -(-registers * 32 // 256) * 256
        blocks = [
            most_blocks,
            most_warps // self.warps,
            65536 // registers_of_a_warp // self.warps,
        ]
        if used := self.shared_bytes + 1024 * system:
            blocks.append(shared * 1024 // used)
        return min(blocks) * self.warps


@dataclass(frozen=True)
class StripeLayout:
    stripe_bytes: int
    line_bytes: int
    round_steps: int


@cache
def stripe_layouts() -> dict[int, StripeLayout]:
    """What stripe_layout.h says, for each size of a sample."""
    program = """
        #include <cstdio>
        #include <initializer_list>
        #include "cuda/floyd_steinberg/stripe_layout.h"
        int main() {
          using namespace pyquant;
          for (int size : {1, 2, 4, 8})
            std::printf("%d %d %d %d\\n", size, stripe_bytes(size), line_bytes(size),
                        round_steps(size));
        }"""
    with TemporaryDirectory() as folder:
        executable = f"{folder}/layouts"
        command = ["g++", "-std=c++20", f"-I{CSRC}", "-x", "c++", "-", "-o", executable]
        subprocess.run(command, input=program, check=True, text=True)
        lines = subprocess.run([executable], check=True, capture_output=True, text=True).stdout
    numbers = [tuple(map(int, line.split())) for line in lines.splitlines()]
    return {size: StripeLayout(*layout) for size, *layout in numbers}


@cache
def enumerators(enumeration: str) -> list[str]:
    """textbook and published of `enum class Variant`, in the order of their values."""
    headers = "\n".join(header.read_text() for header in CSRC.rglob("*.h"))
    (listed,) = _found(rf"enum class {enumeration} {{([^}}]+)}};", headers)
    return re.findall(r"\w+", re.sub(r"//.*", "", listed))


def kernel_of(symbol: str) -> Kernel:
    """Of a mangled name."""
    name = subprocess.run(
        ["c++filt", symbol], check=True, capture_output=True, text=True
    ).stdout.replace("pyquant::", "")
    op, sample, values = _found(r"^void (\w+)<([\w ]+), (.+?)>\(", name)
    mode, *path = (
        enumerators(enumeration)[int(value)]
        for enumeration, value in re.findall(r"\((\w+)\)(\d+)", values)
    )
    dtype = {"unsigned char": "uint8", "float": "float32", "double": "float64"}
    return Kernel(op, mode, dtype.get(sample, sample.lower()), ", ".join(path))


@dataclass(frozen=True)
class Compiled:
    symbol: str
    registers: int
    local_bytes: int
    """Of spills and the stack."""


def compile_for(op: str, architecture: str, cubin: Path) -> dict[Kernel, Compiled]:
    """What ptxas says of each kernel."""
    command = ["nvcc", "-std=c++20", "-O3", "--fmad=false", "-Xptxas", "-v", "-cubin",
               f"-arch=sm_{architecture.replace('.', '')}", str(LAUNCHES[op]), "-o", str(cubin)]  # fmt: skip
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    kernels = {}
    for part in log.split("Compiling entry function")[1:]:
        (symbol,) = _found(r"'(\w+)'", part)
        (registers,) = _found(r"Used (\d+) registers", part)
        local_bytes = sum(map(int, re.findall(r"(\d+) bytes (?:stack|spill)", part)))
        kernels[kernel_of(symbol)] = Compiled(symbol, int(registers), local_bytes)
    return kernels


def _found(pattern: str, text: str) -> tuple[str, ...]:
    """The groups of the first match; ValueError if there is none."""
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"{pattern} is not in {text!r}")
    return match.groups()
