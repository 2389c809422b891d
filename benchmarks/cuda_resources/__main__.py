"""Compiles the CUDA kernels for every architecture and writes benchmarks/CUDA_RESOURCES.md:
registers, shared memory, spills and occupancy, and the instructions of a step.

    python -m benchmarks.cuda_resources [--architectures 7.5 9.0] [--output FILE]

Needs nvcc; for the instructions also cuobjdump, which comes with the toolkit or with triton.
No GPU.
"""

import argparse
from pathlib import Path

from benchmarks.cuda_resources.kernels import ARCHITECTURES
from benchmarks.cuda_resources.report import report

OUTPUT = Path(__file__).parents[1] / "CUDA_RESOURCES.md"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    # After the options: it imports torch, which takes seconds, and --help does not need it.
    from experiments.support.storage import write_text

    write_text(arguments.output, report(list(arguments.architectures)) + "\n")
