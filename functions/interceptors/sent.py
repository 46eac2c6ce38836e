"""What the interceptors of gitlab and bitbucket are: a verifier, event types in a header, and the changed files."""

from __future__ import annotations

from functions.common.lenient import object_at
from functions.common.values import Event, Refusal
from functions.interceptors.base import Call, Core, Passed, event_type_refusal, extended, first_header
from functions.interceptors.changed_files import ChangedFiles


class SentInterceptor(Core, frozen=True, kw_only=True):
    """Tekton's pkg/interceptors/gitlab and bitbucket, compiled; `header` names the event."""

    name: str
    """gitlab or bitbucket."""
    header: str
    event_types: tuple[str, ...] | None
    changed_files: ChangedFiles | None = None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Let the allowed event types through, and add the changed files."""
        name = first_header(event, self.header)
        if refusal := event_type_refusal(name, self.event_types):
            return refusal
        if self.changed_files is None:
            return Passed(event)
        files, body = self.changed_files, object_at(event.body)
        return Passed(call.shared.added(event, files, lambda: extended(event, files.extensions(name, body, call))))
