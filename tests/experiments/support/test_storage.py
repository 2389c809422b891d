"""Files are whole or absent; a lock keeps a second process out, and dies with its holder."""

import errno
import multiprocessing
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from experiments.support.errors import LockedElsewhere
from experiments.support.storage import lock, read_json, refuse_other, write_json, write_text
from pyquant.atomic_files import atomic_path, remove_parts


def test_a_failure_leaves_the_old_file_and_no_part(tmp_path):
    target = tmp_path / "result.json"
    write_json(target, {"accuracy": 0.5})
    with pytest.raises(RuntimeError), atomic_path(target) as part:
        part.write_text("half of")
        raise RuntimeError
    assert read_json(target) == {"accuracy": 0.5}
    assert os.listdir(tmp_path) == ["result.json"]


def test_an_error_of_a_write_names_the_file(tmp_path):
    target = tmp_path / "result.json"
    for error, text in (
        (OSError(errno.ENOSPC, "No space left on device"), f"No space left on device: '{target}'"),
        (OSError("8 requested and 4 written"), f"{target} cannot be written: 8 requested and 4"),
    ):
        with pytest.raises(OSError, match=re.escape(text)), atomic_path(target):
            raise error
    with pytest.raises(FileNotFoundError, match="absent"), atomic_path(target):
        open(tmp_path / "absent")


def test_the_error_of_a_write_is_told_although_the_part_cannot_be_removed(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    target = tmp_path / "result.json"
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError, match=f"full: '{target}'"), atomic_path(target) as part:
        part.write_text("half of")
        raise OSError(errno.ENOSPC, "full", str(part))
    assert os.listdir(tmp_path) == [part.name]


def test_no_part_is_ever_seen_under_the_name(tmp_path):
    target = tmp_path / "deep" / "text"
    with atomic_path(target) as part:
        part.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"


def test_threads_that_write_the_same_file(tmp_path):
    """Each writes a part of its own, and the last one stays."""
    target = tmp_path / "text"

    def write(text):
        with atomic_path(target) as part:
            part.write_text(text)

    with atomic_path(target) as part:
        part.write_text("last")
        thread = threading.Thread(target=write, args=("first",))
        thread.start()
        thread.join()
        assert target.read_text() == "first"
    assert target.read_text() == "last"
    assert os.listdir(tmp_path) == ["text"]


def test_a_symbolic_link_stays_one(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real.json").write_text("1")
    (tmp_path / "second").symlink_to(elsewhere / "real.json")
    link = tmp_path / "link.json"
    link.symlink_to("second")
    write_json(link, 2)
    assert link.is_symlink() and os.readlink(link) == "second"
    assert read_json(elsewhere / "real.json") == 2 == read_json(link)
    assert os.listdir(elsewhere) == ["real.json"]
    # What a dead process left beside the file goes, too.
    (elsewhere / ".real.json.1.part").write_text("half")
    with lock(link):
        assert os.listdir(elsewhere) == ["real.json"]
    # A link to nothing: its file is made.
    (tmp_path / "new.json").symlink_to(elsewhere / "deep" / "made.json")
    write_json(tmp_path / "new.json", 3)
    assert read_json(elsewhere / "deep" / "made.json") == 3


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_permissions_are_kept(mode, tmp_path):
    target = tmp_path / "result.json"
    write_json(target, 1)
    usual = stat.S_IMODE(target.stat().st_mode)
    target.chmod(mode)
    write_json(target, 2)
    assert stat.S_IMODE(target.stat().st_mode) == mode and read_json(target) == 2
    write_json(tmp_path / "other.json", 3)
    assert stat.S_IMODE((tmp_path / "other.json").stat().st_mode) == usual


def test_parts_are_those_of_the_file_alone(tmp_path):
    """The name of a file is no pattern."""
    (tmp_path / ".result1.1.part").write_text("of another file")
    remove_parts(tmp_path / "result[1]")
    assert os.listdir(tmp_path) == [".result1.1.part"]
    (tmp_path / ".result[1].1.part").write_text("of this file")
    remove_parts(tmp_path / "result[1]")
    assert os.listdir(tmp_path) == [".result1.1.part"]


def test_nan_is_no_result(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "result.json", {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_damaged_file_is_named(tmp_path):
    write_text(tmp_path / "cell.json", '{"half":')
    with pytest.raises(ValueError, match="cell.json is not a JSON file"):
        read_json(tmp_path / "cell.json")


def test_another_configuration_is_refused_by_what_differs(tmp_path):
    with pytest.raises(ValueError, match="cell.json was made with seed 1, not 2: move it away"):
        refuse_other({"seed": 2, "same": 0}, {"seed": 1, "same": 0}, tmp_path / "cell.json")
    with pytest.raises(ValueError, match="made with data.source 'digits', not 'CIFAR-10': move"):
        refuse_other(
            {"data": {"source": "CIFAR-10", "images": 5}},
            {"data": {"source": "digits", "images": 5}},
            tmp_path / "cell.json",
        )


HOLD = """
import sys, time
from pathlib import Path
from experiments.support.storage import lock
from pyquant.atomic_files import atomic_path
with lock(Path(sys.argv[1])), atomic_path(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_kept_out_until_the_first_dies(tmp_path):
    target = tmp_path / "cell.json"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, target], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedElsewhere), lock(target):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")]
    with lock(target):
        assert not target.exists()
        assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]
    assert os.listdir(tmp_path) == []


def _count_up(target, rounds):
    done = 0
    while done < rounds:
        try:
            with lock(target):
                value = int(target.read_text())
                time.sleep(0.001)
                write_text(target, str(value + 1))
                done += 1
        except LockedElsewhere:
            time.sleep(0.001)


def test_no_two_processes_hold_the_lock_at_once(tmp_path):
    target = tmp_path / "count"
    write_text(target, "0")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count_up, args=(target, 25)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert target.read_text() == "75"
