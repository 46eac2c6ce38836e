"""What a trigger's manifests ask for: which of its runs are told of, and under which context. Compiled at load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from functions.common.errors import LastingError, PipehookError
from functions.common.event_facts import EventFacts
from functions.common.lenient import object_at, text_at
from functions.common.shown import shown
from functions.common.values import Json, Provider
from functions.interceptors.base import Interceptor
from functions.model.annotations import SHA, STATUS
from functions.status.marks import bounded_context, mark, target_in
from functions.status.values import MAX_CONTEXT, Target

_REFERENCE = re.compile(r"\$\([^()]*\)")


class AskedRun(Struct, frozen=True, kw_only=True):
    """One run that is told of, as the manifests have it: texts that may hold references to params."""

    position: int
    context: str
    own: bool
    """Whether the context stands in the resource's own annotation, where it is rendered."""
    sha: str


class Asked(Struct, frozen=True):
    """Which resources of one template are told of."""

    runs: tuple[AskedRun, ...]
    provider: Provider
    """Empty where nothing vouches for the body, so that nothing is told: `lack` says so at load."""

    def mark(self, resources: Sequence[dict[str, Json]], facts: EventFacts) -> None:
        """Mark the rendered resources. Raises LastingError for a `pipehook.dev/sha` that is no commit."""
        for run in self.runs:
            resource = resources[run.position]
            mark(resource, _annotation(resource, STATUS) if run.own else run.context, facts)

    def targets(self, facts: EventFacts, render: Callable[[], Sequence[Mapping[str, Json]]]) -> list[Target]:
        """Return where runs that were not created would have been told of.

        `render` gives the resources; it is called, and may fail, for texts that hold references.
        """
        rendered: Sequence[Mapping[str, Json]] | None = None
        found = []
        for run in self.runs:
            context, sha = run.context, run.sha
            try:
                if "$(" in context or "$(" in sha:
                    rendered = render() if rendered is None else rendered
                    resource = rendered[run.position]
                    context, sha = _annotation(resource, STATUS) if run.own else context, _annotation(resource, SHA)
                target = target_in({SHA: sha}, context, facts)
            except PipehookError:  # what cannot be known is not told
                continue
            if target is not None:
                found.append(target)
        return found

    def tells(self, context: str) -> bool:
        """Say whether one of the runs may be told of under a context; a reference may be any text."""
        return any(
            re.fullmatch(".*".join(map(re.escape, _REFERENCE.split(run.context))), context[:MAX_CONTEXT], re.DOTALL)
            for run in self.runs
        )

    @property
    def lack(self) -> str:
        """Why nothing will be told whatever comes, empty when something will."""
        if self.provider:
            return ""
        return (
            "statuses are asked for, and nothing is told: the chain has no github, gitlab or bitbucket interceptor "
            "with a secretRef, so nobody vouches for what the body says"
        )


def asked(
    resources: Sequence[Mapping[str, Json]], *, prefix: str | None, trigger: str, interceptors: Iterable[Interceptor]
) -> Asked | None:
    """Compile the annotations of a template's resources and the listener's `prefix`; None when nothing is asked for.

    Raises LastingError for an annotation that means nothing where it stands.
    """
    runs: list[AskedRun] = []
    own: set[str] = set()
    for position, resource in enumerate(resources):
        context, sha = _annotation(resource, STATUS), _annotation(resource, SHA)
        given = object_at(resource, "metadata", "annotations")
        if STATUS in given:
            if not is_run(resource):
                kind = shown(str(resource.get("kind", "resource")))
                raise LastingError(f"the annotation {STATUS} means nothing on a {kind}: a PipelineRun is told of")
            if not bounded_context(context):
                raise LastingError(f"the annotation {STATUS} must be the context of a status, such as ci/build")
            if context in own:
                raise LastingError(f"two runs of one template have the same {STATUS}: give each a context of its own")
            own.add(context)
            runs.append(AskedRun(position=position, context=context, own=True, sha=sha))
        elif SHA in given and prefix is None:
            raise LastingError(f"the annotation {SHA} means nothing without {STATUS}")
        elif prefix is not None and is_run(resource):
            again = sum(not run.own for run in runs)
            context = f"{prefix}/{trigger}" + (f"/{again + 1}" if again else "")
            runs.append(AskedRun(position=position, context=context, own=False, sha=sha))
    return Asked(tuple(runs), provider_of(interceptors)) if runs else None


def checked_prefix(text: str) -> str:
    """Return the listener's prefix. Raises LastingError when it cannot be the beginning of a context."""
    prefix = text.strip().rstrip("/")
    if not prefix or not prefix.isprintable() or len(prefix) > MAX_CONTEXT // 2 or "$(" in prefix:
        raise LastingError(
            f"the annotation {STATUS} of an EventListener must be the beginning of contexts, such as ci: printable, "
            f"at most {MAX_CONTEXT // 2} characters, without references"
        )
    return prefix


def provider_of(interceptors: Iterable[Interceptor]) -> Provider:
    """Return which provider's signature or token a chain verifies, empty when none."""
    for interceptor in interceptors:
        if interceptor.verifier is not None and interceptor.verifier.provider:
            return interceptor.verifier.provider
    return ""


def is_run(resource: Mapping[str, Json]) -> bool:
    """Say whether a resource is a PipelineRun."""
    return resource.get("kind") == "PipelineRun" and str(resource.get("apiVersion", "")).startswith("tekton.dev/")


def _annotation(resource: Mapping[str, Json], name: str) -> str:
    return text_at(resource, "metadata", "annotations", name)
