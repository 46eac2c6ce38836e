"""Concurrency groups, put together for those that ask for them: nothing of it is imported for anybody else."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Sink, Work
from functions.common.shown import listed
from functions.common.values import Outcome, ResourceRef
from functions.listening.prepared import Listener
from functions.outcomes.plan import planned_at

if TYPE_CHECKING:
    from functions.adapters.kubernetes.api import KubernetesApi
    from functions.adapters.kubernetes.sink import ClusterSink

Place = tuple[str, str]
"""A cluster's name, empty for the default one, and a namespace."""
CHECK_SECONDS = 3.0
"""What asking for rights may take at start."""


def ordered(listeners: Iterable[Listener]) -> dict[Place, dict[str, list[str]]]:
    """Return the verbs that groups take on runs beyond creating, by cluster and namespace; and whose groups."""
    found: dict[Place, dict[str, list[str]]] = {}
    for listener in listeners:
        for trigger in listener.triggers:
            asked = trigger.concurrency
            for *place, verb in sorted(asked.rights(trigger.namespace, trigger.clusters)) if asked else ():
                found.setdefault((place[0], place[1]), {}).setdefault(verb, []).append(trigger.identity)
    return found


def lacking(
    apis: Mapping[str, KubernetesApi], places: Mapping[Place, Mapping[str, list[str]]], deadline: Deadline
) -> Iterator[str]:
    """Yield what the account may not do of what triggers ask for, or that it could not be asked."""
    for (cluster, namespace), verbs in places.items():
        api = apis.get(cluster)
        if api is None:
            continue
        where = f"{namespace} of cluster {cluster}" if cluster else namespace
        missing: list[str] = []
        concerned: dict[str, None] = {}
        for verb, triggers in sorted(verbs.items()):
            try:
                verdict = api.review_access(
                    verb, group="tekton.dev", resource="pipelineruns", namespace=namespace, deadline=deadline
                )
            except PipehookError as error:
                yield f"whether concurrency groups may {verb} pipelineruns in {where} is not known: {error.reason}"
                break
            if not verdict.allowed:
                missing.append(verb)
                concerned |= dict.fromkeys(triggers)
        if missing:
            yield (
                f"trigger {listed(concerned)} asks for concurrency groups, and the account may not "
                f"{' or '.join(missing)} pipelineruns in {where}: apply the component "
                "infra/cluster/components/concurrency"
            )


class Grouping:
    """A sink before the cluster's that costs a look where no work is of a group."""

    def __init__(self, inner: ClusterSink) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._grouping: Sink | None = None

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Return one outcome for each work, in order."""
        if not any(item.grouped for item in work):
            return self._inner.accept(work, deadline)
        sink = self._opened()
        alike: dict[frozenset[str], list[int]] = {}
        for position, item in enumerate(work):
            alike.setdefault(frozenset(item.clusters), []).append(position)
        if len(alike) == 1:
            return sink.accept(work, deadline)
        # works of different clusters wait for each other in nothing
        calls = [
            (clusters, partial(sink.accept, [work[position] for position in positions], deadline))
            for clusters, positions in alike.items()
        ]
        outcomes: dict[int, Outcome] = {}
        for positions, found in zip(alike.values(), self._inner.lanes.run(calls), strict=True):
            outcomes.update(zip(positions, found, strict=True))
        return [outcomes[position] for position in range(len(work))]

    def _opened(self) -> Sink:
        with self._lock:
            if self._grouping is None:
                from functions.adapters.kubernetes.groups import ClusterGroups  # noqa: PLC0415 -- see the class
                from functions.concurrency.sink import GroupingSink  # noqa: PLC0415 -- as above

                runs = ClusterGroups(self._inner.lanes)
                self._grouping = GroupingSink(self._inner, runs, _named, reruns=self._inner.reruns)
            return self._grouping


def _named(work: Work, position: int) -> ResourceRef:
    return planned_at(work, position).ref
