"""`python -m pyquant` prints what was built."""

import argparse

import pyquant


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m pyquant",
        description="Prints the versions of pyquant and torch, the CPU instruction set in use and "
        "the CUDA architectures that were built, or why none was.",
    ).parse_args()
    for name, value in pyquant.build_info().items():
        print(f"{name:20}{value}")


if __name__ == "__main__":
    main()
