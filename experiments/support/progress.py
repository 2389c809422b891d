"""The progress of a command: bars on a terminal, a line now and then in a pipe or a log file."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: The first step is slower than the others. The estimate is made this long after it, or of the first
#: step itself if that takes long.
SECONDS_BEFORE_ESTIMATE = 2.0
SECONDS_OF_A_LONG_STEP = 15.0
SECONDS_BETWEEN_LINES = 60.0


@dataclass
class _Pace:
    """What is known of the speed of a task."""

    first: tuple[float, float] = (0.0, 0.0)
    """Seconds and amount after the first steps."""
    steps: int = 0
    """How many there were."""
    line: float = 0.0
    """When the last line was printed."""
    estimated: bool = False

    def seconds(self, task: Task, amount: float) -> float:
        """How long ``amount`` takes."""
        elapsed, done = task.elapsed or 0.0, task.completed
        if done > self.first[1]:
            elapsed, done = elapsed - self.first[0], done - self.first[1]
        return elapsed / done * amount


class LoggedProgress(Progress):
    """The bars of rich. Early on, a line says how long a task takes, unless its ``whole`` is None.

    Where there is no terminal no bar is drawn, and a line a minute says how far a task is.

    The ``at_once`` of a task is how many of its steps are made at the same time. The pace is known
    once that many have ended.
    """

    def __init__(self, console: Console, get_time: Callable[[], float] | None = None) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            get_time=get_time,
            disable=not console.is_terminal,
        )
        self.paces: dict[TaskID, _Pace] = {}

    def skip(self, task_id: TaskID, amount: float) -> None:
        """Takes out of a task what somebody else has done."""
        total = self._task(task_id).total
        self.update(task_id, total=None if total is None else total - amount)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Counts work of this process, and prints a line if it is time for one."""
        super().advance(task_id, advance)
        task = self._task(task_id)
        if task.total is None or task.elapsed is None or advance <= 0:
            return
        pace = self.paces.setdefault(task_id, _Pace())
        pace.steps += 1
        at_once = task.fields.get("at_once", 1)
        if pace.steps < at_once:
            return
        if pace.steps == at_once:
            pace.first = (task.elapsed, task.completed)
        left = task.total - task.completed
        measured = task.elapsed - pace.first[0] >= SECONDS_BEFORE_ESTIMATE
        long = task.elapsed >= SECONDS_OF_A_LONG_STEP
        if not pace.estimated and (measured or long) and left > 0:
            pace.estimated = True
            name = task.fields.get("whole", task.description)
            if name is not None:
                self.console.print(f"{name}: about {duration(pace.seconds(task, task.total))}")
        if self.disable and task.elapsed >= pace.line + SECONDS_BETWEEN_LINES:
            pace.line = task.elapsed
            self.console.print(
                f"{task.description}: {task.percentage:.0f} % after {duration(task.elapsed)}, "
                f"about {duration(pace.seconds(task, left))} left"
            )

    def _task(self, task_id: TaskID) -> Task:
        return next(task for task in self.tasks if task.id == task_id)


@dataclass(frozen=True)
class Meter:
    """One kind of work on a bar; the bar may show other kinds as well."""

    progress: LoggedProgress
    task: TaskID
    unit: float = 1.0
    """What the bar advances by for one piece of this work."""

    def times(self, pieces: float) -> "Meter":
        """A meter of larger pieces: one of them is ``pieces`` pieces of this meter."""
        return replace(self, unit=pieces * self.unit)

    @property
    def console(self) -> Console:
        """Prints above the bar."""
        return self.progress.console

    def begin(self, description: str) -> None:
        """Says what is being done."""
        self.progress.update(self.task, description=description)

    def advance(self, pieces: float = 1) -> None:
        """Counts work of this process."""
        self.progress.advance(self.task, pieces * self.unit)

    def skip(self, pieces: float) -> None:
        """Takes out work that this process need not do."""
        self.progress.skip(self.task, pieces * self.unit)


def duration(seconds: float) -> str:
    """Seconds in a unit that people use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def progress_bars(console: Console) -> LoggedProgress:
    """Bars below what ``console`` prints; they are shown inside ``with``."""
    return LoggedProgress(console)
