"""The parts of a listener, wrapped so that they note what they did for one trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from msgspec import Struct, field

from functions.common.errors import PipehookError
from functions.common.limits import UNLIMITED, Limits
from functions.common.ports import Deadline, Sink, Work
from functions.common.shared import Shared
from functions.common.values import Event, Json, Outcome, Provider, Refusal
from functions.interceptors.base import Assurance, Call, Interceptor, Passed, Verifier
from functions.interceptors.sent import SentInterceptor
from functions.interceptors.signatures import HubSignature
from functions.rendering.bindings import CompiledBindings
from functions.rendering.templates import CompiledTemplate

Verdict = Literal["passed", "assumed", "stopped", "failed"]


class Step(Struct, frozen=True):
    """What one stage of one trigger did."""

    stage: str
    """verify, intercept, bind, render or create."""
    name: str
    """The interceptor's, or what was made."""
    verdict: Verdict
    reason: str = ""
    added: Mapping[str, Json] = field(default_factory=dict)
    """Extensions that the interceptor added."""


class Log(Struct):
    """What is noted of one trigger."""

    group: list[Step]
    steps: list[Step] = field(default_factory=list)
    params: Mapping[str, str] = field(default_factory=dict)


def name_of(interceptor: Interceptor) -> str:
    """Return an interceptor's name as manifests have it."""
    if isinstance(interceptor, SentInterceptor):
        return interceptor.name
    return type(interceptor).__name__.removesuffix("Interceptor").lower()


class WatchedVerifier(Struct, frozen=True):
    """Equal to another of an equal verifier, so that the pipeline asks each once."""

    inner: Verifier
    name: str
    verdicts: dict[Verifier, Step]
    assume: bool

    def __eq__(self, other: object) -> bool:
        """Compare the verifiers alone."""
        return isinstance(other, WatchedVerifier) and self.inner == other.inner

    def __hash__(self) -> int:
        """Return the verifier's."""
        return hash(self.inner)

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


class WatchedInterceptor(Struct, frozen=True):
    """One interceptor of one trigger."""

    inner: Interceptor
    verifier: WatchedVerifier | None
    steps: list[Step]
    repeatable: ClassVar[bool] = False
    """Each trigger's steps are noted."""

    @property
    def vouches(self) -> bool:
        """As the inner one."""
        return self.inner.vouches

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Run, and note what came of it."""
        name = name_of(self.inner)
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


class WatchedBindings(Struct, frozen=True):
    """The bindings of one trigger."""

    inner: CompiledBindings
    log: Log

    def resolve(
        self, event: Event, defaults: Mapping[str, str], *, limits: Limits, shared: Shared
    ) -> Mapping[str, str]:
        """Resolve, and keep the params."""
        try:
            params = self.inner.resolve(event, defaults, limits=limits, shared=shared)
        except PipehookError as error:
            self.log.steps.append(Step("bind", "", "failed", error.reason))
            raise
        self.log.params = {**defaults, **params}
        self.log.steps.append(Step("bind", f"{len(params)} params", "passed"))
        return params


class WatchedTemplate(Struct, frozen=True):
    """The template of one trigger."""

    inner: CompiledTemplate
    log: Log

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


class WatchedSink(Struct, frozen=True):
    """Where the work goes."""

    inner: Sink
    work: dict[str, Work]

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Note the work and hand it on."""
        self.work.update({entry.identity: entry for entry in work})
        return self.inner.accept(work, deadline)
