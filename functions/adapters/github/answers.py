"""What GitHub's API answers: statuses become the errors of the family, rate limits are told from refusals."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from msgspec import Struct

from functions.common.errors import BadRequestError, LastingError, PassingError, TokenRefusedError
from functions.common.numbers import whole
from functions.common.values import Json
from functions.go.decode import parse_json

SECONDARY_LIMIT_SECONDS = 60.0
"""What GitHub asks to wait after a secondary rate limit that names no time."""

_LOOKED_AT = 64 * 1024


class Question(Struct, frozen=True):
    """What a call is about, for the texts of errors: no name of a repository, user or token."""

    about: str
    """Such as `the files of the pull request`."""
    permission: str
    """What the token must be allowed, such as `Pull requests: read`."""
    service: str = "GitHub"
    """Who is asked: GitLab and Bitbucket are, too, about statuses."""


class Answer(Struct, frozen=True):
    """What GitHub answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """Where it came from, after redirects."""

    def json(self) -> Json:
        """Return the parsed body. Raises PassingError when it is no JSON: a proxy's page, or an answer cut short."""
        try:
            return parse_json(self.body)
        except BadRequestError as error:
            raise PassingError("GitHub's API did not answer with JSON") from error

    def check(self, question: Question, *, now: float) -> None:
        """Raise unless GitHub accepted the call; `now` is in seconds since 1970.

        PassingError for rate limits and 5xx, TokenRefusedError for 401, LastingError for everything else.
        """
        status, about = self.status, question.about
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if self.is_rate_limit:
            raise PassingError(
                f"{question.service}'s rate limit is used up ({status} when asked for {about})",
                retry_after=self._wait(now),
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PassingError(
                f"{question.service}'s API answered {status} when asked for {about}",
                retry_after=self._seconds("retry-after"),
            )
        if status == HTTPStatus.UNAUTHORIZED:
            raise TokenRefusedError(
                f"{question.service} refuses the token (401 for {about}): it is wrong, expired or revoked"
            )
        if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise LastingError(
                f"{question.service} answered {status} when asked for {about}: the token needs {question.permission}"
            )
        raise LastingError(f"{question.service}'s API answered {status} when asked for {about}")

    @property
    def is_rate_limit(self) -> bool:
        """Whether GitHub refused because too much was asked."""
        # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429 for both kinds
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            return True
        return self.status == HTTPStatus.FORBIDDEN and (
            "retry-after" in self.headers
            or self.headers.get("x-ratelimit-remaining") == "0"
            or b"secondary rate limit" in self.body[:_LOOKED_AT]
        )

    def _wait(self, now: float) -> float:
        asked, reset = self._seconds("retry-after"), self._seconds("x-ratelimit-reset")
        if asked is not None:
            return asked
        if self.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(1.0, reset - now)
        return SECONDARY_LIMIT_SECONDS

    def _seconds(self, header: str) -> float | None:
        found = whole(self.headers.get(header, ""), digits=12)
        return None if found is None else float(found)


def unexpected(question: Question) -> LastingError:
    """Return the error of an answer that is JSON of another shape than GitHub's documentation gives."""
    return LastingError(
        f"{question.service}'s API answered something else than {question.about}: is GITHUB_API_URL right?"
    )
