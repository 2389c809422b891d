"""Fixtures that several test modules use."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Images this small gain nothing from a second thread, and lose much where it has to wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
