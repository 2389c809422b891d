"""CIFAR-10, downloaded by torchvision, which verifies the checksum."""

from pathlib import Path

import torch

from experiments.support.data_sets.split import Split


class DownloadFailed(OSError):
    """The images could not be fetched; the message names the sources that need no download."""


def load_cifar10(split: str, root: Path | None = None) -> Split:
    """Loads the ``train`` half, 50,000 images, or the ``test`` half, 10,000.

    Args:
        split: ``train`` or ``test``.
        root: where the download is kept (default: ~/.cache/pyquant).

    Raises:
        DownloadFailed: it is not there and could not be downloaded.
    """
    # Imported here: it would add a second to the start of every command.
    import torchvision

    root = root or _default_root()
    try:
        dataset = torchvision.datasets.CIFAR10(str(root), train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise DownloadFailed(
            f"CIFAR-10 could not be downloaded to {root}: {error}. Two sources need no download: "
            "--data.source folder --data.path DIR "
            "(images in train/CLASS/ and test/CLASS/) and --data.source digits"
        ) from error
    images = torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous()
    return Split(
        images, torch.tensor(dataset.targets), tuple(dataset.classes), "CIFAR-10", flip=True
    )


def _default_root() -> Path:
    try:
        return Path.home() / ".cache" / "pyquant"
    except RuntimeError as error:
        raise ValueError(
            "data.path is missing, and this user has no home directory to keep the download in"
        ) from error
