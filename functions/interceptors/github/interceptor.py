"""The github interceptor: signature, event types, owners, changed files and pull requests of comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.common.lenient import object_at
from functions.common.values import Event, Refusal
from functions.interceptors.base import (
    Call,
    Core,
    Passed,
    Place,
    event_type_refusal,
    extended,
    filtered,
    first_header,
    rejected,
)
from functions.interceptors.event_shapes import misfit
from functions.interceptors.github.body import Fields
from functions.interceptors.params import Params
from functions.interceptors.signatures import HubSignature
from functions.model.resources import InterceptorSpec

if TYPE_CHECKING:
    from functions.interceptors.changed_files import ChangedFiles
    from functions.interceptors.github.owners import Owners
    from functions.interceptors.github.pull_request import PullRequest


class GitHubInterceptor(Core, frozen=True):
    """Compiled from `ref: {name: github}`; Tekton's pkg/interceptors/github, where addChangedFiles skips the owners."""

    event_types: tuple[str, ...] | None
    owners: Owners | None = None
    changed_files: ChangedFiles | None = None
    pull_request: PullRequest | None = None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Let the allowed event types through, from the allowed senders, and add the changed files.

        A signed body must also be able to be the event that it is called (see `event_shapes`). Raises LastingError
        when the body lacks what the params need, and what secrets and GitHub's API raise.
        """
        if event.form:
            return filtered("form parameter encoding not supported, please change the hook to send JSON payloads")
        name = first_header(event, "X-Github-Event")
        if refusal := event_type_refusal(name, self.event_types):
            return refusal
        # after the types: what does not run under this name anyway is answered in Tekton's words
        if self.verifier and (reason := misfit(name, call.body)):
            return rejected(reason)
        body = object_at(event.body)
        if self.owners:
            owners = self.owners
            refusal = call.shared.once(event, owners, lambda: owners.refusal(name, body, call))
            if refusal:
                return refusal
        if self.changed_files:
            files, before = self.changed_files, event
            event = call.shared.added(before, files, lambda: extended(before, files.extensions(name, body, call)))
        return _with_pull_request(self.pull_request, event, body, call) if self.pull_request else Passed(event)


def _with_pull_request(wanted: PullRequest, event: Event, body: Fields, call: Call) -> Passed | Refusal:
    found = call.shared.once(event, wanted, lambda: wanted.extensions(body, call))
    if isinstance(found, Refusal):
        return found
    return Passed(call.shared.added(event, (wanted, "added"), lambda: extended(event, found)))


def build(spec: InterceptorSpec, place: Place) -> GitHubInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    return GitHubInterceptor(
        verifier=HubSignature(ref) if ref else None,
        event_types=params.strings("eventTypes"),
        owners=_owners(params, place, own=ref is not None),
        changed_files=_changed_files(params, place, own=ref is not None),
        pull_request=_pull_request(params, place, own=ref is not None),
    )


def _owners(params: Params, place: Place, *, own: bool) -> Owners | None:
    if params.get("githubOwners") is None:
        return None
    from functions.interceptors.github.owners import read_owners  # noqa: PLC0415 -- only where it is asked for

    return read_owners(params, place.namespace, place.judged, own=own)


def _changed_files(params: Params, place: Place, *, own: bool) -> ChangedFiles | None:
    if params.get("addChangedFiles") is None:
        return None
    from functions.interceptors.github.files import read_changed_files  # noqa: PLC0415 -- as above

    return read_changed_files(params, place.namespace, own=own)


def _pull_request(params: Params, place: Place, *, own: bool) -> PullRequest | None:
    if params.get("addPRBody") is None and params.get("addFailedContexts") is None:
        return None
    from functions.interceptors.github.pull_request import read_pull_request  # noqa: PLC0415 -- as above

    return read_pull_request(params, place.namespace, own=own)
