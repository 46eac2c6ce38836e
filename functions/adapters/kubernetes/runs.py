"""The Runs port over the Kubernetes API: PipelineRuns that are told of, and their TaskRuns. Rights: get and list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus

from msgspec.structs import replace

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.lanes import Lanes
from functions.common.errors import PassingError, PipehookError
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.status.buttons import CANCELLED_GRACEFULLY, Buttons
from functions.status.marks import KEY_LABEL, SELECTOR, place_of
from functions.status.values import CLUSTER, Run, Runs
from functions.status.words import children

_LOG = logging.getLogger(__name__)
VERSION = "tekton.dev/v1"
MOST_SECONDS = 3.0
"""What one of several clusters may take to be asked of one commit: a sweep asks of many."""
_PAGE = 200
_ONE_BY_ONE = 20
"""TaskRuns that are read by name, where their label does not find them."""
_KEPT: Mapping[str, tuple[str, ...]] = {
    "metadata": ("name", "namespace", "labels", "annotations", "creationTimestamp", "resourceVersion"),
    "spec": ("status", "timeouts"),
    "status": ("conditions", "startTime", "completionTime", "childReferences", "steps"),
}


class ManyRuns(Runs, Buttons):
    """The runs of several clusters, the default one first; a run remembers which is its own. Shared by all threads.

    A hint does not say where its run is, so each is asked until one has it. One that cannot be asked fails a question
    only where no other answers it, for which each has its part of the time; one that is silent is left alone for a
    while, as a sweep asks of hundreds of commits.
    """

    def __init__(self, clusters: Mapping[str, ClusterRuns], lanes: Lanes, *, app_id: str = "") -> None:
        self._clusters = clusters
        self._lanes = lanes
        self.app_id = app_id

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Read one run from the first cluster that has it."""
        return self._first(lambda runs, end: runs.get(namespace, name, end), deadline)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        """List the runs of one context and commit in all clusters."""
        return self._each(lambda runs, end: runs.of(key, namespace, end), deadline)

    def all(self, deadline: Deadline) -> Sequence[Run]:
        """List all runs that are told of, as far as the clusters can be asked."""
        return self._each(lambda runs, end: list(runs.all(end)), deadline, most=float("inf"))

    def tasks(self, run: Run, deadline: Deadline) -> Mapping[str, Run]:
        """Read the TaskRuns of a run in its cluster."""
        return self._clusters[str(run.get(CLUSTER, ""))].tasks(run, self._few(deadline, MOST_SECONDS))

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Read one run with all that it holds."""
        return self._first(lambda runs, end: runs.whole(namespace, name, end), deadline)

    def cancel(self, run: Run, deadline: Deadline) -> None:
        """Merge the cancellation into a run."""
        self._clusters[str(run.get(CLUSTER, ""))].cancel(run, deadline)

    def _first(self, ask: Callable[[ClusterRuns, Deadline], Run | None], deadline: Deadline) -> Run | None:
        found = self._each(lambda runs, end: list(filter(None, [ask(runs, end)])), deadline, first=True)
        return found[0] if found else None

    def _each(
        self,
        ask: Callable[[ClusterRuns, Deadline], Sequence[Run]],
        deadline: Deadline,
        *,
        first: bool = False,
        most: float = MOST_SECONDS,
    ) -> list[Run]:
        found: list[Run] = []
        failed: list[PipehookError] = []
        for left, (name, runs) in zip(range(len(self._clusters), 0, -1), self._clusters.items(), strict=True):
            within = self._few(deadline.part(left), most)
            try:
                with self._lanes.lane(name).asked(within):
                    found += [{**run, CLUSTER: name} for run in ask(runs, within)]
            except PipehookError as error:
                failed.append(error)
                if len(self._clusters) > 1:
                    _LOG.warning("the runs of cluster %s cannot be read: %s", name or "(the default one)", error.reason)
            if found and first:
                break
        if failed and not found:
            raise failed[0]
        return found

    def _few(self, deadline: Deadline, most: float) -> Deadline:
        """Return the end of what one cluster may take: all there is where it is the only one."""
        if len(self._clusters) == 1:
            return deadline
        return replace(deadline, expires=min(deadline.expires, deadline.clock() + most))


class ClusterRuns:
    """The runs of one cluster."""

    def __init__(self, api: KubernetesApi, home: Callable[[Deadline], frozenset[str]]) -> None:
        """`home` gives the namespaces to look in where the account may not list those of all."""
        self._api = api
        self._home = home

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Read one run."""
        return self._get("PipelineRun", namespace, name, deadline)

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Read one run with all that it holds."""
        return self._read("PipelineRun", namespace, name, deadline)

    def cancel(self, run: Run, deadline: Deadline) -> None:
        """Merge the cancellation into a run."""
        namespace, name = place_of(run)
        resource = self._api.resource(VERSION, "PipelineRun", deadline=deadline)
        self._api.patch(resource, CANCELLED_GRACEFULLY, namespace=namespace, name=name, deadline=deadline)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        """List the runs of one context and commit."""
        return list(self._list("PipelineRun", namespace, f"{SELECTOR},{KEY_LABEL}={key}", deadline))

    def all(self, deadline: Deadline) -> Iterator[Run]:
        """Yield all runs that are told of: of every namespace, or of the home ones."""
        namespaces: list[str] = []
        try:
            yield from self._list("PipelineRun", "", SELECTOR, deadline)
        except ApiRefusedError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            namespaces = sorted(self._home(deadline))
        for namespace in namespaces:
            yield from self._list("PipelineRun", namespace, SELECTOR, deadline)

    def tasks(self, run: Run, deadline: Deadline) -> Mapping[str, Run]:
        """Read the TaskRuns of a run, by their label and then by their names; what may not be read is left out."""
        namespace, name = place_of(run)
        wanted = children(run)
        found: dict[str, Run] = {}
        if not wanted:
            return found
        try:
            for task in self._list("TaskRun", namespace, f"tekton.dev/pipelineRun={name}", deadline):
                found[place_of(task)[1]] = task
            for child in [child for child in wanted if child not in found][:_ONE_BY_ONE]:
                task_run = self._get("TaskRun", namespace, child, deadline)
                if task_run is not None:
                    found[child] = task_run
        except PipehookError:
            return found
        return found

    def _get(self, kind: str, namespace: str, name: str, deadline: Deadline) -> Run | None:
        found = self._read(kind, namespace, name, deadline)
        return _slim(found) if found else None

    def _read(self, kind: str, namespace: str, name: str, deadline: Deadline) -> Run | None:
        resource = self._api.resource(VERSION, kind, deadline=deadline)
        return self._api.get(resource, namespace=namespace, name=name, deadline=deadline)

    def _list(self, kind: str, namespace: str, selector: str, deadline: Deadline) -> Iterator[Run]:
        resource = self._api.resource(VERSION, kind, deadline=deadline)
        runs = self._api.list(resource, namespace=namespace, selector=selector, limit=_PAGE, deadline=deadline)
        try:
            yield from map(_slim, runs)
        except ApiRefusedError as error:
            if error.status == HTTPStatus.GONE:
                raise PassingError(f"{error.reason}: the list changed while it was read") from error
            raise


def _slim(run: Mapping[str, Json]) -> Run:
    """Return what statuses read of a run: thousands are held at a time, and specs are large."""
    found: dict[str, Json] = {}
    for part, names in _KEPT.items():
        fields = run.get(part)
        if isinstance(fields, dict):
            found[part] = {name: fields[name] for name in names if name in fields}
    return found
