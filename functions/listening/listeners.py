"""Listeners compiled once: references resolved, interceptors, bindings and templates ready to run.

A mistake inside one trigger becomes that trigger's `problem`; all others run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from functions.common.errors import LastingError
from functions.common.values import Json, Provider
from functions.interceptors.base import Interceptor, Place
from functions.interceptors.building import build_interceptor
from functions.listening.identities import content, distinct
from functions.listening.prepared import NO_ANNOTATIONS, Listener, PreparedGroup, PreparedTrigger
from functions.listening.references import References
from functions.listening.selection import entries
from functions.model.annotations import (
    GROUP,
    STATUS,
    Judged,
    asks_for_concurrency,
    asks_for_status,
    check,
    cluster,
    has_drawn_keys,
    judged,
)
from functions.model.resources import (
    EventListener,
    InlineTrigger,
    InterceptorSpec,
    Registry,
    Trigger,
    TriggerGroup,
    TriggerSpec,
)
from functions.rendering.templates import CompiledTemplate

if TYPE_CHECKING:
    from functions.concurrency.asked import Concurrency
    from functions.status.asked import Asked

MAX_TRIGGERS = 5_000
"""Triggers of one listener: every delivery looks at each, and a selector over all namespaces may find any number."""
PAYLOAD_VALIDATION = "tekton.dev/payload-validation"

T = TypeVar("T")


def prepare(
    listener: EventListener,
    registry: Registry,
    *,
    outbound_hosts: frozenset[str] = frozenset(),
    clusters: frozenset[str] | None = None,
) -> Listener:
    """Compile one listener. Never raises: what cannot be compiled is its trigger's `problem`.

    `clusters` are the names of CLUSTERS; None: they are not known here, and every one is right.
    """
    return Listener(
        name=listener.metadata.name,
        namespace=listener.metadata.namespace,
        uid=listener.metadata.uid,
        triggers=tuple(_Preparation(listener, registry, outbound_hosts, clusters).triggers()),
        takes_forms=listener.metadata.annotations.get(PAYLOAD_VALIDATION, "").lower() == "false",
        cloud_event_uri=listener.cloud_event_uri,
    )


class _Preparation:
    """The state of compiling one listener: what it refers to, and identities given so far."""

    def __init__(
        self,
        listener: EventListener,
        registry: Registry,
        outbound_hosts: frozenset[str],
        clusters: frozenset[str] | None,
    ) -> None:
        self._clusters = clusters
        self._listener = listener
        self._registry = registry
        self._outbound_hosts = outbound_hosts
        self._namespace = listener.metadata.namespace
        self._named: list[tuple[str, TriggerSpec | None]] = []
        self._interceptors: dict[Interceptor, Interceptor] = {}
        self._references = References(listener, registry)

    def triggers(self) -> list[PreparedTrigger]:
        prepared = list(islice(self._all(), MAX_TRIGGERS + 1))
        for position, identity in enumerate(distinct(self._named)):
            if prepared[position].identity != identity:
                prepared[position] = replace(prepared[position], identity=identity)
        if len(prepared) > MAX_TRIGGERS:
            problem = f"the listener has more than {MAX_TRIGGERS} triggers, and the others do not run: split it"
            prepared[-1] = PreparedTrigger(name="", namespace=self._namespace, identity="#others", problem=problem)
        return prepared

    def _all(self) -> Iterator[PreparedTrigger]:
        groups: dict[int, PreparedGroup | None] = {-1: None}
        for entry in entries(self._listener, self._registry):
            trigger = entry.trigger
            if entry.group not in groups:
                groups[entry.group] = self._group(self._listener.groups[entry.group])
            if isinstance(trigger, Trigger):
                yield self._selected(trigger, groups[entry.group])
            elif isinstance(trigger, InlineTrigger):
                yield self._prepared(trigger.spec, trigger.name, self._namespace)
            else:
                where = f"triggers[{entry.position}].triggerRef"
                yield PreparedTrigger(
                    name=trigger.name,
                    namespace=self._namespace,
                    identity=self._identity(trigger.name, self._namespace),
                    problem=self._references.missing("Trigger", trigger.name, self._namespace, where),
                )

    def _selected(self, trigger: Trigger, group: PreparedGroup | None = None) -> PreparedTrigger:
        name, namespace = trigger.metadata.name, trigger.metadata.namespace
        wrong = self._registry.invalid.get(("Trigger", namespace, name))
        if wrong is None:
            return self._prepared(trigger.spec, name, namespace, annotations=trigger.metadata.annotations, group=group)
        identity = self._identity(name, namespace, group, trigger.spec)
        problem = f"Trigger {namespace}/{name} is not valid: {wrong}"
        return PreparedTrigger(name=name, namespace=namespace, identity=identity, group=group, problem=problem)

    def _group(self, group: TriggerGroup) -> PreparedGroup:
        trigger_id = f"namespaces/{self._namespace}/triggerGroups/{group.name}"
        try:
            whom = self._judged(NO_ANNOTATIONS)
        except LastingError:  # which each of its triggers says
            whom = "author"
        place = self._place(self._namespace, whom)
        try:
            chain = self._chain(group.interceptors, place)
        except LastingError as error:
            return PreparedGroup(trigger_id, problem=f"trigger group {group.name or '(no name)'}: {error.reason}")
        return PreparedGroup(trigger_id, chain, _webhook_first(group.interceptors))

    def _identity(
        self, name: str, namespace: str, group: PreparedGroup | None = None, spec: TriggerSpec | None = None
    ) -> str:
        """Return what the names say, once for each trigger in order; `triggers` tells those apart that say the same."""
        own = f"{namespace}/{name or f'#{content(spec)}'}"
        identity = f"{group.trigger_id}/{own}" if group else own
        self._named.append((identity, spec))
        return identity

    def _prepared(
        self,
        spec: TriggerSpec,
        name: str,
        namespace: str,
        *,
        annotations: Mapping[str, str] = NO_ANNOTATIONS,
        group: PreparedGroup | None = None,
    ) -> PreparedTrigger:
        problems: list[str] = [group.problem] if group and group.problem else []

        def attempt(build: Callable[[], T], otherwise: T) -> T:
            try:
                return build()
            except LastingError as error:
                problems.append(error.reason)
                return otherwise

        whom: Judged = attempt(lambda: self._judged(annotations), "author")
        place = self._place(namespace, whom)
        chain: tuple[Interceptor, ...] = attempt(lambda: self._chain(spec.interceptors, place), ())
        template = attempt(lambda: self._references.template(spec, namespace), None)
        clusters: tuple[str, ...] = attempt(lambda: self._targets(template), ())
        nothing: Sequence[Mapping[str, Json]] = ()
        resources = attempt(lambda: self._references.resources(spec, namespace), nothing) if template else nothing
        vouching = (*(group.chain if group else ()), *chain)
        defaulted = template.defaults if template else {}
        status = attempt(lambda: self._status(resources, name or content(spec), vouching), None)
        bindings = attempt(lambda: self._references.bindings(spec.bindings, namespace, defaulted), None)
        concurrency = attempt(lambda: self._concurrency(resources, vouching), None)
        return PreparedTrigger(
            name=name,
            namespace=namespace,
            identity=self._identity(name, namespace, group, spec),
            group=group,
            chain=chain,
            webhook_first=_webhook_first(spec.interceptors),
            bindings=bindings,
            template=template,
            clusters=clusters,
            service_account=spec.service_account,
            problem="; ".join(problems),
            status=status,
            drawn_keys=any(map(has_drawn_keys, resources)),
            concurrency=concurrency,
        )

    def _status(
        self, resources: Sequence[Mapping[str, Json]], trigger: str, chain: Sequence[Interceptor]
    ) -> Asked | None:
        prefix = self._listener.metadata.annotations.get(STATUS)
        if prefix is None and not any(map(asks_for_status, resources)):
            return None
        # off the way of those who do not ask for it
        from functions.status.asked import asked, checked_prefix  # noqa: PLC0415 -- see above

        given = None if prefix is None else checked_prefix(prefix)
        return asked(resources, prefix=given, trigger=trigger, interceptors=chain)

    def _concurrency(self, resources: Sequence[Mapping[str, Json]], chain: Sequence[Interceptor]) -> Concurrency | None:
        own = self._listener.metadata.annotations
        if GROUP not in own and not any(map(asks_for_concurrency, resources)):
            return None
        # off the way of those who do not ask for it
        from functions.concurrency.asked import concurrency  # noqa: PLC0415 -- see above

        return concurrency(resources, listener=own, provider=_provider(chain))

    def _chain(self, specs: Sequence[InterceptorSpec], place: Place) -> tuple[Interceptor, ...]:
        """Compile a chain; what is equal to another trigger's, and repeatable, is the very same one."""
        chain = [build_interceptor(spec, place) for spec in specs]
        return tuple(self._interceptors.setdefault(one, one) if one.repeatable else one for one in chain)

    def _place(self, namespace: str, whom: Judged) -> Place:
        return Place(namespace, self._namespace, self._registry, self._outbound_hosts, whom)

    def _judged(self, annotations: Mapping[str, str]) -> Judged:
        """Return whom githubOwners judges. Raises LastingError for a slip in the listener's annotations, or these."""
        own = self._listener.metadata.annotations
        check("EventListener", own)
        check("Trigger", annotations)
        return judged(own, annotations)

    def _targets(self, template: CompiledTemplate | None) -> tuple[str, ...]:
        own = self._listener.metadata.annotations
        named = template.clusters if template else ()
        found = tuple(cluster(own, name, self._clusters) for name in named)
        return found if any(found) else ()


def _provider(chain: Sequence[Interceptor]) -> Provider:
    """Return whose deliveries a chain lets through, empty where that tells nothing of what the body says."""
    found = (interceptor.verifier.provider for interceptor in chain if interceptor.verifier is not None)
    return next(filter(None, found), "")


def _webhook_first(specs: Sequence[InterceptorSpec]) -> bool:
    return bool(specs) and specs[0].webhook is not None
