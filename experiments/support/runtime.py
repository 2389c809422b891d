"""What a command runs on: the options for device, threads, precision and convolutions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

if TYPE_CHECKING:
    import torch

Precision = Literal["bfloat16", "float32"]
Cluster = Literal["ray"]
#: The default of the option, in words.
NO_CLUSTER = "(default: this process does the work)"


@dataclass(frozen=True)
class Runtime:
    """What to run on."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: CUDA if there is a GPU and pyquant is built for it, else the CPU."""
    threads: Annotated[
        int | None,
        arg(
            help_behavior_hint="(default: OMP_NUM_THREADS, else one for each CPU that this process may use)"
        ),
    ] = None
    """CPU threads. Bits repeat for the same number of threads."""
    precision: Precision = "bfloat16"
    """Arithmetic of the network; parameters, loss and images stay float32."""
    cudnn: Literal["deterministic", "benchmark"] = "deterministic"
    """GPU: how convolutions are chosen. deterministic: the same bits in every run. benchmark: the
    fastest, which may add in any order; results say so."""
    compile: bool = False
    """Compiles the networks with torch.compile. This takes a minute or two and needs a C++ compiler.
    Then they are faster. Their bits differ from those without it; results say so."""

    def start(self, cluster: Cluster | None = None) -> "torch.device":
        """Applies the settings to this process and returns the device.

        Args:
            cluster: if there is one, the settings are for its workers, and this process is on the CPU.
        """
        from experiments.support.device import start

        device = "cpu" if cluster else self.device
        return start(device, self.threads, self.cudnn, compile_networks=self.compile)
