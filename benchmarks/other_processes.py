"""How much of the machine other processes use: what they use makes timings noise."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

#: If others use this share of the processors' time or more, the machine is not quiet.
RELEVANT_SHARE = 0.05
PROCESSORS = Path("/proc/stat")
# The columns of its first line: proc_stat(5).
STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
IDLE_STATES = ("idle", "iowait")


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds since the machine was started, added up over its processors."""

    all: float
    others: float
    """Used by other processes; in a virtual machine also what others on its host took from it."""

    @classmethod
    def now(cls) -> "ProcessorTime | None":
        """None where the system does not tell."""
        if not PROCESSORS.exists():
            return None
        # This process, with its threads, and its children that have ended.
        own = sum(os.times()[:4])
        return cls.of(PROCESSORS.read_text(), os.sysconf("SC_CLK_TCK"), own)

    @classmethod
    def of(cls, text: str, ticks_per_second: int, own: float) -> "ProcessorTime":
        """From the text of /proc/stat, with `own` seconds used by this process."""
        name, *ticks = text.splitlines()[0].split()
        seconds = {
            state: int(count) / ticks_per_second
            for state, count in zip(STATES, ticks, strict=False)  # later columns are parts of these
        }
        everything = sum(seconds.values())
        idle = sum(seconds[state] for state in IDLE_STATES)
        return cls(everything, everything - idle - own)


def share_of_others(since: ProcessorTime | None) -> float | None:
    """The part of all processors' time, 0 to 1, that others used since then; None if unknown."""
    now = ProcessorTime.now()
    if since is None or now is None or now.all == since.all:
        return None
    return min(max((now.others - since.others) / (now.all - since.all), 0.0), 1.0)


def share_in(seconds: float) -> float | None:
    """The share that others use while this process waits for that many seconds."""
    before = ProcessorTime.now()
    time.sleep(seconds)
    return share_of_others(before)


def disturbs(share: float | None) -> bool:
    return share is not None and share >= RELEVANT_SHARE
