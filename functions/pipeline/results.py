"""What one trigger comes to: work for the sink, or an outcome that needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from functions.common.errors import LastingError, PipehookError
from functions.common.ports import Origin, SignedWork, Work
from functions.common.values import Event, Json, Outcome, Refusal, Status
from functions.delivery import repository_name
from functions.interceptors.base import Assurance
from functions.listening.prepared import PreparedTrigger
from functions.model.annotations import check_resource
from functions.pipeline.delivered import Delivered
from functions.rendering.templates import CompiledTemplate

if TYPE_CHECKING:
    from functions.status.buttons import Again


def rendered(given: Delivered, trigger: PreparedTrigger, event: Event, assurance: Assurance) -> Work:
    """Bind and render what a trigger creates of an event. Raises errors of the family."""
    template, params = bound(given, trigger, event)
    given.limits.take(sum([len(text) * (1 if text.isascii() else 4) for text in params.values()]))
    signed = assurance is Assurance.SIGNED
    key = given.key(signed=signed)
    uid = given.uid(trigger, key)
    resources = template.render(params, uid=uid, limits=given.limits)
    if trigger.drawn_keys:
        for resource in resources:
            check_resource(resource)
    if trigger.status and trigger.status.provider:
        trigger.status.mark(resources, given.facts(trigger.status.provider, event))
    if trigger.concurrency:
        facts = given.facts(trigger.concurrency.provider, event)
        trigger.concurrency.mark(resources, facts, listener=given.listener.path, namespace=trigger.namespace)
    return _work(
        given,
        trigger,
        resources,
        key=key,
        uid=uid,
        event_id=event.event_id,
        verified=given.accepted(assurance),
        clusters=trigger.clusters,
        places=template.places,
        origin=_origin(given) if signed else None,
    )


def bound(given: Delivered, trigger: PreparedTrigger, event: Event) -> tuple[CompiledTemplate, Mapping[str, str]]:
    """Return a trigger's template and its params. Raises LastingError, and what bindings raise."""
    if trigger.bindings is None or trigger.template is None:
        raise LastingError("the trigger was not compiled")
    defaults = trigger.template.defaults
    return trigger.template, trigger.bindings.resolve(event, defaults, limits=given.limits, shared=given.shared)


def repeated(given: Delivered, trigger: PreparedTrigger, again: Again) -> Work:
    """Return the work of a new attempt, whose names derive from the delivery that asked for it."""
    key = given.key(signed=True)
    return _work(
        given,
        trigger,
        [again.marked(grouped=trigger.concurrency is not None)],
        key=key,
        uid=given.uid(trigger, key),
        event_id=given.delivery.event_id,
        verified=True,
        clusters=(again.cluster,) if again.cluster else (),
    )


def _work(
    given: Delivered,
    trigger: PreparedTrigger,
    resources: Sequence[Mapping[str, Json]],
    *,
    key: str,
    uid: str,
    event_id: str,
    verified: bool,
    clusters: tuple[str, ...],
    places: tuple[str, ...] = (),
    origin: Origin | None = None,
) -> Work:
    make: Callable[..., Work] = partial(SignedWork, origin=origin) if origin else Work
    return make(
        trigger=trigger.name,
        trigger_namespace=trigger.namespace,
        identity=trigger.identity,
        listener=given.listener.name,
        listener_namespace=given.listener.namespace,
        event_id=event_id,
        key=key,
        uid=uid,
        service_account=trigger.service_account,
        resources=tuple(resources),
        verified=verified,
        places=places,
        clusters=clusters,
        grouped=trigger.concurrency is not None,
    )


def _origin(given: Delivered) -> Origin | None:
    delivery, event = given.delivery, given.event
    if event is None:
        return None

    def found() -> Origin | None:
        signature = delivery.header("X-Hub-Signature-256")
        hook, guid = delivery.header("X-Github-Hook-Id"), delivery.header("X-Github-Delivery")
        return Origin(repository_name(event.body), hook, guid, signature) if signature else None

    return given.shared.once(event, Origin, found)


def outcome(trigger: PreparedTrigger, end: Refusal | PipehookError, *, verified: bool) -> Outcome:
    """Return the outcome of a trigger that makes nothing."""
    if isinstance(end, Refusal):
        return Outcome(trigger.name, trigger.namespace, end.status, end.reason, verified=verified, public=end.public)
    return Outcome(
        trigger.name,
        trigger.namespace,
        Status.FAILED,
        end.reason,
        passing=end.passing,
        retry_after=getattr(end, "retry_after", None),
        verified=verified,
    )
