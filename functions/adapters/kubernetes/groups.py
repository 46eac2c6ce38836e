"""The cluster's runs of a concurrency group: listed by their label, and changed while they are as they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.lanes import Lanes
from functions.common.errors import LastingError, PassingError
from functions.common.lenient import object_at
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.concurrency.marks import RUNS, Group, Member, group_of, member
from functions.model.annotations import GROUP

COMPONENT = "give its account the component infra/cluster/components/concurrency"
MAX_RUNS = 20_000
"""Runs that are looked at in one list; who keeps more has no pruning."""
Home = Callable[[Deadline], frozenset[str]]


class ClusterGroups:
    """Reads and changes runs as the kubeconfig's own account, whomever triggers impersonate."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    def of(self, group: Group, deadline: Deadline) -> Sequence[Member]:
        """Return all runs of a group, as they were at one time."""
        with self._lanes.lane(group.cluster).asked(deadline) as api:
            return [member(run) for run in _listed(api, group.api_version, group.namespace, group.selector, deadline)]

    def groups(self, home: Home, deadline: Deadline, *, cluster: str = "") -> dict[Group, list[Member]]:
        """Return all groups of a cluster: of every namespace, or of `home` where those may not be listed."""
        found: dict[Group, list[Member]] = {}
        with self._lanes.lane(cluster).asked(deadline) as api:
            for run in _everywhere(api, home, deadline):
                group = group_of({**run, "apiVersion": RUNS}, namespace="", cluster=cluster)
                if group is not None:
                    found.setdefault(group, []).append(member(run))
        return found

    def change(self, group: Group, member: Member, change: Mapping[str, Json], deadline: Deadline) -> bool:
        """Merge `change` into a run that is as it was read; say False, and change nothing, when it is not."""
        body = {**change, "metadata": {**object_at(change, "metadata"), "resourceVersion": member.version}}
        try:
            with self._lanes.lane(group.cluster).asked(deadline) as api, _explained("patch"):
                resource = api.resource(group.api_version, "PipelineRun", deadline=deadline)
                api.patch(resource, body, namespace=group.namespace, name=member.name, deadline=deadline)
        except ApiRefusedError as error:
            if error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                return False
            raise
        return True


def _everywhere(api: KubernetesApi, home: Home, deadline: Deadline) -> list[dict[str, Json]]:
    try:
        return _listed(api, RUNS, "", GROUP, deadline)
    except LastingError as error:
        if not isinstance(error.__cause__, ApiRefusedError) or error.__cause__.status != HTTPStatus.FORBIDDEN:
            raise
        return [run for namespace in sorted(home(deadline)) for run in _listed(api, RUNS, namespace, GROUP, deadline)]


def _listed(
    api: KubernetesApi, api_version: str, namespace: str, selector: str, deadline: Deadline
) -> list[dict[str, Json]]:
    resource = api.resource(api_version, "PipelineRun", deadline=deadline)
    with _explained("list"):
        runs = api.list(resource, namespace=namespace, selector=selector, deadline=deadline)
        found = list(islice(runs, MAX_RUNS + 1))
    if len(found) > MAX_RUNS:
        raise LastingError(f"more than {MAX_RUNS} PipelineRuns of concurrency groups are there at once: prune them")
    return found


@contextmanager
def _explained(verb: str) -> Iterator[None]:
    """Say of a right that is missing what gives it. A list that has expired while it was read passes."""
    try:
        yield
    except ApiRefusedError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            raise LastingError(
                f"{error.reason}; concurrency groups need {verb} on pipelineruns: {COMPONENT}"
            ) from error
        if error.status == HTTPStatus.GONE:
            raise PassingError(error.reason) from error
        raise
