"""One case on a GPU: images that take turns, every contender verified, then timed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle

from torch import Tensor

from benchmarks.cases import Case
from benchmarks.contenders import Contender, is_peer
from benchmarks.cuda.contenders import contenders
from benchmarks.cuda.device import CudaDevice
from benchmarks.measurements import Result
from benchmarks.settings import Config
from benchmarks.timing import Clock, interleaved
from benchmarks.verification import VerificationError, check, expected_on_gpu

CACHES = 4  # so many times the second-level cache is read and written before an image comes again
FEWEST_IMAGES, MOST_IMAGES = 4, 64
LARGE_BYTES = 2**30  # of such images two must do


def measure_case(
    case: Case, config: Config, device: CudaDevice, leave_out: Callable[[str], None]
) -> list[Result]:
    """The results of one case under a resolved config. A peer that cannot run, or returns something
    else, is left out.

    Raises:
        VerificationError: if pyquant's kernels do not return the right bits.
        torch.OutOfMemoryError: if the images and the results of pyquant do not fit.
    """
    assert config.seconds is not None
    images = turns(case, device)
    expected = expected_on_gpu(case, images[0])
    timed, clocks, counts = [], [], []
    found = [contenders(case, image, compiled=not config.quick) for image in images]
    for of_images in zip(*found, strict=True):
        contender = of_images[0]
        try:
            clock, count = verified_clock(of_images, case, images[0], expected, device)
        except Exception as error:
            if not is_peer(contender.name):
                raise
            leave_out(_reason(contender, case, error))
            continue
        timed.append(contender)
        clocks.append(clock)
        counts.append(count)
    timings = interleaved(clocks, config.seconds, config.rounds)
    return [
        Result(case, contender.name, contender.threads, contender.check, timing.of_one(count))
        for contender, timing, count in zip(timed, timings, counts, strict=True)
    ]


def turns(case: Case, device: CudaDevice) -> list[Tensor]:
    """Equal images in memory of their own, so many that none is still in the cache when its turn
    comes; small ones are, even so."""
    image = case.image(device.torch_device)
    traffic = image.untyped_storage().nbytes() + image.nbytes
    fewest = 2 if traffic > LARGE_BYTES else FEWEST_IMAGES
    count = min(max(fewest, -(-CACHES * device.cache_bytes // traffic)), MOST_IMAGES)
    return [image, *(case.image(device.torch_device) for _ in range(count - 1))]


def verified_clock(
    of_images: Sequence[Contender], case: Case, image: Tensor, expected: Tensor, device: CudaDevice
) -> tuple[Clock, int]:
    """The clock of a contender, and how many calls it takes for one: a graph has a call for each
    image. Every result of the graph must be that of the call."""
    contender = of_images[0]
    called = contender.result()
    check(contender, case, image, called, expected)
    calls = [each.call for each in of_images]
    if contender.recorded:
        recording = device.record(calls)
        recording.replay()
        for replayed in recording.results:
            check(replace(contender, check="bits"), case, image, replayed, expected=called)
        return _clock(recording.replay, device), len(calls)
    next_call = cycle(calls)
    return _clock(lambda: next(next_call)(), device), 1


def _clock(call: Callable[[], object], device: CudaDevice) -> Clock:
    def calls(number: int) -> None:
        for _ in range(number):
            call()

    def seconds_per_call(number: int) -> float:
        call()  # as Timer does, one call outside the measurement
        return device.seconds(lambda: calls(number)) / number

    return seconds_per_call


def _reason(contender: Contender, case: Case, error: Exception) -> str:
    if isinstance(error, VerificationError):
        return str(error)
    first_line = str(error).strip().split("\n")[0]
    return f"{contender.name} on {case}: {type(error).__name__}: {first_line}"
