"""The cel interceptor: a filter, and overlays that become extensions. The language itself is functions.cel."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import cached_property, partial
from typing import ClassVar, TypeVar, cast

from msgspec import Struct

from functions.cel import Activation, CelConversionError, CelError, Program, compile_expression, to_json
from functions.cel.errors import BEYOND_LIMITS
from functions.cel.frame import no_secrets
from functions.common.errors import ExhaustedError, LastingError, LimitError, PassingError, PipehookError
from functions.common.shared import Shared
from functions.common.values import Event, Json, Refusal, SecretRef
from functions.interceptors.base import Assurance, Call, Passed, Place, explained, extended, filtered, rejected
from functions.interceptors.overlay_paths import Path, parse_path, placed
from functions.interceptors.params import Params
from functions.interceptors.signatures import any_value_matches
from functions.model.resources import InterceptorSpec

T = TypeVar("T")


class Overlay(Struct, frozen=True):
    """One of `overlays`: an expression, and where its value goes in the extensions."""

    key: str
    path: Path
    program: Program


class CelInterceptor(Struct, frozen=True, dict=True):
    """Compiled from `ref: {name: cel}`; Tekton's pkg/interceptors/cel."""

    namespace: str
    """Where compareSecret finds its secrets: the trigger's own, whatever a third argument says."""
    filter: Program | None
    overlays: tuple[Overlay, ...]
    repeatable: ClassVar[bool] = True

    @cached_property
    def vouches(self) -> bool:
        """True when any expression calls compareSecret."""
        programs = [overlay.program for overlay in self.overlays] + ([self.filter] if self.filter else [])
        return any(program.calls_compare_secret for program in programs)

    @property
    def verifier(self) -> None:
        """None: secrets are compared while expressions are evaluated, on the parsed event."""
        return

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Apply the filter, then compute the overlays from the event as it came in: they do not see each other.

        A filter that is not true, or cannot be evaluated on this event, filters it out; it is `rejected` when
        compareSecret was asked and never answered true. Overlays are computed for an event that the filter wanted,
        as bindings are, so one that cannot be computed is a LastingError: the trigger should have run and did not.
        One that reaches a limit is a LimitError, or an ExhaustedError when it is the time or memory that all deliveries
        share, filters included. Raises what `Secrets` raises.
        """
        comparison = _Comparison(call, self.namespace)

        def seen() -> Activation:
            return Activation(
                body=_body(event),
                header=event.headers,
                extensions=event.extensions,
                request_url=event.request_url,
                # which knows the call, and so would hold what is shared, and be held by it, with the delivery
                compare_secret=comparison if self.vouches else no_secrets,
                limits=call.limits,
            )

        # to whoever compares no secret, an event is the same
        activation = seen() if self.vouches else call.shared.once(event, Activation, seen)
        run = _Evaluation(event, activation, comparison, call.shared)
        if self.filter and (reason := run.refusal(self.filter)):
            return rejected("compareSecret did not match") if comparison.refused else filtered(reason)
        if any(overlay.program.calls_compare_secret for overlay in self.overlays):
            event = self._overlaid(event, run)
        elif self.overlays:
            event = call.shared.added(event, self.overlays, lambda: self._overlaid(run.event, run))
        return Passed(event, Assurance.AUTHENTICATED if comparison.matched else Assurance.NONE)

    def _overlaid(self, event: Event, run: _Evaluation) -> Event:
        extensions: Json = {}
        for overlay in self.overlays:
            value = run.value(overlay.program)
            with explained(f"failed to sjson for key '{overlay.key}'"):
                extensions = placed(extensions, overlay.path, value)
        return extended(event, extensions if isinstance(extensions, dict) else {})


class _Comparison:
    """compareSecret for one run, and what became of it."""

    matched = False
    fault: PipehookError | None = None
    """What kept a secret from being compared: `&&` and `||` may put another error in its place."""
    _differed = False

    def __init__(self, call: Call, namespace: str) -> None:
        self._call = call
        self._namespace = namespace

    @property
    def refused(self) -> bool:
        """Whether secrets were compared and none was right."""
        return self._differed and not self.matched

    def __call__(self, candidate: str, key: str, name: str) -> bool:
        """Compare bytes in constant time with every accepted value. Raises what `Secrets` raises."""
        sent = candidate.encode("utf-8", "replace")
        ref = SecretRef(self._namespace, name, key)
        try:
            same = any_value_matches(self._call, ref, lambda value: hmac.compare_digest(value, sent))
        except PipehookError as error:
            self.fault = error
            raise
        if same:
            self.matched = True
        else:
            self._differed = True
        return same


def _body(event: Event) -> dict[str, Json]:
    body = event.read("error making the evaluation context")
    if body is None:  # Go reads null into an empty map
        return {}
    if not isinstance(body, dict):
        raise LastingError("error making the evaluation context: the body is no JSON object")
    return body


class _Evaluation(Struct, frozen=True):
    """Programs on one event; what others have asked of the same values is not evaluated again."""

    event: Event
    activation: Activation
    comparison: _Comparison
    shared: Shared

    def refusal(self, program: Program) -> str:
        """Return why the filter does not let the event through; empty when it does."""
        return self._once(program, _Evaluation._refusal)

    def value(self, program: Program) -> Json:
        """Return the value of an overlay."""
        return self._once(program, _Evaluation._value)

    def _once(self, program: Program, answer: Callable[[_Evaluation, Program], T]) -> T:
        if program.calls_compare_secret:
            return answer(self, program)
        event, reads = self.event, program.reads
        read = (
            event.body if "body" in reads else None,
            event.headers if "header" in reads else None,
            event.extensions if "extensions" in reads else None,
        )
        return self.shared.once(event, (program, answer), partial(answer, self, program), of=read)

    def _refusal(self, program: Program) -> str:
        try:
            passed = program.test(self.activation)
        except BEYOND_LIMITS as error:
            # the filter says neither yes nor no of this event, so the trigger has not run where it may have had to
            raise self._fault(program, error) from error
        except CelError as error:
            # with the secret at hand, the filter might have passed: that is no reason to call the event unwanted
            if self.comparison.fault:
                raise self.comparison.fault from error
            return f"{_evaluating(program)}: {error.reason}"
        return "" if passed else f"expression {program.source} did not return true"

    def _value(self, program: Program) -> Json:
        try:
            return cast("Json", to_json(program.evaluate(self.activation, keep=True), self.activation.limits))
        except CelConversionError:
            raise  # its reason is Tekton's whole sentence
        except (*BEYOND_LIMITS, CelError) as error:
            raise self._fault(program, error) from error

    def _fault(self, program: Program, error: PipehookError) -> PipehookError:
        """Return what keeps a program from having a value."""
        if self.comparison.fault and program.calls_compare_secret:  # what others compute, too, is not for it to explain
            return self.comparison.fault
        reason = f"{_evaluating(program)}: {error.reason}"
        if isinstance(error, PassingError):
            return ExhaustedError(reason, retry_after=error.retry_after)
        return LimitError(reason) if isinstance(error, LimitError) else LastingError(reason)


def _evaluating(program: Program) -> str:
    return f'error evaluating cel expression: expression "{program.source}" failed to evaluate'


def _compiled(source: str) -> Program:
    with explained(f'error evaluating cel expression: expression "{source}"'):
        return compile_expression(source)


def build(spec: InterceptorSpec, place: Place) -> CelInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they, a key or an expression are wrong."""
    params = Params.of(spec)
    source = params.text("filter")
    overlays: list[Overlay] = []
    for section in params.sections("overlays"):
        key, expression = section.text("key"), section.text("expression")
        overlays.append(Overlay(key, parse_path(key), _compiled(expression)))
    return CelInterceptor(place.namespace, _compiled(source) if source else None, tuple(overlays))
