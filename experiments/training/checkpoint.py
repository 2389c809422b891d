"""The state of a training run after its last epoch, as the content of a file."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from experiments.support.storage import one_line
from experiments.training.training_record import in_terms_of_today


def checkpoint_content(
    config: dict[str, Any], runs: list[dict[str, Any]], state: dict[str, Any]
) -> bytes:
    """A checkpoint.

    Args:
        config: the configuration that decides the result.
        runs: where and with what each process of this run began.
        state: what ``Trainer.state`` gives.

    The number of CPU threads is stored as well: on a CPU the bits depend on it.
    """
    threads = torch.get_num_threads()
    content = io.BytesIO()
    torch.save({"config": config, "threads": threads, "runs": runs, "state": state}, content)
    return content.getvalue()


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """``config``, ``threads``, ``runs`` and ``state`` as written, the tensors on ``device``.

    ``epochs_done`` is that of the state.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, or holds other objects than a checkpoint has. None of its
            content is executed.
    """
    try:
        # torch.load does not compare the checksums that torch.save stored.
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} is another")
        stored = torch.load(path, map_location=device, weights_only=True)
        return {
            "config": in_terms_of_today(stored["config"]),
            "threads": stored["threads"],
            "runs": stored["runs"],
            "state": stored["state"],
            "epochs_done": stored["state"]["epochs_done"],
        }
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        # The message of torch says how to load the file nevertheless, which may execute its content.
        raise ValueError(
            f"{path} cannot be read, move it away to begin anew: it holds other objects than tensors, "
            "numbers, texts, lists and dicts"
        ) from error
    except Exception as error:  # a damaged file can raise anything
        raise ValueError(
            f"{path} cannot be read, move it away to begin anew: {one_line(error)}"
        ) from error
