"""Build an interceptor from params as YAML gives them, and run it on a delivery with secrets kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from functions.common.errors import VerificationSetupError
from functions.common.ports import ChangedFile, Comparison, Deadline, Outbound, Reply, Services
from functions.common.values import Event, Headers, Json, Refusal, SecretRef, Status
from functions.delivery import Delivery, canonical_headers
from functions.interceptors.base import Assurance, Call, Interceptor, Passed, Place
from functions.interceptors.building import build_interceptor
from functions.model.annotations import Judged
from functions.model.resources import InterceptorSpec, Registry

NAMESPACE = "team"
NOW = 1_800_000_000.0


@dataclass
class MemorySecrets:
    """Secrets by (namespace, name, key), newest value first; `rotated` is what reading anew finds."""

    values: dict[tuple[str, str, str], tuple[bytes, ...]] = field(default_factory=dict)
    rotated: dict[tuple[str, str, str], tuple[bytes, ...]] = field(default_factory=dict)
    renewals: int = 0

    def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:
        """Return the values or raise as the adapters do."""
        values = self.values.get((ref.namespace, ref.name, ref.key))
        if not values:
            raise VerificationSetupError(f"error getting secret: {ref.name} has no key {ref.key}")
        return values

    def renewed(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...] | None:
        """Return the values read anew."""
        self.renewals += 1
        return self.rotated.get((ref.namespace, ref.name, ref.key))

    def require_all(self, ref: SecretRef, deadline: Deadline) -> None:
        """There are no others."""


class NoOutbound:
    """Core interceptors call no custom hosts."""

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        """Fail the test."""
        raise AssertionError(url)


class MemoryGitHub:
    """GitHub's answers, and which were asked for, with the token."""

    def __init__(self) -> None:
        self.files: list[str | ChangedFile] = []
        self.comparisons: dict[tuple[str, str], Comparison] = {}
        self.pulls: dict[str, Json] = {}
        self.failed: list[str] = []
        self.members: list[str] = []
        self.collaborator_logins: list[str] = []
        self.owners: str | None = None
        self.aliases: str | None = None
        self.pull_request_head = ""
        self.fault: Exception | None = None
        self.good_token: str | None = None
        self.asked: list[tuple[str, str]] = []

    def _ask(self, question: str, token: str) -> None:
        self.asked.append((question, token))
        if self.fault:
            raise self.fault
        if self.good_token is not None and token != self.good_token:
            from functions.common.errors import TokenRefusedError

            raise TokenRefusedError("GitHub refuses the token")

    def pull_request_files(
        self, repository: str, number: int, *, token: str, deadline: Deadline
    ) -> Sequence[ChangedFile]:
        """Return the files."""
        self._ask(f"files {repository} {number}", token)
        return [ChangedFile(file) if isinstance(file, str) else file for file in self.files]

    def compared(self, repository: str, base: str, head: str, *, token: str, deadline: Deadline) -> Comparison | None:
        """Return the comparison that was set."""
        self._ask(f"compare {repository} {base}...{head}", token)
        return self.comparisons.get((base, head))

    def pull_request(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Mapping[str, Json]:
        """Return the pull request."""
        self._ask(f"pull {repository} {number}", token)
        return self.pulls

    def failed_contexts(self, repository: str, sha: str, *, token: str, deadline: Deadline) -> Sequence[str]:
        """Return the contexts."""
        self._ask(f"failed {repository} {sha}", token)
        return self.failed

    def is_member(self, organization: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Say whether somebody is among the members."""
        self._ask(f"member {organization} {login}", token)
        return login in self.members

    def is_collaborator(self, repository: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Say whether somebody is among the collaborators."""
        self._ask(f"collaborator {repository} {login}", token)
        return login in self.collaborator_logins

    def head(self, repository: str, number: int, *, token: str, deadline: Deadline) -> str:
        """Return the head."""
        self._ask(f"head {repository} {number}", token)
        return self.pull_request_head

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:
        """Return OWNERS or OWNERS_ALIASES."""
        self._ask(f"file {repository} {path}", token)
        return self.owners if path == "OWNERS" else self.aliases


@dataclass
class Bench:
    """What one test sets up: secrets, GitHub and the delivery."""

    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    github: MemoryGitHub = field(default_factory=MemoryGitHub)
    outbound: Outbound = field(default_factory=NoOutbound)
    body: bytes = b"{}"
    headers: list[tuple[str, str]] = field(default_factory=list)
    path: str = "/"

    def keep(self, name: str, key: str, *values: bytes) -> None:
        """Keep a secret in the trigger's namespace, newest value first."""
        self.secrets.values[(NAMESPACE, name, key)] = values

    def rotate(self, name: str, key: str, *values: bytes) -> None:
        """Keep what reading the secret anew finds."""
        self.secrets.rotated[(NAMESPACE, name, key)] = values

    @property
    def call(self) -> Call:
        """The call that interceptors get."""
        delivery = Delivery(
            path=self.path,
            headers=canonical_headers(self.headers),
            body=self.body,
            received_at=NOW,
            nonce="nonce",
        )
        services = Services(self.secrets, self.outbound, self.github)
        return Call(delivery, services, Deadline(8.0, lambda: 0.0), f"namespaces/{NAMESPACE}/triggers/t")

    def verify(self, interceptor: Interceptor) -> Assurance | Refusal:
        """Run the verifier over the raw delivery."""
        assert interceptor.verifier is not None
        return interceptor.verifier.verify(self.call)

    def intercept(
        self, interceptor: Interceptor, body: Json, *, extensions: Mapping[str, Json] | None = None
    ) -> Passed | Refusal:
        """Run the interceptor on a parsed body, with the delivery's headers."""
        call = replace(self.call, body=body)
        event = Event(body, call.delivery.headers, extensions or {}, self.path, "id")
        return interceptor.intercept(event, call)


def built(name: str, params: Mapping[str, Json] | None = None, *, judged: Judged = "author") -> Interceptor:
    """Compile a core interceptor."""
    spec = InterceptorSpec(ref_name=name, params=tuple((params or {}).items()))
    return build_interceptor(spec, Place(NAMESPACE, "listeners", Registry(), judged=judged))


def event_of(step: Passed | Refusal) -> Event:
    """Return the event that passed."""
    assert isinstance(step, Passed), step
    return step.event


def rejection(step: object) -> str:
    """Return the reason of a `rejected` refusal."""
    assert isinstance(step, Refusal), step
    assert step.status is Status.REJECTED, step
    return step.reason


def filtering(step: object) -> str:
    """Return the reason of a `filtered` refusal."""
    assert isinstance(step, Refusal), step
    assert step.status is Status.FILTERED, step
    return step.reason
