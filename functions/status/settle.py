"""Bringing one commit's context into line with the cluster: which run counts, what stands, and whether to tell.

GitHub is asked before the cluster, and the cluster once more behind what was told. So an end that stands was that of
an older run whenever the newest still runs, and of two that tell at a time the later look at the cluster wins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager

from msgspec.structs import replace

from functions.common.errors import LastingError
from functions.common.ports import Deadline
from functions.common.values import Provider
from functions.status.marks import order_of, place_of, target_of
from functions.status.notices import Notice, link_to, said_of_notice
from functions.status.values import Run, Runs, Said, State, Statuses, Target, about
from functions.status.words import DELETED, needs_tasks, said_of

_ROUNDS = 3
_STRIPES = 64


class Teller:
    """Tells providers what became of runs. Shared by all threads: those of one context and commit take turns."""

    def __init__(
        self, statuses: Mapping[Provider, Statuses], runs: Runs, *, target_url: str = "", table: bool = False
    ) -> None:
        """`table`: the TaskRuns of every ended run are read, for the table of a check."""
        self._statuses = statuses
        self._runs = runs
        self._target_url = target_url
        self._table = table
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def settle(self, target: Target, runs: Callable[[Deadline], Sequence[Run]], deadline: Deadline) -> bool:
        """Show the state of the newest of `runs`, if that does not stand already; say whether something was told.

        `runs` is read again after telling. Raises what the ports raise, and LastingError without one for the provider.
        """
        statuses = self._of(target)
        with self._turn(target, deadline):
            told = False
            for _ in range(_ROUNDS):
                standing = statuses.standing(target, deadline)
                said = self._newest(target, runs, deadline)
                if said is None or (standing is not None and standing.shown == statuses.shown(said)):
                    break
                if not statuses.tell(target, said, standing, deadline):
                    break
                told = True
                if self._newest(target, runs, deadline) == said:
                    break
            return told

    def stands(self, target: Target, runs: Sequence[Run], deadline: Deadline) -> bool:
        """Say whether the state of the newest of these runs stands already. Raises as `settle`."""
        statuses = self._of(target)
        standing = statuses.standing(target, deadline)
        return standing is not None and standing.shown == statuses.shown(
            self._said(target, max(runs, key=order_of), deadline)
        )

    def scarce(self, target: Target) -> bool:
        """Say whether the provider should only be asked what cannot wait. Raises as `settle`."""
        return self._of(target).scarce(target)

    def hinted(self, hint: Run, deadline: Deadline) -> bool:
        """Settle the run that a hint names; one that is gone, and that no other follows, ends what shows it pending.

        Nothing but the name is taken from the hint while the run exists. Of one that is gone the rest is, too: then no
        more can come of it than an end for what stands pending with the link of this very run. Raises as `settle`.
        """
        namespace, name = place_of(hint)
        run = self._runs.get(namespace, name, deadline)
        target = target_of(hint if run is None else run)
        if target is None:
            return False
        read = self.reader(target, {(namespace, name)})
        if read(deadline):
            return self.settle(target, read, deadline)
        statuses = self._of(target)
        with self._turn(target, deadline):
            standing = statuses.standing(target, deadline)
            link = self._link(target, namespace, name)
            said = Said(state=State.ERROR, description=DELETED, link=link, run=f"{namespace}/{name}")
            if standing is None or standing.ended or not about(standing, said):
                return False
            return statuses.tell(target, said, standing, deadline)

    def reader(self, target: Target, places: Set[tuple[str, str]]) -> Callable[[Deadline], Sequence[Run]]:
        """Return what reads the runs of a target anew: those at `places`, and all of its key in their namespaces."""

        def read(deadline: Deadline) -> Sequence[Run]:
            found = {
                place_of(run): run
                for namespace in sorted({namespace for namespace, _ in places})
                for run in self._runs.of(target.key, namespace, deadline)
            }
            for namespace, name in sorted(places - found.keys()):
                run = self._runs.get(namespace, name, deadline)
                if run is not None:
                    found[namespace, name] = run
            return [run for run in found.values() if (own := target_of(run)) and own.key == target.key]

        return read

    def notify(self, notice: Notice, deadline: Deadline) -> bool:
        """Tell at once what a delivery has come to; say whether it was told. Raises as `settle`.

        Of runs of one context and commit the newest is told of. What has no run is told once, and what only waits
        where nothing stands.
        """
        statuses = self._of(notice.target)
        said = said_of_notice(notice, self._target_url)
        with self._turn(notice.target, deadline):
            standing = statuses.standing(notice.target, deadline)
            if notice.replaces is not None:
                replaced = statuses.shown(said_of_notice(notice.replaces, self._target_url))
                if standing is None or standing.shown != replaced:
                    return False
            if notice.run is None and standing is not None and not notice.overrides:
                return False
            others = self._others(notice, deadline)
            if notice.run and any(place_of(run) == (notice.run.namespace, notice.run.name) for run in others):
                said = self._said(notice.target, max(others, key=order_of), deadline)
            if standing is not None and standing.shown == statuses.shown(said):
                return False
            return statuses.tell(notice.target, said, standing, deadline)

    def _others(self, notice: Notice, deadline: Deadline) -> Sequence[Run]:
        """Return the runs of a notice's context and commit, as far as they may be listed."""
        if notice.run is None:
            return ()
        try:
            return self._runs.of(notice.target.key, notice.run.namespace, deadline)
        except LastingError:  # without the right to list, creating alone goes on as before
            return ()

    def _newest(self, target: Target, runs: Callable[[Deadline], Sequence[Run]], deadline: Deadline) -> Said | None:
        found = runs(deadline)
        return self._said(target, max(found, key=order_of), deadline) if found else None

    def _said(self, target: Target, run: Run, deadline: Deadline) -> Said:
        tasks: Mapping[str, Run] = {}
        if needs_tasks(run) or self._table:
            tasks = self._runs.tasks(run, deadline)
        namespace, name = place_of(run)
        said = said_of(run, tasks, self._link(target, namespace, name))
        return said if self._table else replace(said, tasks=())

    def _link(self, target: Target, namespace: str, name: str) -> str:
        return link_to(self._target_url, namespace=namespace, name=name, kind="PipelineRun", context=target.context)

    def _of(self, target: Target) -> Statuses:
        statuses = self._statuses.get(target.provider)
        if statuses is None:
            raise LastingError(f"no API of {target.provider} and token for it are configured: docs/status.md")
        return statuses

    def _turn(self, target: Target, deadline: Deadline) -> AbstractContextManager[None]:
        lock = self._locks[int(target.key[:8], 16) % _STRIPES]
        return deadline.holding(lock, "tell a status", "another status of this commit and context was being told")
