"""Faults on demand: which request meets one, and what then happens to it."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["answer", "reset", "lose", "hang", "delay", "half", "garbage", "recode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault and the requests that it is for.

    Matching: `method` (empty: any), `path` (a regular expression that is searched for in path and query),
    `kind` (of the object that the path names). Of the matching requests the first `skip` pass; then every
    `every`-th one, and of these the share `probability` (drawn from `seed`), meets the fault; `times` of
    them, or all until it is removed.

    Actions: `answer` replies with `status`, `body`, `headers` and does nothing; `reset` closes before the
    body is read; `lose` does the work and closes without an answer; `hang` does nothing and never answers
    (or closes after `seconds`); `delay` does the work at once and answers after `seconds`; `half` breaks the
    answer off in the middle; `garbage` answers with `body` that is no JSON; `recode` answers with `status`.
    """

    action: Action = "answer"
    method: str = ""
    path: str = ""
    kind: str = ""
    skip: int = 0
    times: int | None = None
    every: int = 1
    probability: float = 1.0
    seed: int = 0
    status: int = 503
    body: str | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class ArmedFault:
    """A fault in force: `seen` matching requests, of which `fired` met it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self._path = re.compile(fault.path)
        self._random = random.Random(fault.seed)

    def matches(self, *, method: str, target: str, kind: str) -> bool:
        """Say whether the fault is meant for such a request."""
        fault = self.fault
        return (
            (not fault.method or fault.method == method)
            and (not fault.kind or fault.kind == kind)
            and self._path.search(target) is not None
        )

    def fires(self) -> bool:
        """Count one matching request and say whether it meets the fault."""
        fault = self.fault
        self.seen += 1
        late = self.seen - fault.skip
        if late <= 0 or late % fault.every or (fault.times is not None and self.fired >= fault.times):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults in force, in order: the first that fires decides. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[ArmedFault] = []

    def add(self, fault: Fault) -> ArmedFault:
        """Put a fault into force and give its counters."""
        armed = ArmedFault(fault)
        with self._lock:
            self._armed.append(armed)
        return armed

    def remove(self, armed: ArmedFault) -> None:
        """End one fault; nothing happens when it had ended."""
        with self._lock:
            if armed in self._armed:
                self._armed.remove(armed)

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._armed.clear()

    @property
    def any(self) -> bool:
        """Say whether any fault is in force."""
        return bool(self._armed)

    def take(self, *, method: str, target: str, kind: str = "") -> Fault | None:
        """Count a request and give the fault that it meets, if any."""
        with self._lock:
            for armed in self._armed:
                if armed.matches(method=method, target=target, kind=kind) and armed.fires():
                    return armed.fault
        return None
