"""The buttons of GitHub's checks: Re-run (`check_run.rerequested`) and Cancel (`requested_action`), signed events both.

A button is obeyed for the run that its check is about, if that is told of where the signed body says, its trigger has
verified this very delivery, and no newer run has taken its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, cast

from msgspec import Struct

from functions.common.errors import LastingError, PipehookError
from functions.common.event_facts import EventFacts
from functions.common.lenient import at, object_at, text_at, texts_at
from functions.common.ports import Deadline
from functions.common.values import Json, Refusal, Status
from functions.concurrency.marks import PENDING
from functions.model.annotations import KEY_ANNOTATION, LIMIT, PREFIX
from functions.outcomes.naming import LISTENER_LABEL, TRIGGER_LABEL, label_value
from functions.status.marks import EVENT_TIME, order_of, place_of, target_of
from functions.status.values import CANCEL_ACTION, CLUSTER, Run, Target
from functions.status.words import condition

CANCELLED_GRACEFULLY: Mapping[str, Json] = {"spec": {"status": "CancelledRunFinally"}}
"""Tasks under way end, and those in `finally` run."""
_PIPELINES = ("tekton.dev/", "chains.tekton.dev/", "results.tekton.dev/", "pipeline.tekton.dev/")
"""Labels and annotations that Tekton writes on a run itself."""


class Buttons(Protocol):
    """The cluster's side of the buttons. All raise as the Kubernetes API does."""

    app_id: str
    """The App whose checks are obeyed."""

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Return a run with all that it holds, None when there is none."""

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        """Return the runs of one `Target.key`."""

    def cancel(self, run: Run, deadline: Deadline) -> None:
        """Ask the cluster to cancel a run: it takes the right to patch, which nothing else of statuses does."""


class Press(Struct, frozen=True, kw_only=True):
    """A button that somebody pressed."""

    action: Literal["rerun", "cancel"]
    target: Target
    namespace: str
    name: str
    time: int


def press_of(body: Json, facts: EventFacts, app_id: str) -> Press | None:
    """Return the button that a signed body is about, None when it is about none of our App's."""
    check = object_at(body, "check_run")
    namespace, slash, name = text_at(check, "external_id").partition("/")
    said, action = at(body, "action"), at(body, "requested_action", "identifier")
    if said != "rerequested" and (said, action) != ("requested_action", CANCEL_ACTION):
        return None
    if str(at(check, "app", "id")) != app_id or not slash or not name:
        return None
    if not facts.repository or not facts.sha:
        return None
    target = Target(
        provider="github",
        repository=facts.repository,
        sha=facts.sha,
        context=text_at(check, "name"),
        installation=facts.installation,
    )
    return Press(
        action="rerun" if said == "rerequested" else "cancel",
        target=target,
        namespace=namespace,
        name=name,
        time=int(facts.time),
    )


class Again(Struct, frozen=True):
    """A new attempt of a run."""

    resource: dict[str, Json]
    cluster: str

    def marked(self, *, grouped: bool) -> dict[str, Json]:
        """Return it as it is to be created: one of so many at a time waits, where its trigger is `grouped` still."""
        if not grouped or LIMIT not in object_at(self.resource, "metadata", "annotations"):
            return self.resource
        return {**self.resource, "spec": {**object_at(self.resource, "spec"), "status": PENDING}}


def obey(
    body: Json, facts: EventFacts, buttons: Buttons, triggers: Mapping[int, str], *, listener: str, deadline: Deadline
) -> tuple[int, Again | Refusal | PipehookError] | None:
    """Do what a button asks for; return by which of the triggers (their names), and what came of it.

    None when the body is about no button of ours, or none of the triggers has made the run.
    """
    press = press_of(body, facts, buttons.app_id)
    if press is None:
        return None
    try:
        run = pressed_run(press, buttons, deadline)
    except PipehookError as error:
        return next(iter(triggers)), error
    for position, trigger in triggers.items():
        if is_of(run, listener=listener, trigger=trigger):
            try:
                return position, _obeyed(press, run, buttons, deadline)
            except PipehookError as error:
                return position, error
    return None


def _obeyed(press: Press, run: Run, buttons: Buttons, deadline: Deadline) -> Again | Refusal:
    if press.action == "rerun":
        if not has_ended(run):
            return Refusal(Status.FILTERED, "the run of this check has not ended")
        return Again(again(run, press), text_at(run, CLUSTER))
    if has_ended(run):
        return Refusal(Status.FILTERED, "the run of this check has ended already")
    buttons.cancel(run, deadline)
    return Refusal(Status.FILTERED, "the run is cancelled, as its check asked for")


def pressed_run(press: Press, buttons: Buttons, deadline: Deadline) -> Run:
    """Return the run that a button is for. Raises LastingError when it is gone, another check's, or not the newest."""
    run = buttons.whole(press.namespace, press.name, deadline)
    target = target_of(run) if run else None
    if run is None or target is None or target.key != press.target.key:
        raise LastingError("the run of this check is gone: push again, or send the event again")
    others = buttons.of(target.key, press.namespace, deadline)
    if others and place_of(max(others, key=order_of)) != place_of(run):
        raise LastingError("a newer run has taken the place of this check's")
    return run


def is_of(run: Run, *, listener: str, trigger: str) -> bool:
    """Say whether a trigger of a listener has made a run, by its labels."""
    labels = texts_at(run, "metadata", "labels")
    return labels.get(LISTENER_LABEL) == label_value(listener) and labels.get(TRIGGER_LABEL) == label_value(trigger)


def has_ended(run: Run) -> bool:
    """Say whether nothing further comes of a run."""
    return condition(run).get("status") in ("True", "False")


def again(run: Run, press: Press) -> dict[str, Json]:
    """Return the resource of a new attempt of a run: what its template made, told of where the first one was.

    Raises LastingError for a run with a fixed name, of which there can be one.
    """
    prefix = text_at(run, "metadata", "generateName")
    if not prefix:
        raise LastingError("a run with a fixed name cannot run again: use generateName in the template")
    annotations: dict[str, Json] = dict(_own(texts_at(run, "metadata", "annotations")))
    annotations.pop(KEY_ANNOTATION, None)
    annotations[EVENT_TIME] = str(max(order_of(run)[0], press.time))
    labels: dict[str, Json] = dict(_own(texts_at(run, "metadata", "labels")))
    spec = {name: value for name, value in object_at(run, "spec").items() if name != "status"}
    return {
        "apiVersion": text_at(run, "apiVersion") or "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "generateName": prefix,
            "namespace": place_of(run)[0],
            "labels": labels,
            "annotations": annotations,
        },
        "spec": cast("Json", spec),
    }


def _own(found: Mapping[str, str]) -> Mapping[str, str]:
    return {
        name: value
        for name, value in found.items()
        if name.startswith(PREFIX) or not name.startswith((*_PIPELINES, "kubectl.kubernetes.io/"))
    }
