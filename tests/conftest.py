"""Fixtures that several test modules use."""

import pytest
import torch

# Before any fixture of a session has trained with fewer.
DEFAULT_THREADS = torch.get_num_threads()


@pytest.fixture(scope="module")
def one_thread():
    """Images this small gain nothing from a second thread, and lose much where it has to wait."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(DEFAULT_THREADS)
