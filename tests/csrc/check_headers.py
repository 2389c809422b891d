"""Compiles every header of csrc and of the CUDA harness alone, so that none depends on what is
included before it.

    python tests/csrc/check_headers.py [HEADER ...]

`*.h` and `*.cuh` stand alone. `*.inl.*` is compiled where it is included, inside another file, and
is left out here. `*.cuh` is compiled for the host, by the CUDA harness (tests/support/cuda_harness).
"""

import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
HARNESS = ROOT / "tests" / "support" / "cuda_harness"
COMPILER = [os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra"]


def package_folder(name: str) -> Path | None:
    specification = find_spec(name)
    return specification and Path(specification.origin).parent


def cuda_include() -> Path | None:
    """Where the headers of the CUDA runtime are: in a toolkit, or in triton, which torch for CUDA
    depends on."""
    toolkits = [Path(os.environ.get("CUDA_HOME") or "/usr/local/cuda") / "include"]
    if triton := package_folder("triton"):
        toolkits.append(triton / "backends" / "nvidia" / "include")
    return next((path for path in toolkits if (path / "cuda_runtime_api.h").exists()), None)


def headers() -> list[Path]:
    csrc = ROOT / "csrc"
    found = [*csrc.rglob("*.h"), *csrc.rglob("*.cuh"), *HARNESS.glob("*.h")]
    return sorted(header for header in found if ".inl." not in header.name)


def command(header: Path) -> list[str]:
    if header.suffix == ".cuh" or header.parent == HARNESS:
        options = [f"-I{ROOT / 'csrc'}", f"-I{HARNESS}", "-Wno-unknown-pragmas"]
        options += ["-include", str(HARNESS / "intrinsics.h")]
    else:
        paths = [package_folder("torch") / "include", sysconfig.get_path("include"), cuda_include()]
        options = [f"-isystem{path}" for path in paths if path]
        options += ["-DTORCH_TARGET_VERSION=0x020d000000000000", "-Wno-unused-parameter"]
        options += [
            "-fvisibility=hidden",
            *["-DUSE_CUDA"] * ("cuda" in header.relative_to(ROOT).parts),
        ]
    return [*COMPILER, *options, "-include", str(header), "-x", "c++", os.devnull]


def messages(header: Path) -> str:
    """The compiler's errors and warnings; nothing if the header compiles alone."""
    return subprocess.run(command(header), capture_output=True, text=True).stderr


def main(arguments: list[str]) -> None:
    checked = [Path(argument).resolve() for argument in arguments] or headers()
    if cuda_include() is None:
        of_cuda = [header for header in checked if "<cuda_runtime" in header.read_text()]
        checked = [header for header in checked if header not in of_cuda]
        print(f"left out, because there is no CUDA toolkit: {', '.join(map(str, of_cuda))}")
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        found = dict(zip(checked, executor.map(messages, checked), strict=True))
    failures = {header: message for header, message in found.items() if message}
    for header, message in failures.items():
        print(f"{header} does not compile alone:\n{message}")
    print(f"{len(checked) - len(failures)} of {len(checked)} headers compile alone")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(sys.argv[1:])
