"""Compiles the kernels and writes what was found as Markdown."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cuda_resources.kernels import (
    LAUNCHES,
    SIZES,
    Compiled,
    Kernel,
    compile_for,
    stripe_layouts,
)
from benchmarks.cuda_resources.machine_code import (
    BRANCH_LATENCY,
    LATENCIES,
    Program,
    cuobjdump,
)
from benchmarks.cuda_resources.steps import Steps


def report(architectures: list[str]) -> str:
    resources: dict[Kernel, dict[str, Compiled]] = {}
    steps: dict[Kernel, Steps] = {}
    with TemporaryDirectory() as folder:
        cubin = Path(folder) / "kernels.cubin"
        for op in LAUNCHES:
            for architecture in architectures:
                print(f"{op} for {architecture}", file=sys.stderr)
                compiled = compile_for(op, architecture, cubin)
                for kernel, values in compiled.items():
                    resources.setdefault(kernel, {})[architecture] = values
                if architecture == "9.0" and op == "floyd_steinberg" and (tool := cuobjdump()):
                    steps = steps_of(tool, compiled, cubin)
    lines = [*resource_table(resources, architectures)]
    if steps:
        lines += ["", *step_table(steps)]
    return "\n".join(lines)


def steps_of(tool: str, compiled: dict[Kernel, Compiled], cubin: Path) -> dict[Kernel, Steps]:
    return {
        kernel: Steps(
            Program(tool, cubin, values.symbol), stripe_layouts()[SIZES[kernel.dtype]].round_steps
        )
        for kernel, values in compiled.items()
    }


def resource_table(
    resources: dict[Kernel, dict[str, Compiled]], architectures: list[str]
) -> Iterator[str]:
    local = sum(values.local_bytes for each in resources.values() for values in each.values())
    yield "# Resources of the CUDA kernels"
    yield ""
    yield "Written by `make cuda-resources` (`python -m benchmarks.cuda_resources`). Compiled, not run."
    yield ""
    yield f"Spills and local memory, all kernels and architectures together: {local} bytes."
    yield ""
    yield "Registers per thread / warps that a multiprocessor holds at a time. Blocks of 4 warps"
    yield "(Floyd-Steinberg) or 8 (linear quantization)."
    yield ""
    yield f"| kernel | shared bytes of a block | {' | '.join(architectures)} |"
    yield "|---|---|" + "---|" * len(architectures)
    for kernel in sorted(resources):
        cells = (
            f"{values.registers} / {kernel.resident_warps(values.registers, architecture)}"
            for architecture, values in resources[kernel].items()
        )
        yield f"| `{kernel.name}` | {kernel.shared_bytes or '-'} | {' | '.join(cells)} |"


def step_table(steps_of_kernels: dict[Kernel, Steps]) -> Iterator[str]:
    yield "## A step, architecture 9.0"
    yield ""
    yield "Counted in the machine code of the loops over half a round. A lane-step is one pixel."
    yield ""
    yield "- `inside` is a step where no lane is at an edge of a plane."
    yield "- `edge` is one where some lane may be: every step of planes as narrow as a round."
    yield "- `between` is what comes between two rounds of steps: loads, stores, barriers, addresses. Where"
    yield "  these rounds are inside a plane it takes fewer cycles, which have their own column."
    yield "- `all` is `edge` with its share of `between`."
    yield "- `half rate` are those instructions of `all` of which a scheduler issues one in two cycles."
    yield "- The cycles are those of a warp that has a scheduler to itself: what the compiler tells the"
    yield (
        f"  scheduler to wait, and {LATENCIES['SHFL']} cycles for a shuffle, {LATENCIES['LDS']} for a "
        f"load of shared memory, {BRANCH_LATENCY} for a branch."
    )
    yield ""
    yield (
        "| `floyd_steinberg` | instructions: inside | edge | between | all | half rate "
        "| cycles: inside | between inside | edge | between | all | steps of a round |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for kernel, steps in sorted(steps_of_kernels.items()):
        yield (
            f"| {kernel.dtype}, {kernel.mode}, {kernel.path} "
            f"| {steps.inside:.1f} | {steps.edge:.1f} | {steps.between} | {steps.all:.1f} "
            f"| {steps.half_rate:.1f} | {steps.cycles_inside:.0f} "
            f"| {steps.cycles_between_inside:.0f} | {steps.cycles_edge:.0f} "
            f"| {steps.cycles_between:.0f} | {steps.cycles_all:.0f} | {steps.of_a_round} |"
        )
