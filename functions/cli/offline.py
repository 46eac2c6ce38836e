"""What stands in where a command shall ask nobody: secrets, GitHub and other hosts that say how to allow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from msgspec import Struct

from functions.common.errors import LastingError, VerificationSetupError
from functions.common.ports import Services
from functions.common.values import Json, SecretRef
from functions.settings import Settings

_ASKED = "GitHub is not asked here: --online asks it"


class _NoSecrets:
    def accepted(self, ref: SecretRef, *_: object, **__: object) -> tuple[bytes, ...]:
        raise VerificationSetupError(
            f"secret {ref.namespace}/{ref.name} is not read here: --online asks SECRETS_SOURCE for it"
        )

    def renewed(self, *_: object, **__: object) -> None:
        return None

    require_all = renewed


class _NoHosts:
    def post(self, *_: object, **__: object) -> NoReturn:
        raise LastingError("custom interceptors are not called here: --online calls them")


class GitHubAnswers(Struct, frozen=True):
    """What GitHub is said to answer of a comment's pull request."""

    pull_request: Mapping[str, Json]
    failed: tuple[str, ...] = ()


class _NoGitHub(Struct, frozen=True):
    answers: GitHubAnswers | None

    def pull_request_files(self, *_: object, **__: object) -> NoReturn:
        raise LastingError(f"{_ASKED}, --changed-files says what it would answer")

    def compared(self, *_: object, **__: object) -> None:
        return None

    def pull_request(self, *_: object, **__: object) -> Mapping[str, Json]:
        if self.answers is None:
            raise LastingError(f"{_ASKED}, --pull-request says what it would answer")
        return self.answers.pull_request

    def failed_contexts(self, *_: object, **__: object) -> Sequence[str]:
        return self.answers.failed if self.answers else self.head()

    def head(self, *_: object, **__: object) -> NoReturn:
        raise LastingError(_ASKED)

    is_member = is_collaborator = file = head


def services(settings: Settings, *, online: bool, answers: GitHubAnswers | None = None) -> Services:
    """Return what interceptors may ask: with `online` what the settings name, else nobody, and `answers` stand in."""
    if not online:
        return Services(secrets=_NoSecrets(), outbound=_NoHosts(), github=_NoGitHub(answers))
    from functions.entrypoints.parts import put_together  # noqa: PLC0415 -- the adapters, for those who ask

    return put_together(settings, namespaces=frozenset).services
