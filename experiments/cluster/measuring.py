"""Measuring on a cluster: a task makes a few cells of one network, and sends each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import ray

from experiments.cluster.ray_cluster import RayCluster, unpacked
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import Made, measured, passes
from experiments.support.progress import Meter
from experiments.support.runtime import Runtime
from experiments.training.resnet20 import ResNet20


def measure_on_cluster(
    claims: Iterator[tuple[Evaluation, ExitStack]],
    models: Mapping[str, ResNet20],
    keep: Callable[[Made], None],
    batch_size: int | None,
    meter: Meter,
    cluster: RayCluster,
) -> None:
    """Measures on the machines of a cluster.

    Args:
        claims: the evaluations with their locks; if tasks are slow to start, network by network.
        models: by name, on the CPU.
        keep: stores what was made.
        batch_size: images at once; None for what suits the device.
        meter: counts ``passes``.
        cluster: has the test images.
    """
    groups: Iterable[list[tuple[Evaluation, ExitStack]]]
    if cluster.slow_to_start:
        groups = (list(group) for _, group in groupby(claims, lambda claim: claim[0].model))
    else:
        groups = ([claim] for claim in claims)
    stored = {kind: ray.put(model) for kind, model in models.items()}
    meter.begin("measuring on the cluster")
    cluster.run(
        Measuring(dict(group), stored, keep, batch_size, meter, cluster) for group in groups
    )


@dataclass(eq=False)
class Measuring:
    """Cells of one network that a worker makes, as the driver sees them."""

    locks: dict[Evaluation, ExitStack]
    """Of each cell that is not done."""
    models: Mapping[str, Any]
    keep: Callable[[Made], None]
    batch_size: int | None
    meter: Meter
    cluster: RayCluster

    @property
    def name(self) -> str:
        """What messages call it."""
        return "; ".join(map(str, self.locks))

    @property
    def done(self) -> bool:
        """Whether every cell is stored."""
        return not self.locks

    def start(self) -> Any:
        """Lets a worker make what is left."""
        runtime, left = self.cluster.runtime, list(self.locks)
        model = self.models[left[0].model]
        test = self.cluster.splits["test"]
        return self.cluster.submit(
            measure_cells, runtime, left, model, runtime, self.batch_size, test
        )

    def receive(self, sent: Made) -> None:
        """Stores a cell."""
        self.keep(sent)
        evaluation = sent[0].evaluation
        self.meter.advance(passes(evaluation))
        self.locks.pop(evaluation).close()


@ray.remote
def measure_cells(
    evaluations: list[Evaluation],
    model: ResNet20,
    runtime: Runtime,
    batch_size: int | None,
    test: dict[str, Any],
) -> Iterator[Made]:
    """The task: measures the cells and sends each."""
    device = runtime.start()
    split = unpacked(test, device)
    model = model.to(device)
    for evaluation in evaluations:
        yield measured(evaluation, model, split, batch_size)
