"""Which files the command writes, and what happens when it cannot."""

import os
import pty
import signal
import subprocess
import sys
import time

import numpy
import pytest
from PIL import Image

from pyquant.command_line import processing
from pyquant.command_line.main import main

ROOT = processing.__file__.rpartition("/pyquant/")[0]
GRAY = Image.fromarray(numpy.full((8, 8), 100, numpy.uint8))


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The current folder, with images in subfolders, and files that are not images."""
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.png", "in/b.c.bmp", "in/deep/a.png", "in/.hidden/x.png", "in/.y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        GRAY.save(name)
    (tmp_path / "in" / "notes.txt").write_text("no image")
    return tmp_path


def run(*arguments):
    with pytest.raises(SystemExit) as exit:
        main(["dither", "--bits", "1", *arguments])
    return int(exit.value.code)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_with_its_subfolders(images):
    assert run("in", "-o", "out") == 0
    assert files(images / "out") == ["a.png", "b.c.png", "deep/a.png"]


def test_a_format_for_all(images):
    GRAY.save("in/name.v2", "PNG")
    assert run("in", "in/name.v2", "-o", "new/out", "--format", "tiff") == 0
    expected = ["a.tiff", "b.c.tiff", "deep/a.tiff", "name.v2.tiff"]
    assert files(images / "new" / "out") == expected


def test_one_file_into_a_folder(images):
    assert run("in/a.png", "-o", "out/") == 0
    assert run("in/b.c.bmp", "-o", "out") == 0
    assert files(images / "out") == ["a.png", "b.c.png"]


def test_results_in_a_subfolder_are_no_input(images):
    assert run("in", "-o", "in/out") == 0
    assert run("in", "-o", "in/out", "--overwrite") == 0
    assert files(images / "in" / "out") == ["a.png", "b.c.png", "deep/a.png"]


def test_in_place(images):
    assert run("in/deep", "-o", "in/deep", "--overwrite") == 0
    assert set(numpy.unique(Image.open("in/deep/a.png"))) == {0, 255}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("in/a.png", "in/b.c.bmp", "-o", "out.png"), ["out.png"]),
        (("in", "-o", "in/notes.txt"), ["in/notes.txt"]),
        (("in/a.png", "in/deep/a.png", "-o", "out"), ["in/a.png", "in/deep/a.png", "out/a.png"]),
        (("in/a.png", "in/a.png", "-o", "out"), ["in/a.png", "out/a.png"]),
        (("empty", "-o", "out"), ["empty"]),
        (("absent", "-o", "out"), ["absent"]),
        (("in", "absent.png", "-o", "out"), ["absent.png"]),
        (("pipe.png", "-o", "out.png"), ["pipe.png", "pipes"]),
        (("-", "-o", "out.png"), ["-", "pipes"]),
        (("in/a.png", "-o", "out.png", "--format", "bmp"), ["out.png", "bmp"]),
    ],
)
def test_outputs_that_cannot_be(images, capsys, arguments, named):
    (images / "empty").mkdir()
    os.mkfifo("pipe.png")
    before = files(images)
    assert run(*arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert all(name in line for name in named)
    assert files(images) == before


@pytest.mark.parametrize("link", ["out/b.c.png", "out/deep"])
def test_two_images_that_would_become_one_file_through_a_link(images, capsys, link):
    (images / "out").mkdir()
    GRAY.save("out/a.png")
    os.symlink("a.png" if link.endswith("png") else ".", link)
    before = files(images)
    assert run("in", "-o", "out", "--overwrite") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "in/a.png and in/" in line and f" would both become {images}/out/a.png" in line
    assert Image.open("out/a.png").tobytes() == GRAY.tobytes()
    assert files(images) == before


def test_images_that_differ_in_their_suffix(images, capsys):
    for name in ("in/a.bmp", "in/b.c.PNG", "in/deep/a.tiff", "in/single.png"):
        GRAY.save(name)
    assert run("in", "-o", "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "6 of 7 images" in line and "in/a.bmp and in/a.png" in line and "--keep-suffix" in line
    assert not (images / "out").exists()
    assert run("in", "-o", "out", "--keep-suffix", "--format", "tiff") == 0
    assert files(images / "out") == [
        "a.bmp.tiff", "a.png.tiff", "b.c.PNG.tiff", "b.c.bmp.tiff",
        "deep/a.png.tiff", "deep/a.tiff.tiff", "single.png.tiff",
    ]  # fmt: skip


def test_input_folders_with_equal_names(images, capsys):
    assert run("in/deep", "in", "-o", "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "2 of 4 images" in line and "in/deep/a.png and in/a.png" in line
    assert "--keep-suffix" not in line


def test_only_files_and_links_to_files_are_taken_from_folders(images, monkeypatch):
    """Reading a pipe would wait forever."""
    os.mkfifo("in/pipe.png")
    os.symlink("pipe.png", "in/link_to_pipe.png")
    os.symlink("a.png", "in/link_to_file.png")
    os.symlink(".", "in/link_to_folder")
    monkeypatch.setenv("PYTHONPATH", ROOT)
    command = [sys.executable, "-m", "pyquant", "dither", "--bits", "1", "in", "-o", "out"]
    assert subprocess.run(command, timeout=60).returncode == 0
    assert files(images / "out") == ["a.png", "b.c.png", "deep/a.png", "link_to_file.png"]


def test_nothing_is_overwritten_unasked(images, capsys):
    original = GRAY.tobytes()
    GRAY.save("out.png")
    assert run("in/a.png", "-o", "out.png") == 1
    assert "out.png" in capsys.readouterr().err
    assert Image.open("out.png").tobytes() == original
    os.symlink("absent.png", "link.png")
    assert run("in/a.png", "-o", "link.png") == 1
    assert not os.path.exists("absent.png")
    assert run("in/a.png", "-o", "out.png", "--overwrite") == 0
    assert Image.open("out.png").tobytes() != original


def test_mode_and_symbolic_link_are_kept(images):
    GRAY.save("real.png")
    os.chmod("real.png", 0o640)
    os.symlink("real.png", "link.png")
    assert run("in/a.png", "-o", "link.png", "--overwrite") == 0
    assert os.readlink("link.png") == "real.png"
    assert os.stat("real.png").st_mode & 0o777 == 0o640
    assert set(numpy.unique(Image.open("real.png"))) == {0, 255}


def test_a_failed_write_leaves_nothing(images, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    before = files(images)
    assert run("in/a.png", "-o", "out.png") == 1
    assert capsys.readouterr().err == "error: out.png: No space left on device\n"
    assert files(images) == before


def test_bad_files_do_not_stop_the_others(images, capsys):
    (images / "in" / "bad.png").write_text("no image")
    (images / "in" / "link.png").symlink_to("absent.png")
    assert run("in", "-o", "out") == 1
    assert files(images / "out") == ["a.png", "b.c.png", "deep/a.png"]
    *lines, counts = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("error: ") for line in lines)
    assert "in/bad.png" in sorted(lines)[0] and "in/link.png" in sorted(lines)[1]
    assert counts == "3 written, 2 failed"


def test_existing_results_are_skipped(images, capsys):
    GRAY.save("in/deep/new.png")
    assert run("in/a.png", "in/b.c.bmp", "-o", "out") == 0
    before = {name: os.stat(images / "out" / name) for name in ("a.png", "b.c.png")}
    assert capsys.readouterr().err == "2 written\n"
    assert run("in", "-o", "out", "--skip-existing") == 0
    assert capsys.readouterr().err == "2 written, 2 skipped\n"
    assert files(images / "out") == ["a.png", "b.c.png", "deep/a.png", "deep/new.png"]
    assert {name: os.stat(images / "out" / name) for name in before} == before
    with pytest.raises(SystemExit, match="2"):
        main(["dither", "in", "-o", "out", "--bits", "1", "--skip-existing", "--overwrite"])


def test_an_error_of_ours_is_not_hidden(images, monkeypatch):
    def broken(*_):
        raise AssertionError("a bug")

    monkeypatch.setattr(processing, "read_image", broken)
    with pytest.raises(AssertionError, match="a bug"):
        main(["dither", "in", "-o", "out", "--bits", "1"])


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_many_images(images, jobs):
    pixels = [numpy.random.default_rng(i).integers(0, 256, (9, 9, 3), "u1") for i in range(20)]
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(f"in/deep/{i}.png")
    assert run("in/deep", "-o", jobs, "--jobs", jobs) == 0
    results = [numpy.asarray(Image.open(f"{jobs}/{i}.png")) for i in range(20)]
    for i in range(20):
        assert run(f"in/deep/{i}.png", "-o", "one.png", "--overwrite") == 0
        assert numpy.array_equal(results[i], numpy.asarray(Image.open("one.png")))


def terminal_output(*arguments):
    """What the command shows on a terminal."""
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "pyquant", "dither", "--bits", "1", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(command, stderr=writer, env=environment)
    os.close(writer)
    shown = b""
    try:
        while chunk := os.read(reader, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(reader)
    assert process.wait() == 0
    return shown.decode()


def test_progress_on_a_terminal_only(images, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)
    shown = terminal_output("in", "-o", "many")
    assert "3/3" in shown and shown.endswith("3 written\r\n")
    assert terminal_output("in/a.png", "-o", "one.png") == ""
    command = [sys.executable, "-m", "pyquant", "dither", "--bits", "1", "in", "-o", "piped"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "3 written\n")


def test_interrupted(images, monkeypatch):
    """What is written is whole, and no part is left."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    noise = numpy.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=numpy.uint8)
    for i in range(200):
        Image.fromarray(noise).save(f"in/deep/{i}.bmp")
    command = [sys.executable, "-m", "pyquant", "dither", "--bits", "1", "in/deep", "-o", "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(images.glob("out/*.png")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline().startswith("finishing")
    assert "interrupted" in process.communicate()[1]
    assert process.returncode == 130
    written = files(images / "out")
    assert 0 < len(written) < 200
    assert {os.path.splitext(name)[1] for name in written} == {".png"}
    for name in written:
        Image.open(images / "out" / name).load()


def test_interrupted_twice(images, monkeypatch):
    """The image that is being written is not waited for."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    Image.fromarray(numpy.random.default_rng(0).integers(0, 256, (3000, 3000), "u1")).save("1.bmp")
    command = [
        sys.executable,
        "-m",
        "pyquant",
        "dither",
        "--bits",
        "4",
        "1.bmp",
        "-o",
        "out/1.webp",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(images.glob("out/.*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()  # as Ctrl-C, but also where the tests run in the background
    assert process.stderr.readline().startswith("finishing")
    process.terminate()
    assert process.communicate()[1] == "" and process.returncode == -signal.SIGTERM
    assert not os.path.exists("out/1.webp")
