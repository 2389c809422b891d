"""The cluster that a command works on, if it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from experiments.support.data_sets import Split
from experiments.support.runtime import Cluster, Runtime

if TYPE_CHECKING:
    from experiments.cluster.ray_cluster import RayCluster


@contextmanager
def connected(
    cluster: Cluster | None, runtime: Runtime, console: Console, **splits: Split
) -> Iterator["RayCluster | None"]:
    """Connects to the cluster of this sort, and disconnects in the end; None gives None.

    Args:
        cluster: the option of this name.
        runtime: what the user asks for.
        console: is told of machines that are missing and workers that die.
        splits: the images that tasks take, by name, on the CPU.

    Raises:
        ValueError: the cluster cannot be used, or Ray is not installed.
        ConnectionError: there is none at the address that the environment gives.
    """
    if cluster is None:
        yield None
        return
    from experiments.cluster.ray_cluster import connected_to_ray

    with connected_to_ray(runtime, console, splits) as connection:
        yield connection


def at_once_on(cluster: "RayCluster | None", pieces: int) -> int:
    """How many of these pieces of work are done at the same time, for an estimate."""
    return 1 if cluster is None else min(cluster.tasks_at_once, pieces)
