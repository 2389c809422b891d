"""A Ray cluster: tasks that send what they make, and that go on elsewhere when their worker dies."""

import logging
import os
import signal
import socket
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import joblib
import torch
from rich.console import Console

from experiments.support.command_line import EXPECTED
from experiments.support.data_sets import Split
from experiments.support.runtime import Runtime
from experiments.support.storage import one_line

try:
    import ray
except ImportError as error:
    raise ValueError(
        "cluster is 'ray', but Ray is not installed here: pip install -r requirements-cluster.txt"
    ) from error

#: A command ends when this many workers of one task have died one after another without having sent
#: anything.
MOST_DEATHS = 3
#: Room in the object store of a local cluster for what is on its way, besides the images.
BYTES_ON_THEIR_WAY = 1 << 29
#: Where ``ray start`` notes the address of the cluster that it starts.
CURRENT_CLUSTER = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}


class Task(Protocol):
    """A part of the work, as the driver sees it."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def done(self) -> bool:
        """Whether workers have sent all of it."""

    def start(self) -> Any:
        """Gives what is left of it to a worker; returns the generator of what that sends."""

    def receive(self, sent: Any) -> None:
        """Keeps what a worker has sent."""


class RayCluster:
    """A cluster that this process is connected to, with images in its object store."""

    def __init__(self, runtime: Runtime, console: Console, splits: Mapping[str, Split]) -> None:
        """Puts the images into the object store.

        Args:
            runtime: what the user asks for. By default tasks run on GPUs if the cluster has any, and
                each has one CPU thread.
            console: is told of machines that are missing and of workers that die.
            splits: the images that tasks take, by name, on the CPU.
        """
        self.console = console
        use_gpu = runtime.device == "cuda" or (runtime.device == "auto" and _count("GPU") > 0)
        self.runtime = replace(
            runtime, device="cuda" if use_gpu else "cpu", threads=runtime.threads or 1
        )
        self.splits = {name: ray.put(packed(split)) for name, split in splits.items()}

    def __str__(self) -> str:
        machines = sum(node["Alive"] for node in ray.nodes())
        found = {"machines": machines, "CPU": _count("CPU"), "GPU": _count("GPU")}
        return f"a Ray cluster ({_listed(found)}), for each task {_listed(_needs(self.runtime))}"

    @property
    def tasks_at_once(self) -> int:
        """How many tasks can run at the same time; at least one, since a cluster can grow."""
        needs = _needs(self.runtime)
        return max(1, min(_count(name) // amount for name, amount in needs.items()))

    @property
    def slow_to_start(self) -> bool:
        """Whether a task takes seconds or minutes before its first cell.

        On a GPU every task has a new process; a network is compiled in each task.
        """
        return self.runtime.device == "cuda" or self.runtime.compile

    def submit(self, task: Any, runtime: Runtime, *arguments: Any, **splits: Any) -> Any:
        """Gives a remote function to a worker that has what ``runtime`` needs.

        Returns:
            The generator of what the worker sends.
        """
        needs = _needs(runtime)
        if not any(_has(node, needs) for node in ray.nodes()):
            self.console.print(f"no machine of the cluster has {_listed(needs)}: waiting for one")
        # A worker that dies is replaced by ``run``, which knows what it has sent.
        options = {"num_returns": "streaming", "max_retries": 0}
        amounts = {"num_cpus": needs["CPU"], "num_gpus": needs.get("GPU", 0)}
        return task.options(**options, **amounts).remote(*arguments, **splits)

    def run(self, tasks: Iterable[Task]) -> None:
        """Runs tasks until all have ended.

        Args:
            tasks: are asked for one by one, when there is nearly room for the next.

        Raises:
            ChildProcessError: the workers of a task die again and again.
            Exception: what a task raised.
        """
        waiting = iter(tasks)
        running: dict[Any, Task] = {}
        deaths: dict[Task, int] = {}
        while True:
            while len(running) < 2 * self.tasks_at_once and (task := next(waiting, None)):
                running[task.start()] = task
            if not running:
                return
            (sender,), _ = ray.wait(list(running), num_returns=1, fetch_local=False)
            task = running.pop(sender)
            try:
                sent = ray.get(next(sender))
            except StopIteration:
                continue
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, EXPECTED) else error) from None
            except ray.exceptions.RayError as error:
                if task.done:
                    continue
                deaths[task] = deaths.get(task, 0) + 1
                if deaths[task] == MOST_DEATHS:
                    raise ChildProcessError(
                        f"{task.name}: {MOST_DEATHS} workers died one after another: {one_line(error)}"
                    ) from error
                reason = one_line(error).partition(". ")[0]
                self.console.print(f"{task.name}: another worker goes on. {reason}.")
                running[task.start()] = task
                continue
            deaths.pop(task, None)
            task.receive(sent)
            running[sender] = task


@contextmanager
def connected_to_ray(
    runtime: Runtime, console: Console, splits: Mapping[str, Split]
) -> Iterator[RayCluster]:
    """Connects to the cluster that Ray finds by its conventions, or to one that is started here."""
    address = _address()
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        _connect(address, runtime, sum(split.images.nbytes for split in splits.values()))
        signal.signal(signal.SIGTERM, terminate)  # Ray has set a handler of its own
        yield RayCluster(runtime, console, splits)
    finally:
        ray.shutdown()  # also ends the tasks that still run, and a cluster that was started here


def _address() -> str | None:
    """The address that Ray is given; None if it is to find the cluster by itself.

    Ray alone would look for minutes for a cluster that does not answer.

    Raises:
        ValueError: nothing answers at RAY_ADDRESS, or it is an address of Ray Client.
    """
    named = os.environ.get("RAY_ADDRESS", "")
    if named not in ("", "auto", "local") and not _answers(named):
        raise ValueError(
            f"RAY_ADDRESS is {named!r}, where nothing answers; accepted are HOST:PORT of the head "
            "node, auto, local"
        )
    # A cluster that was started here and died leaves its address.
    if not named and CURRENT_CLUSTER.exists() and not _answers(CURRENT_CLUSTER.read_text()):
        return "local"
    return None


def _answers(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, ValueError):
        return False
    return True


def _connect(address: str | None, runtime: Runtime, image_bytes: int) -> None:
    # Ray prints what happens to its machines, and parts of their logs. ``run`` says what ends a task.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    here = replace(runtime, device="auto").start()
    try:
        try:
            ray.init(
                address,
                num_cpus=max(joblib.cpu_count(), runtime.threads or 1),
                num_gpus=torch.cuda.device_count() if here.type == "cuda" else 0,
                object_store_memory=image_bytes + BYTES_ON_THEIR_WAY,
                include_dashboard=False,
                **QUIET,
            )
        except ValueError:  # there is a cluster already, and its machines say what they have
            ray.init(**QUIET)
        else:
            runtime.start()  # refuses a device that this machine lacks
    except RuntimeError as error:  # as for another version of Ray or Python
        raise ConnectionError(one_line(error)) from error


def _needs(runtime: Runtime) -> dict[str, int]:
    """The resources of a task, under the names of Ray."""
    return {"CPU": runtime.threads or 1, **({"GPU": 1} if runtime.device == "cuda" else {})}


def _has(node: dict[str, Any], needs: dict[str, int]) -> bool:
    found = node["Resources"]
    return node["Alive"] and all(found.get(name, 0) >= amount for name, amount in needs.items())


def _listed(amounts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {amount}" for name, amount in amounts.items())


def _count(resource: str) -> int:
    return int(ray.cluster_resources().get(resource, 0))


def packed(split: Split) -> dict[str, Any]:
    """The fields of a split, with arrays: the workers of a machine share their memory."""
    return {**vars(split), "images": split.images.numpy(), "labels": split.labels.numpy()}


def unpacked(packed: dict[str, Any], device: torch.device) -> Split:
    """The split that was packed, on a device. Nobody may change its images: workers share them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensors = {name: torch.from_numpy(packed[name]) for name in ("images", "labels")}
    return Split(**{**packed, **tensors}).to(device)
