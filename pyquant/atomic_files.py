"""Files that are whole or absent."""

import glob
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART_SUFFIX = ".part"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a path to write to; the file written there becomes `path` in one step.

    If the block raises, or the process dies in it, `path` is as it was before. A symbolic link
    stays one, and the file that it names is replaced. A file that exists keeps its permissions.
    """
    path = _final_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}.{threading.get_native_id()}"
    part = path.with_name(f".{path.name}.{writer}{PART_SUFFIX}")
    try:
        yield part
        with open(part, "rb+") as written:
            os.fsync(written.fileno())
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    except OSError as error:
        # If a write to an open file fails, as on a full disk, the error does not name the file.
        if error.filename is not None and Path(error.filename) != part:
            raise
        if error.errno is None:
            raise OSError(f"{path} cannot be written: {error}") from error
        error.filename = str(path)
        raise
    finally:
        # The part is still there only after a failure. Removing it can fail as well, on a disk that
        # became read-only. The first error is the one to report.
        with suppress(OSError):
            part.unlink()


def remove_parts(path: Path) -> None:
    """Removes what dead processes left of `path`. No other process may be writing it: call this
    under a lock."""
    path = _final_target(path)
    for part in path.parent.glob(f".{glob.escape(path.name)}.*{PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def _final_target(path: Path) -> Path:
    """The file that a write to `path` changes: the end of its symbolic links, if it is one."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
