"""What a listener is once it is compiled: its triggers with interceptors, bindings and templates ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from functions.interceptors.base import VERIFIES_NOTHING, Interceptor, Verifier
from functions.rendering.bindings import CompiledBindings
from functions.rendering.templates import CompiledTemplate

if TYPE_CHECKING:
    from functions.concurrency.asked import Concurrency
    from functions.status.asked import Asked

NO_ANNOTATIONS: Mapping[str, str] = {}


class PreparedGroup(Struct, frozen=True):
    """A TriggerGroup's interceptors, run once a delivery for all its triggers."""

    trigger_id: str
    chain: tuple[Interceptor, ...] = ()
    webhook_first: bool = False
    problem: str = ""


@lru_cache(maxsize=1_024)
def _same(verifiers: tuple[Verifier, ...]) -> tuple[Verifier, ...]:
    """Return the tuple that was equal before, so that a delivery finds what became of it without hashing it."""
    return verifiers


class PreparedTrigger(Struct, frozen=True, dict=True):
    """One trigger of one listener, compiled. With a `problem` it always fails, and the rest may be missing."""

    name: str
    namespace: str
    identity: str
    """Stable and unique in the listener, whatever the order of its triggers: names derive from it."""
    group: PreparedGroup | None = None
    chain: tuple[Interceptor, ...] = ()
    webhook_first: bool = False
    """The chain begins with a `webhook`, which gets a form as it came."""
    bindings: CompiledBindings | None = None
    template: CompiledTemplate | None = None
    clusters: tuple[str, ...] = ()
    """Where each of the template's resources goes; empty: all to the default cluster."""
    service_account: str = ""
    problem: str = ""
    status: Asked | None = None
    """Which of its runs are told of, and where; None costs nothing."""
    drawn_keys: bool = False
    """Params make up names of annotations or labels, so that what they become is looked at."""
    concurrency: Concurrency | None = None
    """Which of its runs are of a group with others; None costs nothing."""

    @property
    def trigger_id(self) -> str:
        """As custom interceptors are told it."""
        return f"namespaces/{self.namespace}/triggers/{self.name}"

    @property
    def interceptors(self) -> tuple[Interceptor, ...]:
        """The whole chain, the group's first."""
        return (*self.group.chain, *self.chain) if self.group else self.chain

    @cached_property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The checks of the whole chain, to run before anything is parsed; mostly the same tuple for equal ones."""
        verifiers = (interceptor.verifier for interceptor in self.interceptors)
        return _same(tuple(verifier for verifier in verifiers if verifier is not None))

    @cached_property
    def vouches(self) -> bool:
        """Whether some interceptor can know a delivery to be authentic."""
        return any(interceptor.vouches for interceptor in self.interceptors)


class Listener(Struct, frozen=True):
    """One EventListener, compiled."""

    name: str
    namespace: str
    uid: str
    triggers: tuple[PreparedTrigger, ...]
    takes_forms: bool
    """Annotated tekton.dev/payload-validation: "false": the body may be anything, as Slack's form."""
    cloud_event_uri: str = ""

    @property
    def path(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


def problems(listener: Listener, *, allow_unverified: bool) -> Mapping[str, str]:
    """Return what can never work, by trigger, for the log at start: nothing verified among it, unless allowed."""
    found = {}
    for number, trigger in enumerate(listener.triggers, start=1):
        if problem := trigger.problem or ("" if allow_unverified or trigger.vouches else VERIFIES_NOTHING):
            found[trigger.identity if trigger.name else f"{trigger.identity} (number {number})"] = problem
    return found
