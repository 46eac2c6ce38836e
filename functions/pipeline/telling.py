"""What statuses have to do with a delivery: its echo, the buttons of checks, and what failed triggers have to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.common.errors import PipehookError
from functions.common.ports import Work
from functions.common.values import Event, Json, Outcome, Refusal, Status
from functions.interceptors.base import Assurance
from functions.listening.prepared import PreparedTrigger
from functions.pipeline.chains import Gate
from functions.pipeline.delivered import Delivered
from functions.pipeline.results import bound, outcome, repeated

if TYPE_CHECKING:
    from functions.status.buttons import Buttons
    from functions.status.notices import Notice

ECHO = "the event is about a status or check that this listener tells itself, so it starts nothing"


def is_echo(given: Delivered, trigger: PreparedTrigger, app_id: str) -> bool:
    """Say whether the event is about what this listener's triggers tell themselves: it would run without an end.

    `app_id` is the App that tells of runs by its checks, empty where none does.
    """
    if trigger.status is None or trigger.status.provider != "github" or given.event is None:
        return False
    facts = given.facts("github", given.event)
    if facts.app and facts.app == app_id:
        return True
    return bool(facts.about) and any(
        other.status is not None and other.status.tells(facts.about) for other in given.listener.triggers
    )


def pressed(
    given: Delivered, results: Sequence[Work | Outcome], gates: Sequence[Gate], buttons: Buttons
) -> Sequence[Work | Outcome]:
    """Return the results with what a button of a check comes to, for the trigger that made the check's run.

    It has verified this delivery, and made nothing of it itself.
    """
    from functions.status.buttons import Again, obey  # noqa: PLC0415 -- only with checks

    asked = {
        position: trigger
        for position, (trigger, gate) in enumerate(zip(given.listener.triggers, gates, strict=True))
        if trigger.status and trigger.status.provider == "github" and gate is Assurance.SIGNED
    }
    filtered = {n for n, made in enumerate(results) if isinstance(made, Outcome) and made.status is Status.FILTERED}
    names = {position: trigger.name for position, trigger in asked.items() if position in filtered}
    if not names or given.event is None:
        return results
    body, facts = given.event.body, given.facts("github", given.event)
    obeyed = obey(body, facts, buttons, names, listener=given.listener.name, deadline=given.limits.deadline)
    if obeyed is None:
        return results
    position, end = obeyed
    trigger = asked[position]
    made = repeated(given, trigger, end) if isinstance(end, Again) else outcome(trigger, end, verified=True)
    return [*results[:position], made, *results[position + 1 :]]


def notices(given: Delivered, trigger: PreparedTrigger, end: Refusal | PipehookError | Event) -> list[Notice]:
    """Return what is to be told of a trigger that makes nothing: an owner's word is missing, or it fails for good."""
    unapproved = isinstance(end, Refusal) and end.unapproved
    failed = isinstance(end, PipehookError) and not end.passing
    if not (unapproved or failed) or not trigger.status or not trigger.status.provider:
        return []
    from functions.status.notices import failure, not_allowed  # noqa: PLC0415 -- only where it is asked for

    try:
        event = given.read()
    except PipehookError:
        return []

    def render() -> list[dict[str, Json]]:
        template, params = bound(given, trigger, event)
        return template.render(params, uid="")

    targets = trigger.status.targets(given.facts(trigger.status.provider, event), render)
    return [
        failure(target, end.reason) if isinstance(end, PipehookError) else not_allowed(target) for target in targets
    ]
