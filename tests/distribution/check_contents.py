"""What `make dist` has made holds every file of the package and no other. `make dist` runs this."""

import subprocess
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pyquant.version

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
VERSION = pyquant.version.__version__


def committed(*paths):
    command = ["git", "ls-tree", "-r", "--name-only", "HEAD", *paths]
    return set(subprocess.check_output(command, cwd=ROOT, text=True).split())


def test_there_is_one_wheel_and_one_source_distribution():
    wheel, sdist = sorted(path.name for path in DIST.iterdir())
    assert sdist == f"pyquant-{VERSION}.tar.gz"
    assert wheel.startswith(f"pyquant-{VERSION}-cp310-abi3-linux_")


def test_wheel():
    """The package, its libraries and its metadata: no tests, no sources in C++, no results."""
    (path,) = DIST.glob("*.whl")
    with ZipFile(path) as wheel:
        files = set(wheel.namelist())
        metadata = wheel.read(f"pyquant-{VERSION}.dist-info/METADATA").decode()
        entry_points = wheel.read(f"pyquant-{VERSION}.dist-info/entry_points.txt").decode()
    of_metadata = {file for file in files if file.startswith(f"pyquant-{VERSION}.dist-info/")}
    libraries = {file for file in files if file.endswith(".so")}
    assert files - of_metadata - libraries == committed("pyquant/")
    assert "pyquant/py.typed" in files
    assert "pyquant/_C.abi3.so" in libraries
    assert libraries <= {"pyquant/_C.abi3.so", "pyquant/_C_cuda.abi3.so"}
    assert {Path(file).name for file in of_metadata} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt", "top_level.txt"
    }  # fmt: skip
    assert "\nLicense-Expression: MIT\n" in metadata
    assert "\nRequires-Dist: torch>=2.10\n" in metadata
    assert "pyquant = pyquant.command_line.main:main" in entry_points


def test_source_distribution():
    """What a build needs, headers too. The wheel was built from it."""
    (path,) = DIST.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        files = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    of_metadata = {file for file in files if ".egg-info/" in file} | {"PKG-INFO", "setup.cfg"}
    top_level = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"}
    assert any(file.endswith(".cuh") for file in files)
    assert files - of_metadata == committed("csrc/", "pyquant/") | top_level
