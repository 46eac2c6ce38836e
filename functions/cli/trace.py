"""Every stage of one delivery, watched: a listener wrapped so that its parts say what they did.

The pipeline is the real one.
For each delivery a fresh `Watch` wraps the listener's interceptors, bindings and templates; nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from functions.cli.due import Due, Notices, WatchedAsked, due_of
from functions.cli.watched import (
    Log,
    Step,
    WatchedBindings,
    WatchedInterceptor,
    WatchedSink,
    WatchedTemplate,
    WatchedVerifier,
    name_of,
)
from functions.common.ports import Sink, Work
from functions.common.values import Json, Outcome
from functions.interceptors.base import Interceptor, Verifier
from functions.interceptors.changed_files import GivenFiles
from functions.interceptors.github import GitHubInterceptor
from functions.interceptors.sent import SentInterceptor
from functions.listening.prepared import Listener, PreparedGroup, PreparedTrigger
from functions.model.annotations import PREFIX
from functions.outcomes.plan import Planned, plan
from functions.outcomes.report import Report
from functions.rendering.bindings import CompiledBindings
from functions.rendering.templates import CompiledTemplate

if TYPE_CHECKING:
    from functions.status.asked import Asked


class TriggerTrace(Struct, frozen=True):
    """One trigger's path."""

    name: str
    namespace: str
    identity: str
    outcome: Outcome
    steps: tuple[Step, ...]
    params: Mapping[str, str]
    resources: tuple[Mapping[str, Json], ...]
    """The manifests as they are created: named, labelled, annotated."""
    service_account: str = ""
    clusters: tuple[str, ...] = ()
    """The name of each manifest's cluster, empty for the default one."""
    told: tuple[Due, ...] = ()

    @property
    def ended(self) -> str:
        """The stage at which it stopped, or an empty string."""
        last = self.steps[-1] if self.steps else None
        return last.stage if last and last.verdict in ("stopped", "failed") else ""


class Watch:
    """Watches one delivery's way through one listener. Not for two deliveries."""

    def __init__(
        self, *, assume: bool = False, changed_files: Sequence[str] | None = None, tokens: bool = True
    ) -> None:
        """With `assume`, signatures and tokens are taken as right: for deliveries whose secrets were stripped.

        `changed_files` are what addChangedFiles finds, None for what it finds itself. Without `tokens` the pull
        request of a comment is asked for with none, by somebody who needs none.
        """
        self._tokens = tokens
        self._assume = assume
        self._files = None if changed_files is None else GivenFiles(tuple(changed_files))
        self._logs: dict[str, Log] = {}
        self._verdicts: dict[Verifier, Step] = {}
        self._groups: dict[int, tuple[PreparedGroup, list[Step]]] = {}
        self._work: dict[str, Work] = {}
        self._asked: dict[str, WatchedAsked] = {}
        self._listener: Listener | None = None
        self.herald = Notices()

    def listener(self, listener: Listener) -> Listener:
        """Return the listener with everything in it watched."""
        self._listener = listener
        return replace(listener, triggers=tuple(self._trigger(trigger) for trigger in listener.triggers))

    def sink(self, inner: Sink) -> Sink:
        """Return a sink that notes what it is handed."""
        return WatchedSink(inner, self._work)

    def traces(self, report: Report) -> list[TriggerTrace]:
        """Return every trigger's path, in the report's order."""
        triggers = self._listener.triggers if self._listener else ()
        plans = dict(zip(self._work, plan(list(self._work.values())), strict=True))
        return [
            self._trace(
                trigger, outcome, [entry for entry in plans.get(trigger.identity, []) if isinstance(entry, Planned)]
            )
            for trigger, outcome in zip(triggers, report.outcomes, strict=True)
        ]

    def _trigger(self, trigger: PreparedTrigger) -> PreparedTrigger:
        group, steps = self._group(trigger.group)
        log = self._logs[trigger.identity] = Log(steps)
        bindings, template = trigger.bindings, trigger.template
        return replace(
            trigger,
            group=group,
            chain=tuple(self._interceptor(entry, log.steps) for entry in trigger.chain),
            bindings=cast("CompiledBindings", WatchedBindings(bindings, log)) if bindings else None,
            template=cast("CompiledTemplate", WatchedTemplate(template, log)) if template else None,
            status=self._status(trigger, log.steps),
        )

    def _status(self, trigger: PreparedTrigger, steps: list[Step]) -> Asked | None:
        if trigger.status is None:
            return None
        watched = self._asked[trigger.identity] = WatchedAsked(trigger.status, steps)
        return cast("Asked", watched)

    def _group(self, group: PreparedGroup | None) -> tuple[PreparedGroup | None, list[Step]]:
        if group is None:
            return None, []
        if id(group) not in self._groups:
            steps: list[Step] = []
            chain = tuple(self._interceptor(entry, steps) for entry in group.chain)
            self._groups[id(group)] = (replace(group, chain=chain), steps)
        return self._groups[id(group)]

    def _interceptor(self, inner: Interceptor, steps: list[Step]) -> Interceptor:
        if self._files and isinstance(inner, GitHubInterceptor | SentInterceptor) and inner.changed_files:
            inner = replace(inner, changed_files=self._files)
        if not self._tokens and isinstance(inner, GitHubInterceptor) and inner.pull_request:
            inner = replace(inner, pull_request=replace(inner.pull_request, token=None))
        verifier = inner.verifier
        watched = WatchedVerifier(verifier, name_of(inner), self._verdicts, self._assume) if verifier else None
        return WatchedInterceptor(inner, watched, steps)

    def _trace(self, trigger: PreparedTrigger, outcome: Outcome, planned: Sequence[Planned]) -> TriggerTrace:
        log = self._logs[trigger.identity]
        verifiers = [entry.verifier for entry in trigger.interceptors if entry.verifier]
        steps = [self._verdicts[verifier] for verifier in dict.fromkeys(verifiers) if verifier in self._verdicts]
        steps += [*log.group, *log.steps] if not any(step.verdict in ("stopped", "failed") for step in steps) else []
        work = self._work.get(trigger.identity)
        if work is not None:
            done = outcome.status.value != "failed"
            made = ", ".join(map(str, planned)) or f"{len(work.resources)} resources"
            steps.append(Step("create", made, "passed" if done else "failed", outcome.reason))
        elif not steps or steps[-1].verdict not in ("stopped", "failed"):
            steps.append(_end(outcome))
        return TriggerTrace(
            trigger.name,
            trigger.namespace,
            trigger.identity,
            outcome,
            tuple(steps),
            log.params,
            tuple(entry.manifest for entry in planned),
            trigger.service_account,
            tuple(entry.ref.cluster for entry in planned),
            due_of(work, outcome, planned) if work else self.herald.due(self._asked.get(trigger.identity)),
        )


def _end(outcome: Outcome) -> Step:
    """Return what ended a trigger outside its chain: it never was compiled, or verifies nothing."""
    stage = "load" if outcome.status.value == "failed" else "verify"
    return Step(stage, "", "failed" if stage == "load" else "stopped", outcome.reason)


def is_done(resource: Mapping[str, Json]) -> bool:
    """Say whether a resource is of Pipehook's own kind, which is done and which no cluster knows."""
    return str(resource.get("apiVersion")).startswith(PREFIX)
