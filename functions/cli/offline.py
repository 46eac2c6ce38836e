"""What stands in where a command shall ask nobody: secrets, GitHub and other hosts that say how to allow them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct

from functions.common.errors import LastingError, VerificationSetupError
from functions.common.ports import ChangedFile, Deadline, Reply, Services
from functions.common.values import Headers, Json, SecretRef
from functions.settings import Settings


class _NoSecrets:
    def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:  # noqa: ARG002 -- the port's form
        raise VerificationSetupError(
            f"secret {ref.namespace}/{ref.name} is not read here: --online asks SECRETS_SOURCE for it"
        )

    def renewed(self, ref: SecretRef, deadline: Deadline) -> None:  # noqa: ARG002 -- the port's form
        return None

    def require_all(self, ref: SecretRef, deadline: Deadline) -> None:
        pass


class _NoHosts:
    def post(
        self,
        url: str,  # noqa: ARG002 -- the port's form
        *,
        body: bytes,  # noqa: ARG002 -- the port's form
        headers: Headers,  # noqa: ARG002 -- the port's form
        seconds: float,  # noqa: ARG002 -- the port's form
        ca_pem: str = "",  # noqa: ARG002 -- the port's form
    ) -> Reply:
        raise LastingError("custom interceptors are not called here: --online calls them")


class GitHubAnswers(Struct, frozen=True):
    """What GitHub is said to answer of a comment's pull request."""

    pull_request: Mapping[str, Json]
    failed: tuple[str, ...] = ()


class _NoGitHub(Struct, frozen=True):
    answers: GitHubAnswers | None

    def pull_request_files(
        self,
        repository: str,  # noqa: ARG002 -- the port's form
        number: int,  # noqa: ARG002 -- the port's form
        *,
        token: str,  # noqa: ARG002 -- the port's form
        deadline: Deadline,  # noqa: ARG002 -- the port's form
    ) -> Iterable[ChangedFile]:
        _refuse(f"{_ASKED}, --changed-files says what it would answer")

    def compared(self, repository: str, base: str, head: str, *, token: str, deadline: Deadline) -> None:  # noqa: ARG002 -- the port's form
        return None

    def pull_request(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Mapping[str, Json]:  # noqa: ARG002 -- the port's form
        if self.answers is None:
            _refuse(f"{_ASKED}, --pull-request says what it would answer")
        return self.answers.pull_request

    def failed_contexts(self, repository: str, sha: str, *, token: str, deadline: Deadline) -> Sequence[str]:  # noqa: ARG002 -- the port's form
        if self.answers is None:
            _refuse()
        return self.answers.failed

    def is_member(self, organization: str, login: str, *, token: str, deadline: Deadline) -> bool:  # noqa: ARG002 -- the port's form
        _refuse()

    def is_collaborator(self, repository: str, login: str, *, token: str, deadline: Deadline) -> bool:  # noqa: ARG002 -- the port's form
        _refuse()

    def head(self, repository: str, number: int, *, token: str, deadline: Deadline) -> str:  # noqa: ARG002 -- the port's form
        _refuse()

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:  # noqa: ARG002 -- the port's form
        _refuse()


_ASKED = "GitHub is not asked here: --online asks it"


def _refuse(reason: str = _ASKED) -> NoReturn:
    raise LastingError(reason)


def services(settings: Settings, *, online: bool, answers: GitHubAnswers | None = None) -> Services:
    """Return what interceptors may ask: with `online` what the settings name, else nobody, and `answers` stand in."""
    if not online:
        return Services(secrets=_NoSecrets(), outbound=_NoHosts(), github=_NoGitHub(answers))
    from functions.entrypoints.parts import put_together  # noqa: PLC0415 -- the adapters, for those who ask

    return put_together(settings, namespaces=frozenset).services
