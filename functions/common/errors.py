"""The one error family: every fault that Pipehook raises, and whether trying again can help.

A refusal (an event type that is not allowed, a wrong signature) is a value, not an error: see `values.Refusal`.
The text of an error is shown to verified senders and written to the log; it never carries a secret, a header, a
body or a parameter's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar


class PipehookError(Exception):
    """The base of the family; `reason` is one sentence that is safe to show."""

    passing = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


Error = TypeVar("Error", bound=BaseException)


def settled(error: Error) -> Error:
    """Return an error that is kept, without the frames it came through: they hold the body, and what was made of it."""
    found: BaseException | None = error
    seen: list[BaseException] = []
    while found is not None and found not in seen:
        found.__traceback__ = None
        seen.append(found)
        found = found.__cause__ or found.__context__
    return error


class LastingError(PipehookError):
    """A fault that the same delivery will meet again, until somebody mends the cause (HTTP 422)."""


class PassingError(PipehookError):
    """A fault that passes: sending the same delivery again will help (HTTP 503).

    `retry_after` is the number of seconds that the other side asked for, if it did.
    """

    passing = True

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class LimitError(LastingError):
    """A bound that this delivery exceeds by what it is: whatever was asked of it is neither true nor false."""


class ExhaustedError(PassingError):
    """What all deliveries share is used up now: this one's time, or the process's memory."""


class VerificationSetupError(LastingError):
    """The delivery cannot be verified because a secret is missing, empty or unreadable; the reason names it."""


class TokenRefusedError(LastingError):
    """Another service does not know the token that it was shown (HTTP 401); a renewed one may do."""


class UnreadBodyError(LastingError):
    """A trigger needs the body as JSON, and it is none."""


class ConfigurationError(LastingError):
    """The function cannot serve: `mistakes` lists everything that is wrong, one sentence each, for the log."""

    def __init__(self, reason: str, mistakes: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.mistakes = tuple(mistakes)


def mistaken(what: str, mistakes: Sequence[str], more: str = "") -> ConfigurationError:
    """Return the error that says how many mistakes `what` has."""
    count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ConfigurationError(f"{what} has {count}{more}", mistakes)


class BadRequestError(PipehookError):
    """The request is no event: `status` is the HTTP status (400, 404, 405 or 413) that says so."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class JsonLimitError(BadRequestError):
    """A JSON text is well-formed as far as is known, and more than is taken."""
