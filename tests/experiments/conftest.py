"""What several tests of the experiments use."""

import pytest

from tiny_experiment import write_images


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """Everything here is small."""


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The source of three classes of small images."""
    return write_images(tmp_path_factory.mktemp("images"))
