"""The deliveries of GitHub's hooks over its REST API: of repositories, organisations and the App."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import TokenRefusedError
from functions.common.lenient import object_at
from functions.common.numbers import whole
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.redelivery.sweep import Attempt

MAX_PAGES = 100
"""Of 100 attempts each."""
REDELIVERED_PAGES = 3
"""Of 100 redeliveries each, in which one that was just made is looked for."""
APP = "app"

# https://docs.github.com/en/rest/repos/webhooks, …/orgs/webhooks, …/apps/webhooks
_PERMISSIONS = {
    "repos": "the repository's Webhooks permission, read and write (classic: write:repo_hook)",
    "orgs": "the organization's Webhooks permission, read and write (classic: admin:org_hook, of an owner)",
    APP: "to be the App's own (GITHUB_APP_ID and GITHUB_APP_KEY_SECRET)",
}

R = TypeVar("R")


class Tokens(Protocol):
    """Where the tokens come from."""

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        """Return what may read and redeliver a hook's deliveries; with `renew`, not one that was given before."""


class GitHubHooks:
    """Fulfils `redelivery.run.Deliveries`. A hook is `repos/OWNER/REPO/hooks/ID`, `orgs/ORG/hooks/ID` or `app`."""

    def __init__(self, transport: GitHubTransport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens

    def attempts(self, hook: str, *, since: float, deadline: Deadline) -> tuple[list[Attempt], bool]:
        """Return all attempts since a time, and whether they are all (MAX_PAGES pages are read)."""

        def read(token: str) -> tuple[list[Attempt], bool]:
            question = _question("deliveries", hook)
            pages = self._transport.pages(_path(hook), question, token=token, deadline=deadline)
            found: list[Attempt] = []
            for number, page in enumerate(islice(pages, MAX_PAGES), start=1):
                listed = _attempts(page, question)
                found += [attempt for attempt in listed if attempt.delivered_at >= since]
                if listed and listed[-1].delivered_at < since:  # newest first
                    return found, True
                if number == MAX_PAGES:
                    return found, False
            return found, True

        return self._asked(hook, read, deadline)

    def newest(self, hook: str, *, deadline: Deadline) -> list[Attempt]:
        """Return the newest attempts, one page."""

        def read(token: str) -> list[Attempt]:
            question = _question("newest deliveries", hook)
            pages = self._transport.pages(_path(hook), question, token=token, deadline=deadline)
            return _attempts(next(pages, []), question)

        return self._asked(hook, read, deadline)

    def redelivered(self, hook: str, guid: str, *, deadline: Deadline) -> list[int]:
        """Return the ids of a GUID's redeliveries, newest first, as far as REDELIVERED_PAGES go back."""

        def read(token: str) -> list[int]:
            question = _question("redeliveries", hook)
            path = f"{_path(hook)}?redelivery=true"
            pages = self._transport.pages(path, question, token=token, deadline=deadline)
            # GitHub Enterprise Servers of old list all attempts
            items = (item for page in islice(pages, REDELIVERED_PAGES) for item in page if isinstance(item, dict))
            own = (item for item in items if item.get("guid") == guid and item.get("redelivery") is True)
            return [number for item in own if (number := whole(item.get("id"))) is not None]

        return self._asked(hook, read, deadline)

    def signature(self, hook: str, attempt: int, *, deadline: Deadline) -> str:
        """Return the X-Hub-Signature-256 of an attempt, empty when it had none."""

        def read(token: str) -> str:
            question = _question("redelivery", hook)
            answer = self._transport.get(f"{_path(hook)}/{attempt:d}", question, token=token, deadline=deadline)
            sent = object_at(answer.json(), "request", "headers")
            headers = {name.lower(): value for name, value in sent.items()}
            return str(headers.get("x-hub-signature-256", ""))

        return self._asked(hook, read, deadline)

    def redeliver(self, hook: str, attempt: int, *, deadline: Deadline) -> None:
        """Ask GitHub to make an attempt again; it answers 202 and does so soon."""

        def ask(token: str) -> None:
            path = f"{_path(hook)}/{attempt:d}/attempts"
            self._transport.send("POST", path, _question("redelivery", hook), token=token, deadline=deadline)

        self._asked(hook, ask, deadline)

    def _asked(self, hook: str, call: Callable[[str], R], deadline: Deadline) -> R:
        try:
            return call(self._tokens.token(hook, deadline=deadline))
        except TokenRefusedError:
            # rotated or run out since it was read
            return call(self._tokens.token(hook, deadline=deadline, renew=True))


def _path(hook: str) -> str:
    return f"/{hook}/hook/deliveries" if hook == APP else f"/{hook}/deliveries"


def _question(what: str, hook: str) -> Question:
    return Question(f"the {what} of the hook {hook}", _PERMISSIONS[hook.partition("/")[0]])


def _attempts(page: Sequence[Json], question: Question) -> list[Attempt]:
    # one that has not been delivered yet has no time, and no answer that could be judged
    made = (item for item in page if not isinstance(item, dict) or item.get("delivered_at") is not None)
    return [_attempt(item, question) for item in made]


def _attempt(item: Json, question: Question) -> Attempt:
    if not isinstance(item, dict):
        raise unexpected(question)
    number, guid, event, at = (item.get(name) for name in ("id", "guid", "event", "delivered_at"))
    code = item.get("status_code")
    number = whole(number)
    if number is None or not isinstance(guid, str) or not isinstance(at, str):
        raise unexpected(question)
    try:
        delivered_at = datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError) as error:  # the latter for years that no clock has
        raise unexpected(question) from error
    return Attempt(
        id=number,
        guid=guid,
        event=event if isinstance(event, str) else "",
        status_code=whole(code) or 0,
        delivered_at=delivered_at,
        redelivery=item.get("redelivery") is True,
    )
