"""Reads Tekton Triggers' objects from the remote cluster, in the namespaces that the account's rights allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus

from msgspec import Struct, field

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiRefusedError, ApiUnavailableError
from functions.adapters.kubernetes.workers import Workers
from functions.common.errors import LastingError
from functions.common.lenient import at, objects_at, text_at
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.model.decode import CLUSTER_SCOPED, GROUP, KINDS

WIDEN_SECONDS = 300.0
"""How long after a list of all namespaces was forbidden it is not tried again: rights that grow are seen that late.

That it is forbidden has been confirmed (refusals.py): a server that starts forbids it to everybody.
"""
MISSING_SECONDS = 15.0
"""How long a kind that must be there, or has been, is not served before there are none of it: its CRD may be on its way
in again, and a server that does not serve it has said nothing about the objects."""
_REFERENCED = ("TriggerBinding", "TriggerTemplate", "ClusterTriggerBinding", "Interceptor", "ClusterInterceptor")
_NEEDLESS = CLUSTER_SCOPED | {"Interceptor"}
"""Kinds that many teams use none of, so an account without rights to them is nothing wrong."""
_ROUNDS = 3

Key = tuple[str, str, str]
"""Kind, namespace (empty for cluster-scoped kinds) and name."""
Object = Mapping[str, Json]


class Reading(Struct, frozen=True):
    """Everything that was found, and what is worth a line in the log: kinds and namespaces that were passed over."""

    objects: dict[Key, Object] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    denied: list[tuple[str, str]] = field(default_factory=list)
    """Kinds and the namespaces (empty for cluster-scoped kinds) that the account may not list."""


class Reader:
    """Reads everything at once. Not for two threads at a time.

    Of each kind, all namespaces are listed where that is allowed. Where it is not: `home` (the namespaces of the
    configuration, asked for once), for Triggers also those where a listener's selectors look for them, and for what
    Triggers refer to also theirs. What refers is listed before what it refers to, so that a change that is applied in
    the usual order is never seen by half.
    """

    def __init__(
        self, api: KubernetesApi, home: Callable[[Deadline], Iterable[str]], *, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._home = home
        self._clock = clock
        self._workers = Workers(len(_REFERENCED))
        self._narrow_until: dict[str, float] = {}
        self._homes: frozenset[str] | None = None
        self._listed_everywhere: set[str] = set()
        self._served = {"EventListener"}
        self._missing_since: dict[str, float] = {}

    def read(self, deadline: Deadline) -> Reading:
        """List all kinds.

        Raises ApiRefusedError when listeners, triggers, bindings or templates may be read nowhere, other LastingErrors
        when there is no access at all, and PassingError, also while that is not confirmed or a kind has only just gone.
        """
        reading = Reading()
        self._add("EventListener", (), reading, deadline)
        searched = {name for found in reading.objects.values() for name in _selected_namespaces(found)}
        self._add("Trigger", searched, reading, deadline)
        referring = {namespace for _, namespace, _ in reading.objects}
        # one of the five is listed by this thread, so their order in the log is kept by adding afterwards
        parts = [Reading() for _ in _REFERENCED]
        self._workers.run(
            [partial(self._add, kind, referring, part, deadline) for kind, part in zip(_REFERENCED, parts, strict=True)]
        )
        for part in parts:
            reading.objects.update(part.objects)
            reading.remarks.extend(part.remarks)
            reading.denied.extend(part.denied)
        return reading

    def _add(self, kind: str, more: Iterable[str], reading: Reading, deadline: Deadline) -> None:
        if self._narrow_until.get(kind, float("-inf")) <= self._clock():
            try:
                self._list(kind, "", reading, deadline)
            except ApiRefusedError as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    raise
                self._narrow_until[kind] = self._clock() + WIDEN_SECONDS
            else:
                self._narrow_until.pop(kind, None)
                self._listed_everywhere.add(kind)
                return
        if kind in CLUSTER_SCOPED:
            reading.denied.append((kind, ""))
            reading.remarks.append(f"the account may not list {kind} objects, so there are none for Pipehook")
            return
        namespaces = self._home_namespaces(deadline).union(more)
        if kind in self._listed_everywhere:
            where = ", ".join(sorted(namespaces))
            reading.remarks.append(
                f"the account may no longer list {kind} objects everywhere: those in {where} are seen"
            )
        denied = {}
        for namespace in sorted(namespaces):
            try:
                self._list(kind, namespace, reading, deadline)
            except ApiRefusedError as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    raise
                denied[namespace] = error
        if denied and len(denied) == len(namespaces) and kind not in _NEEDLESS:
            raise next(iter(denied.values()))
        if denied:
            reading.denied.extend((kind, namespace) for namespace in denied)
            reading.remarks.append(f"the account may not list {kind} objects in {', '.join(denied)}: none are seen")

    def _home_namespaces(self, deadline: Deadline) -> frozenset[str]:
        if self._homes is None:
            self._homes = frozenset(self._home(deadline))
        return self._homes

    def _list(self, kind: str, namespace: str, reading: Reading, deadline: Deadline) -> None:
        """Add all objects of a kind, of the first version that the cluster serves."""
        for version in KINDS[kind]:
            try:
                items = self._pages(f"{GROUP}/{version}", kind, namespace, deadline)
            except ApiRefusedError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                continue
            for item in items:
                found = {"apiVersion": f"{GROUP}/{version}", "kind": kind, **item}
                reading.objects[kind, *_named(found)] = found
            self._served.add(kind)
            self._missing_since.pop(kind, None)
            return
        if kind in self._served and self._is_news(kind):
            raise ApiUnavailableError(f"the cluster serves no {kind} at this moment: is its CRD being replaced?")
        remark = f"the cluster serves no {kind}: its CRD is not installed, so there are none"
        if remark not in reading.remarks:
            reading.remarks.append(remark)

    def _is_news(self, kind: str) -> bool:
        now = self._clock()
        return now - self._missing_since.setdefault(kind, now) < MISSING_SECONDS

    def _pages(self, api_version: str, kind: str, namespace: str, deadline: Deadline) -> list[dict[str, Json]]:
        resource = self._api.resource(api_version, kind, deadline=deadline)
        for _ in range(_ROUNDS):
            try:
                return list(self._api.list(resource, namespace=namespace, deadline=deadline))
            except ApiRefusedError as error:
                if error.status != HTTPStatus.GONE:
                    raise
        raise ApiUnavailableError(f"{resource.plural}: the list changes faster than its pages are read")


def _named(found: Object) -> tuple[str, str]:
    name = at(found, "metadata", "name")
    if not isinstance(name, str):
        raise LastingError("the cluster lists an object without a name; is something else in between?")
    return text_at(found, "metadata", "namespace"), name


def _selected_namespaces(listener: Object) -> Iterator[str]:
    """Yield the namespaces in which a listener, or one of its groups, looks for Triggers; `*` is none of them."""
    spec = at(listener, "spec")
    for holder in (spec, *(group.get("triggerSelector") for group in objects_at(spec, "triggerGroups"))):
        names = at(holder, "namespaceSelector", "matchNames")
        yield from (name for name in names if isinstance(name, str) and name != "*") if isinstance(names, list) else ()
