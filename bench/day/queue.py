"""What waits in Pub/Sub, and how fast it is pushed to the worker."""

from __future__ import annotations

from dataclasses import dataclass

from bench.day import facts
from bench.day.quotas import Window
from bench.day.scaling import Size


@dataclass(slots=True)
class Queue:
    """A push subscription and its worker. `second` is called once for each second, in order."""

    worker: Size
    backlog: int = 0
    outstanding: int = 0
    """The most messages that were pushed at a time."""
    _push: int = facts.PUSH_FIRST

    def second(self, now: int, added: int, creates: Window) -> int:
        """Take what was added, and let the worker create what the cluster has room for; return how many."""
        self.backlog += added
        most = self.worker.max_instances * self.worker.concurrency
        worked = min(self.backlog, self._push, most, int(creates.left(now)))
        if worked:
            creates.take(now, worked)
            self.backlog -= worked
            self.outstanding = max(self.outstanding, min(self._push, self.backlog + worked))
            self._push = min(self._push * 2, facts.PUSH_MOST)
        elif not self.backlog:
            self._push = facts.PUSH_FIRST
        return worked
