"""Many images at once, each read, dithered or quantized, and written."""

import os
import signal
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pyquant.command_line.image_files import read_image, write_image
from pyquant.command_line.output_formats import output_for
from pyquant.command_line.planning import Conversion


@dataclass(frozen=True)
class Processing:
    """What is done with every image."""

    op: Callable[..., torch.Tensor]
    overwrite: bool
    skip_existing: bool
    reduce_16_bit: bool

    def __call__(self, conversion: Conversion) -> bool:
        """Returns whether the image was written. If not, it was skipped. Raises OSError or
        ValueError, which name the file.
        """
        target = conversion.target
        if os.path.lexists(target) and not self.overwrite:
            if self.skip_existing:
                return False
            raise ValueError(f"{target} exists; --overwrite replaces it, --skip-existing keeps it")
        pixels = read_image(conversion.source, self.reduce_16_bit)
        planes = torch.from_numpy(pixels.colours())
        self.op(planes, out=planes)
        write_image(pixels, output_for(target), target)
        return True


def process_all(process: Processing, conversions: list[Conversion], jobs: int) -> bool:
    """Whether no image failed.

    A line on standard error says why one failed, and after several images how many were written.
    """
    # From a larger number on Pillow raises an error, which is reported.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    jobs = min(jobs, len(conversions))
    threads = max(1, torch.get_num_threads() // jobs)
    console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
    progress = _progress(console)
    shown = console.file.isatty() and len(conversions) > 1
    written = skipped = failed = 0
    with (
        ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(threads,)) as pool,
        progress if shown else nullcontext(),
    ):
        task = progress.add_task("images", total=len(conversions))
        try:
            futures = [pool.submit(process, conversion) for conversion in conversions]
            for future in as_completed(futures):
                error = future.exception()
                if isinstance(error, OSError | ValueError):
                    failed += 1
                    console.print(f"error: {one_line(error)}")
                elif future.result():
                    written += 1
                else:
                    skipped += 1
                progress.advance(task)
        except KeyboardInterrupt:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            console.print("finishing the images at work; interrupt once more to stop at once")
            raise
        finally:  # those at work are waited for where the pool is left
            pool.shutdown(wait=False, cancel_futures=True)
    if len(conversions) > 1:
        counts = {"written": written, "skipped": skipped, "failed": failed}
        console.print(", ".join(f"{count} {what}" for what, count in counts.items() if count))
    return failed == 0


def _progress(console: Console) -> Progress:
    """Shown while it is entered as a context."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    return Progress(*columns, *left, console=console, transient=True)


def one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
