"""Text and JSON files that are whole or absent, and locks that a crash releases."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from experiments.support.errors import LockedElsewhere
from pyquant.atomic_files import atomic_path, remove_parts


def require_writable(directory: Path) -> None:
    """Makes ``directory`` and a file in it, and removes the file; OSError if that cannot be done.

    For the beginning of a command that writes only at its end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        pass


def write_text(path: Path, text: str) -> None:
    """Writes ``text`` to ``path`` (UTF-8), whole or not at all."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes ``json_text``, whole or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Indented JSON; NaN is refused, since JSON has none."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Reads a JSON file; a file that is not JSON gives a ValueError that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error


def one_line(error: Exception) -> str:
    """The message of an error in one line; that of a KeyError alone would be the bare key."""
    text = repr(error) if isinstance(error, KeyError) else str(error)
    return " ".join(text.split())


def refuse_other(wanted: dict[str, Any], found: dict[str, Any], path: Path) -> None:
    """Raises ValueError, naming what differs, if ``path`` was made with another configuration."""
    changes = differences(wanted, found)
    if changes:
        raise ValueError(f"{path} was made with {changes}: move it away, or name another directory")


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    """Each setting in which two configurations differ, with both values; empty if there is none."""
    wanted, found = _flat(wanted), _flat(found)
    names = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    return "; ".join(f"{key} {found.get(key)!r}, not {wanted.get(key)!r}" for key in names)


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


@contextmanager
def lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds the right to make ``path``. Parts that a dead process left of ``path`` are removed.

    The kernel drops the lock when its holder dies, however it dies: a lock file that is left over
    locks nothing.

    Args:
        path: the file to make.
        wait: wait while another process holds the lock.

    Raises:
        LockedElsewhere: another process holds the lock, and ``wait`` is False.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_path = path.with_name(f".{path.name}.lock")
    held = FileLock(lock_path, poll_interval=0.01)
    try:
        held.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise LockedElsewhere(f"another process holds {lock_path}") from None
    try:
        remove_parts(path)
        yield
    finally:
        # Unlinked while it is held. A process that opened the file before that sees that it is no
        # longer the one at this path, and opens it again (filelock does this).
        lock_path.unlink(missing_ok=True)
        held.release()
