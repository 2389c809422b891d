"""Which file becomes which."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pyquant.command_line.output_formats import OUTPUTS, output_for


@dataclass(frozen=True)
class Conversion:
    """An image to read and where its result goes."""

    source: Path
    target: Path


def planned_conversions(
    inputs: Sequence[Path], output: str, output_format: str | None, keep_suffix: bool
) -> list[Conversion]:
    """What becomes of every file of `inputs`.

    Args:
        inputs: files, and folders whose images are taken with their subfolders.
        output: a file if there is one input, a file; otherwise a folder. A folder also if it is one
            or ends with a slash.
        output_format: the suffix, without its dot, of the files in an output folder. None is png.
        keep_suffix: whether a file in an output folder has that suffix after the one of its image,
            or else in place of it.

    Raises:
        OSError: if an input does not exist.
        ValueError: if an input is a pipe or device, the output cannot be what it has to be, a folder
            holds no image, or two images would become one file.
    """
    for path in inputs:
        _check_input(path)
    target = Path(output)
    is_folder = target.is_dir() or output.endswith(os.sep)
    if len(inputs) == 1 and not inputs[0].is_dir() and not is_folder:
        _refuse_other_format(target, output_format)
        return [Conversion(inputs[0], target)]
    if not is_folder and (target.exists() or _names_image(target)):
        raise ValueError(f"{target} is not a folder; several images are written into one")
    suffix = f".{output_format or 'png'}"
    conversions = [
        Conversion(source, target / _with_suffix(relative, suffix, keep_suffix))
        for path in inputs
        for source, relative in _files(path, target)
    ]
    _refuse_collisions(conversions)
    return conversions


def _check_input(path: Path) -> None:
    is_standard_input = str(path) == "-" and not path.exists()  # to many other commands
    if is_standard_input or _is_special(path):
        raise ValueError(f"{path} is neither a file nor a folder; pipes and devices are not read")
    path.stat()  # OSError if it does not exist


def _refuse_other_format(target: Path, output_format: str | None) -> None:
    output = output_for(target)
    if output_format and output != OUTPUTS[f".{output_format}"]:
        raise ValueError(f"{target} has another suffix than --format {output_format}")


def _names_image(path: Path) -> bool:
    """Whether Pillow reads files with such a suffix."""
    return Image.registered_extensions().get(path.suffix.lower()) in Image.OPEN


def _with_suffix(path: Path, suffix: str, keep_suffix: bool) -> Path:
    """`suffix` replaces that of an image. The end of "photo.v2" is no such suffix, and stays."""
    if keep_suffix or not _names_image(path):
        return path.with_name(path.name + suffix)
    return path.with_suffix(suffix)


def _files(path: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """The images that `path` stands for, each with its path in the output folder."""
    if not path.is_dir():
        yield path, Path(path.name)
        return
    found = False
    for folder, subfolders, names in os.walk(path):
        # Results of an earlier call are no input, unless all images are replaced where they are.
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and not _is_same(Path(folder, name), output)
        )
        for name in sorted(names):
            source = Path(folder, name)
            if not name.startswith(".") and _names_image(source) and not _is_special(source):
                found = True
                yield source, source.relative_to(path)
    if not found:
        raise ValueError(f"{path} holds no image")


def _is_same(path: Path, other: Path) -> bool:
    return other.exists() and path.samefile(other)


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or device. A link to nothing is neither; it fails when it is read."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def _refuse_collisions(conversions: list[Conversion]) -> None:
    """Targets can also be the same file through a symbolic link."""
    sources: dict[str, list[Path]] = {}
    for conversion in conversions:
        sources.setdefault(os.path.realpath(conversion.target), []).append(conversion.source)
    collisions = {target: paths for target, paths in sources.items() if len(paths) > 1}
    if not collisions:
        return
    count = sum(map(len, collisions.values()))
    target, (first, second, *_) = next(iter(collisions.items()))
    same_name = first.name == second.name
    remedy = "output folders of their own" if same_name else "--keep-suffix"
    raise ValueError(
        f"{count} of {len(conversions)} images would become the same file as another; the first, "
        f"{first} and {second}, would both become {target}; {remedy} would keep them apart"
    )
