"""Work on a Ray cluster gives the bits of work in one process, also where machines and workers die."""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from experiments.cluster.connection import connected
from experiments.commands import reproduce, table1, table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.sweep import make, run
from experiments.method.filters import FILTERS
from experiments.reproduce import ReproduceConfig
from experiments.support.data_sets import load_split
from experiments.support.progress import Meter, progress_bars
from experiments.support.runtime import Runtime
from experiments.train_all import TrainAllConfig
from experiments.training.run import load_images, steps_left
from experiments.training.side_by_side import train_side_by_side
from experiments.training.trainer import Trainer
from experiments.training.training_config import TrainingConfig
from tiny_experiment import ENOUGH_EPOCHS, ONE_THREAD, training_config

ray = pytest.importorskip("ray", reason="Ray has no wheel for this Python")
packed = importlib.import_module("experiments.cluster.ray_cluster").packed

QUIET = Console(quiet=True)
KINDS = ("2d", "8")
STORE = 100 << 20


@pytest.fixture(scope="module")
def cluster():
    """Two machines of one CPU each, and one that coordinates them; commands find it by its address."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1, object_store_memory=STORE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", made.address)
        yield made
    made.shutdown()


def workers(task, cluster):
    """The processes that run this task, each with its machine."""
    machines = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in machines and f"ray::{task}" in (process / "cmdline").read_text():
                found[int(process.name)] = machines[parent]
        except OSError:
            continue  # it has ended
    return found


def when(condition, act):
    """Acts once, on what the condition finds, as soon as it finds something; returns the thread."""

    def watch():
        while not (found := condition()):
            time.sleep(0.01)
        act(found)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def cells_of(results):
    """Those of the cells, with digests of their predictions, without set and date; sorted."""
    lines = [json.loads(line) for line in (results / "cells.jsonl").read_text().splitlines()]
    for line in lines:
        line["evaluation"]["models"] = line["date"] = None
    return sorted(lines, key=json.dumps)


def test_nothing_is_lost_or_made_twice_where_a_machine_and_a_worker_die(
    cluster, trained, tmp_path, few_cells, monkeypatch, capsys
):
    monkeypatch.setattr(reproduce, "report", lambda *_: None)
    config = ReproduceConfig(
        "short", ENOUGH_EPOCHS, data=trained.data, runtime=ONE_THREAD, kinds=KINDS,
        output=tmp_path, limit=12, cluster="ray",
    )  # fmt: skip
    models, results = tmp_path / "models/short", tmp_path / "results/short"

    def trainers_of_both():
        begun = (any(models.glob(f"{kind}.[cj]*")) for kind in KINDS)
        return all(begun) and workers("train_networks", cluster)

    def measurers():
        return (results / "cells.jsonl").exists() and workers("measure_cells", cluster)

    def kill_machine(found):
        cluster.remove_node(next(iter(found.values())), allow_graceful=False)

    def kill_worker(found):
        os.kill(next(iter(found)), signal.SIGKILL)

    killers = [when(trainers_of_both, kill_machine), when(measurers, kill_worker)]
    reproduce.main(config)
    for killer in killers:
        killer.join(timeout=10)
        assert not killer.is_alive()
    assert "another worker goes on" in capsys.readouterr().out

    parts = []
    for kind in KINDS:
        files = [Path(place) / f"{kind}.safetensors" for place in (models, trained.models)]
        assert files[0].read_bytes() == files[1].read_bytes()
        records = [json.loads(file.with_suffix(".json").read_text()) for file in files]
        for name in ("config", "history", "test_accuracy", "model_sha256"):
            assert records[0][name] == records[1][name], name
        assert records[0]["provenance"]["machine"] == records[1]["provenance"]["machine"]
        parts.append([part["after_epoch"] for part in records[0]["runs"]])
    # One network was on the machine that died, and went on after the last epoch that was sent.
    assert sorted(map(len, parts)) == [1, 2] and 0 < max(parts)[1] < ENOUGH_EPOCHS
    assert sorted(os.listdir(models)) == ["2d.json", "2d.safetensors", "8.json", "8.safetensors"]

    here = replace(trained, results=tmp_path / "here", limit=12)
    run(lambda *_: reproduce.cells_of(here, KINDS, 12), here, QUIET)
    assert len(cells_of(results)) == 16 and cells_of(results) == cells_of(here.results)
    assert not list(results.glob("*.lock"))


@pytest.fixture
def connection(cluster):
    """A connection without images."""
    with connected("ray", ONE_THREAD, QUIET) as connection:
        yield connection


class Counting:
    """A task that counts to three; the worker dies before it says ``dies_at``, once or always."""

    name, done = "counting", False

    def __init__(self, connection, dies_at, always):
        self.connection, self.dies_at, self.always = connection, dies_at, always
        self.received = []

    def start(self):
        @ray.remote
        def count(first, dies_at):
            for number in range(first, 3):
                if number == dies_at:
                    time.sleep(0.5)  # until what it has sent is on its way
                    os.kill(os.getpid(), signal.SIGKILL)
                yield number

        first = len(self.received)
        dies_at = None if first and not self.always else self.dies_at
        return self.connection.submit(count, ONE_THREAD, first, dies_at)

    def receive(self, sent):
        self.received.append(sent)


def test_a_worker_that_dies_again_and_again_ends_the_command(connection):
    once, always = (Counting(connection, 1, always) for always in (False, True))
    connection.run([once])
    assert once.received == [0, 1, 2]
    with pytest.raises(ChildProcessError, match="counting: 3 workers died one after another: .*"):
        connection.run([always])
    assert always.received == [0]


@pytest.fixture
def short_directory():
    """Where Ray can have sockets: their paths may have about a hundred characters."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield directory


def test_a_command_that_starts_a_cluster_gives_the_same_row_of_table2(
    trained, tmp_path, short_directory, monkeypatch
):
    # One that has died and left its address does not count.
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", short_directory)
    (Path(short_directory) / "ray").mkdir()
    (Path(short_directory) / "ray/ray_current_cluster").write_text("127.0.0.1:1")
    options = ["--models", trained.models, "--rows", "2d", "--columns", "2d", "8", "--limit", "12"]
    options += ["--data.source", "folder", "--data.path", trained.data.path, "--data.name"]
    options += [trained.data.name, "--results", tmp_path / "cluster", "--cluster", "ray"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.table2", *options], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("2 of 2 cells to measure, on a Ray cluster (machines: 1, CPU: ")
    assert "Ray" not in "".join(rest)
    here = replace(trained, rows=("2d",), columns=KINDS, limit=12, results=tmp_path / "here")
    table2.main(here)
    for name in FILTERS:
        file = f"table2_{name}.csv"
        assert (tmp_path / "cluster" / file).read_bytes() == (here.results / file).read_bytes()
    assert cells_of(tmp_path / "cluster") == cells_of(here.results)


class InThisProcess:
    """Tasks run here, one after another, on three machines that have no cluster."""

    def __init__(self, device, **splits):
        self.runtime = Runtime(device=device, threads=1)
        self.tasks_at_once, self.slow_to_start = 3, device == "cuda"
        self.splits = {name: packed(split) for name, split in splits.items()}
        self.submitted = []

    def submit(self, task, runtime, *arguments, **splits):
        self.submitted.append((runtime, arguments))
        return task._function(*arguments, **splits)

    def run(self, tasks):
        for task in tasks:
            for sent in task.start():
                task.receive(sent)


@pytest.fixture
def training(data, tmp_path):
    """Trains these kinds in this process as on a cluster; returns what tasks were given."""

    def train(kinds, config=None, at_once=None):
        config = config or training_config(data, tmp_path)
        images = load_images(config)
        left = {kind: steps_left(kind, config, images) for kind in kinds}
        cluster = InThisProcess("cpu", train=images.train, test=images.test)
        with progress_bars(QUIET) as progress:
            meter = Meter(progress, progress.add_task("", total=sum(left.values())))
            train_side_by_side(left, config, images, at_once, meter, cluster=cluster)
        return cluster.submitted

    return train


def test_a_task_trains_a_group_of_networks(training, tmp_path):
    submitted = training(("1", "1d", "2", "2d"), at_once=8)
    # Two each: four networks on three machines.
    assert [kinds for _, (kinds, *_) in submitted] == [["1", "1d"], ["2", "2d"]]
    submitted = training(("1", "1d", "2", "2d", "3", "3d"), at_once=8)
    assert [kinds for _, (kinds, *_) in submitted] == [["3"], ["3d"]]
    assert len(list(tmp_path.glob("*.safetensors"))) == len(list(tmp_path.glob("*.json"))) == 6


def test_a_worker_gets_every_option_of_a_training(training, data, tmp_path):
    options = {**vars(training_config(data, tmp_path, epochs=1)), "seed": 3, "cluster": "ray"}
    ((_, (_, config, _)),) = training(("2d",), TrainAllConfig(**options, at_once=2))
    assert type(config) is TrainingConfig and vars(config) == options


def test_a_network_that_diverges_on_a_cluster_does_not_stop_the_others(
    training, tmp_path, monkeypatch
):
    end = Trainer.end_epoch

    def nan_in_the_second_epoch_of_2d(trainer):
        if trainer.kind == "2d" and trainer.epochs_done == 1:
            trainer.loss_sum.fill_(float("nan"))
        end(trainer)

    monkeypatch.setattr(Trainer, "end_epoch", nan_in_the_second_epoch_of_2d)
    with pytest.raises(FloatingPointError, match="model 2d diverged in epoch 2"):
        training(("1", "2d", "8"), at_once=8)
    assert [path.stem for path in sorted(tmp_path.glob("*.json"))] == ["1", "8"]
    assert (tmp_path / "2d.checkpoint").exists()


def test_a_training_goes_on_with_its_threads_on_a_cluster(training, data, tmp_path, monkeypatch):
    config = replace(training_config(data, tmp_path, epochs=1), runtime=Runtime(device="cpu"))

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("experiments.training.run.model_content", interrupted)
        training(("2d",), config)
    checkpoint = tmp_path / "2d.checkpoint"
    stored = torch.load(checkpoint, weights_only=True)
    assert stored["threads"] == 1
    torch.save({**stored, "threads": 2}, checkpoint)
    with pytest.raises(ValueError, match=f"threads is 1, but {checkpoint} was made with 2"):
        training(("2d",), replace(config, runtime=ONE_THREAD))
    try:
        ((runtime, _),) = training(("2d",), config)
    finally:
        torch.set_num_threads(1)
    assert runtime.threads == 2 and (tmp_path / "2d.json").exists()


def test_on_gpus_a_task_makes_the_cells_of_one_network(sweep, monkeypatch):
    test = load_split(sweep.data, "test")
    cluster = InThisProcess("cuda", test=test)
    monkeypatch.setattr(ray, "put", lambda value: value)
    monkeypatch.setattr(Runtime, "start", lambda self: torch.device("cpu"))
    wanted = table1.evaluations(replace(sweep, columns=KINDS), KINDS, 12)
    with progress_bars(QUIET) as progress:
        meter = Meter(progress, progress.add_task("", total=1))
        make(wanted[::2] + wanted[1::2], sweep, test, meter, cluster)
    assert [[e.model for e in cells] for _, (cells, *_) in cluster.submitted] == [
        ["2d", "2d"],
        ["8", "8"],
    ]
    assert len(CellStore(sweep.results).cells()) == 4


def test_without_ray_a_command_says_what_to_install(sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "experiments.cluster.ray_cluster", raising=False)
    with pytest.raises(
        ValueError, match="Ray is not installed here: pip install -r requirements-c"
    ):
        table1.main(replace(sweep, cluster="ray"))


def test_ray_is_imported_for_a_cluster_alone():
    code = "import sys, experiments.commands.reproduce; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:10001", "head"])
def test_an_address_without_a_cluster_is_refused_at_once(address, sweep, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ValueError, match=f"RAY_ADDRESS is '{address}', where nothing answers; "):
        table1.main(replace(sweep, cluster="ray"))
