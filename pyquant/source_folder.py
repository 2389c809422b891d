"""Imported first: a clear error where the compiled extension is missing. The usual case is the
folder of the sources, which hides an installed package."""

from importlib.machinery import PathFinder
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

# Python would also take the extension of another folder that is installed with pip's --editable.
if not PathFinder.find_spec("pyquant._C", [str(_PACKAGE)]):
    _FOLDER = _PACKAGE.parent
    if not (_FOLDER / "setup.py").exists():
        raise ImportError(f"pyquant in {_FOLDER} lacks its compiled extension: install it again")
    raise ImportError(
        f"this is the source folder of pyquant, and its extension is not built there: run\n"
        f"  pip install --no-build-isolation -e {_FOLDER}\n"
        f"or leave {_FOLDER} to import an installed pyquant"
    )
