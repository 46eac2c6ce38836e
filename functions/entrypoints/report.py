"""The `report` entry point: Tekton's CloudEvents of runs, each a hint to look at the run, or the group, that it names.

Public, and known to whoever reads the ConfigMap of the sink: so the key opens it, and nothing in an event is believed.
Tekton sends an event again for 404, 413, 425, 429, 502, 503 and 504 alone, for some ten seconds.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec import Struct

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.adapters.http.room import share
from functions.adapters.secrets.sources import SecretStore
from functions.common.errors import (
    BadRequestError,
    ConfigurationError,
    LastingError,
    LimitError,
    PassingError,
    PipehookError,
    mistaken,
)
from functions.common.lenient import at, text_at
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.delivery import Delivery
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.parts import Parts, put_together
from functions.entrypoints.settling import Settler, open_settler
from functions.entrypoints.telling import open_teller
from functions.entrypoints.traces import project_of
from functions.go.decode import Making, parse_json
from functions.model.annotations import GROUP, STATUS
from functions.settings import Settings, read_settings, require_cluster
from functions.status.marks import place_of, target_of
from functions.status.settle import Teller

if TYPE_CHECKING:
    from flask import Request

SECONDS = 8.0
"""What one event may take: the sender waits for the answer."""
RETRY_SECONDS = 2
_KIND = "dev.tekton.event.pipelinerun."
_GOES_ON = ("running.v1", "unknown.v1")
"""Of a run that has been told of since it was made, or started: there is one for each of its tasks."""
_ENDS = ("successful.v1", "failed.v1")
_LABELS = (STATUS.encode(), GROUP.encode())
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Keys(Struct, frozen=True):
    """The accepted keys: all enabled versions of a secret."""

    secrets: SecretStore
    resource: str

    def match(self, sent: Sequence[bytes], deadline: Deadline) -> bool:
        """Say whether one of what was sent is a key, read anew if need be. Raises PassingError while nobody can know.

        Every pair is compared, in constant time: how long it takes does not tell what came close.
        """
        try:
            return _matches(sent, self.secrets.fetch_all(self.resource, deadline)) or _matches(
                sent, self.secrets.fetch_all(self.resource, deadline, refresh=True)
            )
        except LastingError as error:  # until somebody mends the secret
            raise PassingError(error.reason) from error


class Report(Struct, frozen=True):
    """Serves Tekton's events. Immutable; shared by all request threads."""

    keys: Keys
    teller: Teller | None
    """None without a token of any provider: then concurrency groups alone are settled."""
    settler: Settler
    project: str = ""

    def __call__(self, request: Request) -> exchange.Response:
        """Answer one event: 202 when it was told or there is nothing to tell, 401 without the key, 503 for later."""
        if exchange.is_probe(request):
            return exchange.respond({"status": "ok"})
        deadline = Deadline(time.monotonic() + SECONDS, time.monotonic)
        try:
            # before the body is so much as read
            sent = _sent(request)
            if not sent or not self.keys.match(sent, deadline):
                logs.write("WARNING", "refused: without the key of REPORT_KEY_SECRET", fields=_fields(401))
                return exchange.respond({"outcome": "refused"}, HTTPStatus.UNAUTHORIZED)
            with exchange.received(request) as delivery, share(len(delivery.body)) as memory:
                return self._answer(delivery, partial(memory.making, verified=True), deadline)
        except BadRequestError as error:
            return exchange.respond({"outcome": "refused", "reason": error.reason}, error.status)
        except LimitError as error:
            return exchange.respond({"outcome": "refused", "reason": error.reason}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except PassingError as error:
            return _later(error, "")

    def _answer(self, delivery: Delivery, making: Making, deadline: Deadline) -> exchange.Response:
        hint = _hint(delivery, making)
        if hint is None:
            return exchange.respond({"outcome": "dropped"}, HTTPStatus.ACCEPTED)
        trace = logs.trace_of(delivery, project=self.project)
        # the next run waits for no provider, and a commit for no group
        late = self._settled(delivery, hint, deadline.part(2))
        outcome = "unchanged"
        try:
            if self.teller is not None and target_of(hint) is not None and self.teller.hinted(hint, deadline):
                outcome = "told"
        except PassingError as error:
            return _later(error, trace)
        except PipehookError as error:
            logs.write("ERROR", f"a status was not told: {error.reason}", trace=trace, fields=_fields(202))
            outcome = "failed"
        else:
            logs.write("INFO", f"status {outcome}", labels={"outcome": outcome}, trace=trace, fields=_fields(202))
        if late is not None:
            return _later(late, trace, "a concurrency group is not settled yet")
        return exchange.respond({"outcome": outcome}, HTTPStatus.ACCEPTED)

    def _settled(self, delivery: Delivery, hint: Mapping[str, Json], deadline: Deadline) -> PassingError | None:
        """Let the next run of a group begin when one has ended; return what the event should come again for."""
        if not text_at(hint, "metadata", "labels", GROUP) or not delivery.header("Ce-Type").endswith(_ENDS):
            return None
        try:
            swept = self.settler.hinted(hint, deadline)
        except PassingError as error:
            return error
        except PipehookError as error:
            logs.write("ERROR", f"a concurrency group is not settled: {error.reason}", fields=_fields(202))
            return None
        if swept.json():
            said = f"concurrency group settled: {swept.released} begun, {swept.cancelled} cancelled"
            logs.write("INFO", said, labels={"outcome": "settled"}, fields=_fields(202))
        return None


def _later(error: PassingError, trace: str, what: str = "a status was not told yet") -> exchange.Response:
    logs.write("WARNING", f"{what}: {error.reason}", trace=trace, fields=_fields(503))
    return exchange.respond({"outcome": "retry"}, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)})


def _fields(status: int) -> Mapping[str, str | int | float]:
    return {"kind": "report", "status": status}


def _sent(request: Request) -> list[bytes]:
    """Return what may be the key: the user part of the URL, which comes as Basic, and the path's last segment."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    found = [request.path.rstrip("/").rpartition("/")[2].encode("utf-8", "surrogateescape")]
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
            found += [password, user]
        except (binascii.Error, ValueError):
            pass
    return [one for one in found if one]


def _matches(sent: Sequence[bytes], known: Sequence[bytes]) -> bool:
    found = [hmac.compare_digest(one, key.strip()) for one in sent for key in known if key.strip()]
    return any(found)


def _hint(delivery: Delivery, making: Making) -> dict[str, Json] | None:
    """Return the run that an event names, None for events that can tell nothing new: most of a cluster's are."""
    kind = delivery.header("Ce-Type")
    if not kind.startswith(_KIND) or kind.endswith(_GOES_ON) or not any(label in delivery.body for label in _LABELS):
        return None
    data = parse_json(delivery.body, making)
    run = at(data, "pipelineRun")
    if not isinstance(run, dict) or (target_of(run) is None and not text_at(run, "metadata", "labels", GROUP)):
        return None
    namespace, name = place_of(run)
    return run if _NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name) else None


def _open(settings: Settings, environment: Mapping[str, str]) -> Report:
    require_cluster(settings)
    mistakes = without_runs(settings)
    if not settings.report_key_secret:
        mistakes.append("REPORT_KEY_SECRET: not set; without a key anybody could speak as Tekton")
    if mistakes:
        raise mistaken("the configuration", mistakes)
    parts = put_together(settings, namespaces=frozenset[str])
    keys = Keys(parts.secrets, settings.report_key_secret)
    teller = teller_of(settings, parts)
    return Report(keys, teller, open_settler(settings, parts), project_of(settings, environment))


def without_runs(settings: Settings) -> list[str]:
    """Return the mistake of a configuration that makes no runs to look at, if it is one."""
    return ["DRY_RUN: true makes no runs, so there is nothing to tell of"] if settings.dry_run else []


def teller_of(settings: Settings, parts: Parts) -> Teller | None:
    """Return what tells of runs; None, which the log says, without a token: concurrency groups need none."""
    tokens = (settings.github_token_secret, settings.gitlab_token_secret, settings.bitbucket_token_secret)
    if any((*tokens, settings.github_app_id)):
        return open_teller(settings, parts)
    logs.write(
        "WARNING",
        "no status is told, and concurrency groups alone are settled: GITHUB_TOKEN_SECRET is not set, nor are "
        "GITHUB_APP_ID with GITHUB_APP_KEY_SECRET, GITLAB_TOKEN_SECRET or BITBUCKET_TOKEN_SECRET",
    )
    return None


def start(environment: Mapping[str, str] = os.environ) -> Report | Misconfigured:
    """Read the configuration and return what serves; every mistake goes to the log at once."""
    logs.set_up()
    try:
        return _open(read_settings(environment), environment)
    except ConfigurationError as error:
        return Misconfigured(error, status=503)  # Tekton sends the event again
