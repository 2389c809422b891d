"""The command is called in the process of the tests, which it leaves as it was."""

import signal

import pytest
import torch
from PIL import Image


@pytest.fixture(autouse=True)
def same_process_afterwards():
    threads, terminate = torch.get_num_threads(), signal.getsignal(signal.SIGTERM)
    pixels = Image.MAX_IMAGE_PIXELS
    yield
    torch.set_num_threads(threads)
    signal.signal(signal.SIGTERM, terminate)
    Image.MAX_IMAGE_PIXELS = pixels
