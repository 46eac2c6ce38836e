"""Every stage of one delivery, watched: a listener wrapped so that its parts say what they did.

The pipeline is the real one.
For each delivery a fresh `Watch` wraps the listener's interceptors, bindings and templates; nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from functions.cli.due import Due, Notices, WatchedAsked, due_of
from functions.common.errors import PipehookError
from functions.common.limits import UNLIMITED, Limits
from functions.common.ports import Deadline, Sink, Work
from functions.common.shared import Shared
from functions.common.values import Event, Json, Outcome, Provider, Refusal
from functions.interceptors.base import Assurance, Call, Interceptor, Passed, Verifier
from functions.interceptors.changed_files import GivenFiles
from functions.interceptors.github import GitHubInterceptor
from functions.interceptors.sent import SentInterceptor
from functions.interceptors.signatures import HubSignature
from functions.listening.prepared import Listener, PreparedGroup, PreparedTrigger
from functions.outcomes.plan import Planned, plan
from functions.outcomes.report import Report
from functions.rendering.bindings import CompiledBindings
from functions.rendering.templates import CompiledTemplate

if TYPE_CHECKING:
    from functions.status.asked import Asked

Verdict = Literal["passed", "assumed", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage of one trigger did."""

    stage: str
    """verify, intercept, bind, render or create."""
    name: str
    """The interceptor's, or what was made."""
    verdict: Verdict
    reason: str = ""
    added: Mapping[str, Json] = field(default_factory=dict)
    """Extensions that the interceptor added."""


@dataclass(frozen=True, slots=True)
class TriggerTrace:
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


@dataclass(slots=True)
class _Log:
    group: list[Step]
    steps: list[Step] = field(default_factory=list)
    params: Mapping[str, str] = field(default_factory=dict)


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
        self._logs: dict[str, _Log] = {}
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
        return _WatchedSink(inner, self._work)

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
        log = self._logs[trigger.identity] = _Log(steps)
        bindings, template = trigger.bindings, trigger.template
        return replace(
            trigger,
            group=group,
            chain=tuple(self._interceptor(entry, log.steps) for entry in trigger.chain),
            bindings=cast("CompiledBindings", _WatchedBindings(bindings, log)) if bindings else None,
            template=cast("CompiledTemplate", _WatchedTemplate(template, log)) if template else None,
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
        watched = _WatchedVerifier(verifier, _name(inner), self._verdicts, self._assume) if verifier else None
        return _WatchedInterceptor(inner, watched, steps)

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


def _name(interceptor: Interceptor) -> str:
    if isinstance(interceptor, SentInterceptor):
        return interceptor.name
    return type(interceptor).__name__.removesuffix("Interceptor").lower()


@dataclass(frozen=True)
class _WatchedVerifier:
    """Equal to another of an equal verifier, so that the pipeline asks each once."""

    inner: Verifier
    name: str = field(compare=False)
    verdicts: dict[Verifier, Step] = field(compare=False)
    assume: bool = field(compare=False)

    @property
    def provider(self) -> Provider:
        """As the inner one."""
        return self.inner.provider

    def verify(self, call: Call) -> Assurance | Refusal:
        """Verify, or take the delivery as verified."""
        if self.assume:
            self.verdicts[self.inner] = Step("verify", self.name, "assumed", "the signature is taken as right")
            return Assurance.SIGNED if isinstance(self.inner, HubSignature) else Assurance.AUTHENTICATED
        try:
            verdict = self.inner.verify(call)
        except PipehookError as error:
            self.verdicts[self.inner] = Step("verify", self.name, "failed", error.reason)
            raise
        refused = isinstance(verdict, Refusal)
        reason = verdict.reason if isinstance(verdict, Refusal) else ""
        self.verdicts[self.inner] = Step("verify", self.name, "stopped" if refused else "passed", reason)
        return verdict


@dataclass(frozen=True)
class _WatchedInterceptor:
    inner: Interceptor
    verifier: _WatchedVerifier | None
    steps: list[Step]
    repeatable: ClassVar[bool] = False
    """Each trigger's steps are noted."""

    @property
    def vouches(self) -> bool:
        """As the inner one."""
        return self.inner.vouches

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Run, and note what came of it."""
        name = _name(self.inner)
        try:
            step = self.inner.intercept(event, call)
        except PipehookError as error:
            self.steps.append(Step("intercept", name, "failed", error.reason))
            raise
        if isinstance(step, Refusal):
            self.steps.append(Step("intercept", name, "stopped", step.reason))
            return step
        added = {
            key: value
            for key, value in step.event.extensions.items()
            if key not in event.extensions or event.extensions[key] is not value
        }
        self.steps.append(Step("intercept", name, "passed", added=added))
        return step


@dataclass(frozen=True)
class _WatchedBindings:
    inner: CompiledBindings
    log: _Log

    def resolve(self, event: Event, defaults: Mapping[str, str], *, limits: Limits, shared: Shared) -> dict[str, str]:
        """Resolve, and keep the params."""
        try:
            params = self.inner.resolve(event, defaults, limits=limits, shared=shared)
        except PipehookError as error:
            self.log.steps.append(Step("bind", "", "failed", error.reason))
            raise
        self.log.params = {**defaults, **params}
        self.log.steps.append(Step("bind", f"{len(params)} params", "passed"))
        return params


@dataclass(frozen=True)
class _WatchedTemplate:
    inner: CompiledTemplate
    log: _Log

    @property
    def defaults(self) -> Mapping[str, str]:
        """As the inner one's."""
        return self.inner.defaults

    @property
    def places(self) -> tuple[str, ...]:
        """As the inner one's."""
        return self.inner.places

    def render(self, params: Mapping[str, str], *, uid: str, limits: Limits = UNLIMITED) -> list[dict[str, Json]]:
        """Render, and note how much."""
        try:
            resources = self.inner.render(params, uid=uid, limits=limits)
        except PipehookError as error:
            self.log.steps.append(Step("render", "", "failed", error.reason))
            raise
        kinds = ", ".join(str(resource.get("kind")) for resource in resources)
        self.log.steps.append(Step("render", kinds, "passed"))
        return resources


@dataclass(frozen=True)
class _WatchedSink:
    inner: Sink
    work: dict[str, Work]

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Note the work and hand it on."""
        self.work.update({entry.identity: entry for entry in work})
        return self.inner.accept(work, deadline)
