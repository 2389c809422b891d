"""The images of the experiments, from one of three sources, a file for each."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import FlagConversionOff, arg

from experiments.support.data_sets.split import Split

__all__ = ["DataConfig", "Split", "SplitName", "load_split"]

SplitName = Literal["train", "test"]


@dataclass(frozen=True)
class DataConfig:
    """Where the images come from."""

    source: Literal["digits", "cifar10", "folder"] = "digits"
    """digits: scikit-learn's bundled digits, enlarged to 32x32, nothing to download. cifar10:
    downloaded by torchvision, checksum verified. folder: train/CLASS/* and test/CLASS/* under
    --data.path, opaque images of 8 bits and of one size. Tests alone need no train/; their classes
    have the names of those that the networks were trained on."""
    path: Annotated[
        Path | None, arg(help_behavior_hint="(default: ~/.cache/pyquant for cifar10)")
    ] = None
    """folder: where the images are. cifar10: where the download is kept."""
    name: Annotated[str | None, arg(help_behavior_hint="(default: the name of the directory)")] = (
        None
    )
    """folder: what results call these images."""
    flip: Annotated[
        bool | None,
        FlagConversionOff,
        arg(help_behavior_hint="(default: True for cifar10 and folder)"),
    ] = None
    """Whether training mirrors half of the images, left to right. Images of letters or digits need
    False, since a mirrored one is another one."""
    cache: Annotated[Path | None, arg(help_behavior_hint="(default: none)")] = None
    """folder: a directory for the decoded images, for a quick start next time."""


def load_split(config: DataConfig, split: SplitName) -> Split:
    """Loads the ``train`` or ``test`` half of a data set onto the CPU.

    ``config.flip`` takes the place of what the source says of mirrored images.

    Raises:
        ValueError: an option that is missing, or images that cannot be used: the message names the
            file.
        DownloadFailed: CIFAR-10 could not be downloaded.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; accepted are train, test")
    loaded = _load(config, split)
    return loaded if config.flip is None else replace(loaded, flip=config.flip)


def _load(config: DataConfig, split: SplitName) -> Split:
    if config.source == "digits":
        from experiments.support.data_sets.digits import load_digits

        return load_digits(split)
    if config.source == "cifar10":
        from experiments.support.data_sets.cifar10 import load_cifar10

        return load_cifar10(split, config.path)
    if config.source != "folder":
        raise ValueError(f"data.source is {config.source!r}; accepted are digits, cifar10, folder")
    if config.path is None:
        raise ValueError(
            "data.path is missing; --data.source folder needs the directory "
            "that holds train/ and test/"
        )
    from experiments.support.data_sets.image_folder import load_image_folder

    return load_image_folder(config.path, split, config.name, config.cache)
