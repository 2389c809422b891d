"""The experiments of the paper, one command each: see README.md in this directory."""

from experiments.support import openmp  # noqa: F401  # the first: before torch is imported
