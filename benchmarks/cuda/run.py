"""A run on a GPU, with what was left out of it."""

from statistics import median

from benchmarks import machine
from benchmarks.cases import Case
from benchmarks.cuda.contenders import missing_peers
from benchmarks.cuda.device import CudaDevice
from benchmarks.cuda.measure import measure_case
from benchmarks.measure import measure
from benchmarks.measurements import Result, Run
from benchmarks.settings import Config


def run_on_gpu(config: Config, device: CudaDevice) -> Run:
    run = Run(config, machine.describe(device.describe()), [])
    clock_rates = []

    def leave_out(what: str) -> None:
        print(f"left out: {what}")
        run.left_out.append(what)

    def measure_case_and_clock(case: Case, config: Config) -> list[Result]:
        device.release()
        results = measure_case(case, config, device, leave_out)
        clock_rates.append(device.clock_rate())
        return results

    for peer in missing_peers():
        leave_out(peer)
    run.results.extend(measure(config, measure_case_and_clock, leave_out))
    if clock_rates:
        run.machine["gpu"]["clock rate after each case"] = (
            f"{min(clock_rates):.0f} to {max(clock_rates):.0f} MHz, median {median(clock_rates):.0f}"
        )
    return run
