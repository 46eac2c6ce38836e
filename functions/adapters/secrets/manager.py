"""Secrets from Google Secret Manager: which versions are read, and what a fault of the service means.

All enabled versions of a key are read, newest first (MAX_VERSIONS at most), so that it is rotated without a lost
delivery: add a version, wait a minute (every instance knows it then), change the key at the sender, disable the old
version. A disabled or destroyed version stops being accepted within the cache's life, `Limits.fresh`.

Listing versions counts against a quota of 600 reads a minute and project, reading one against 90,000 accesses
(https://cloud.google.com/secret-manager/quotas). So values are read often and versions listed seldom. Their numbers
start at 1 and grow by one (https://cloud.google.com/secret-manager/docs/reference/rpc, SecretVersion), and `latest`
tells the newest: a few are read by their numbers, more are listed; where the list is refused, or this instance has
asked for many, the newest are read by their numbers, too, and a signature that matches none of them may be right. From
then on `latest` tells whether there is a new one, the others are read by their known names, and a signature that
matches none has all versions looked for again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.secrets.ids import SecretIds
from functions.adapters.secrets.limits import Allowance
from functions.adapters.secrets.values import Secret, SecretValue
from functions.common.errors import LastingError, PassingError
from functions.common.numbers import whole
from functions.common.ports import Deadline
from functions.common.values import SecretRef

_LOG = logging.getLogger(__name__)

MAX_VERSIONS = 10
"""How many enabled versions of one secret are accepted."""
FEW_VERSIONS = 3
"""Up to this number versions are read by their numbers: no more calls than with a list."""
LISTED_SECONDS = 600.0
"""How long it may take until an old version that was enabled again is accepted."""
EMPTY_SECONDS = 60.0
"""The same where every version was disabled, and the newest still is: `latest` tells of any other change at once."""
LISTS = 20
LISTS_A_SECOND = 0.1
"""Lists that one instance asks for at once, and after that: a hundred instances stay below the project's quota."""


class NotFoundError(LastingError):
    """There is no such secret or version."""


class DeniedError(LastingError):
    """The function's service account may not do this, or nobody can: emulators do not have every method."""


class DisabledError(LastingError):
    """The version is disabled or destroyed."""


class Versions(Protocol):
    """The two questions that are asked of Secret Manager.

    Both raise one of the three errors above, LastingError for what else trying again cannot mend, or PassingError.
    """

    def enabled(self, secret: str, *, limit: int, deadline: Deadline) -> tuple[str, ...]:
        """Return the names (projects/P/secrets/S/versions/V) of the newest `limit` enabled versions, newest first."""

    def access(self, version: str, *, deadline: Deadline) -> tuple[str, bytes]:
        """Return the name of the version (with its number also for `latest`) and its payload, checksum verified."""


class ManagerSecrets:
    """Reads secrets for the cache. A location is `projects/P/secrets/S` (all versions) or `…/versions/V` (one)."""

    def __init__(
        self,
        project: str,
        ids: SecretIds,
        *,
        protected: Sequence[str],
        open_client: Callable[[], Versions],
        clock: Clock = LIFE_CLOCK,
    ) -> None:
        self._project = project
        self._ids = ids
        self._protected = tuple(resource.split("/") for resource in protected if resource)
        self._open_client = open_client
        self._client: Versions | None = None
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._clock = clock
        self._lists = Allowance(burst=LISTS, rate=LISTS_A_SECOND)
        self._empty: dict[str, float] = {}
        """Secrets without an enabled version, and until when they are not listed again."""

    def locate(self, ref: SecretRef) -> str:
        """Return the location of a reference. Raises LastingError when it may not be read."""
        identifier = self._ids.manager_id(ref)
        for _, project, _, protected, *_ in self._protected:
            if identifier == protected and _may_be_same(project, self._project):
                raise LastingError(
                    f"the secret {identifier} holds the function's own credentials, which no trigger may use"
                )
        return f"projects/{self._project}/secrets/{identifier}"

    def load(self, location: str, known: Secret | None, deadline: Deadline) -> Secret:
        """Read a secret. Raises LastingError and PassingError."""
        if "/versions/" in location:
            return self._one(location, deadline)
        now = self._clock()
        if known is not None and not (known.doubted and now - known.listed >= LISTED_SECONDS):
            again = self._known(location, known, deadline)
            if again is not None:
                return again
        return self._found(location, known.names if known is not None else (), now, deadline)

    def _versions(self) -> Versions:
        with self._lock:
            if self._client is None:
                self._client = self._open_client()
            return self._client

    def _one(self, location: str, deadline: Deadline) -> Secret:
        try:
            name, payload = self._versions().access(location, deadline=deadline)
        except DisabledError:
            secret, _, version = location.partition("/versions/")
            if version != "latest":
                raise
            # `latest` is the newest version whatever its state; the newest enabled one is meant
            name, payload = self._below(secret, self._clock(), deadline, limit=1)[0]
        return Secret((SecretValue(payload),), (name,))

    def _found(self, location: str, known: Sequence[str], now: float, deadline: Deadline) -> Secret:
        """Find out which versions there are, and read them; of those that cannot be listed, what was `known` stays."""
        try:
            newest, payload = self._versions().access(f"{location}/versions/latest", deadline=deadline)
        except DisabledError:
            return _secret(self._below(location, now, deadline, limit=MAX_VERSIONS), now)
        number, names = version_number(newest), None
        if not 1 <= number <= FEW_VERSIONS:
            names = self._names(location, number, now, deadline)
        unlisted = names is None
        if names is None:
            names = [f"{location}/versions/{one}" for one in range(number - 1, max(0, number - MAX_VERSIONS), -1)]
            names += [name for name in known if version_number(name) <= number - MAX_VERSIONS]
        older = [name for name in names if name != newest]
        found = [(newest, payload), *self._read(older, deadline)][:MAX_VERSIONS]
        partial = unlisted and number > MAX_VERSIONS and len(found) < MAX_VERSIONS
        return _secret(found, float("-inf") if partial else now, partial=partial)

    def _names(self, location: str, number: int, now: float, deadline: Deadline) -> Sequence[str] | None:
        """Return the enabled versions, None where they are not to be had."""
        with self._lock:
            if not self._lists.take(now):
                return None
        try:
            names = self._versions().enabled(location, limit=MAX_VERSIONS + 1, deadline=deadline)
        except DeniedError as error:
            if number > MAX_VERSIONS:
                self._say_once(
                    f"the versions of {location} cannot be listed, so only the newest {MAX_VERSIONS} are looked at, "
                    f"and what none of those verifies is answered 503 while some of them are disabled: {error.reason}"
                )
            return None
        except PassingError:
            return None
        if len(names) > MAX_VERSIONS:
            self._say_once(f"{location} has many enabled versions: the newest {MAX_VERSIONS} are accepted")
        return names

    def _below(self, secret: str, now: float, deadline: Deadline, *, limit: int) -> list[tuple[str, bytes]]:
        """Read the enabled versions below a newest one that is disabled, of which no call tells the number."""
        none_enabled = DisabledError(f"{secret} has no enabled version: add one, or enable one")
        with self._lock:
            if now < self._empty.get(secret, now):
                raise none_enabled
        try:
            names = self._versions().enabled(secret, limit=limit, deadline=deadline)
        except DeniedError as error:
            raise _newest_disabled(secret) from error
        found = self._read(names, deadline)
        if not found:
            with self._lock:
                self._empty[secret] = now + EMPTY_SECONDS
            raise none_enabled
        return found

    def _known(self, location: str, known: Secret, deadline: Deadline) -> Secret | None:
        """Read the versions that are known and `latest`, or return None when they must be looked for anew."""
        try:
            newest, payload = self._versions().access(f"{location}/versions/latest", deadline=deadline)
        except DisabledError:
            # which may be known, or not: then others below it may be new as well, and no call tells its number
            last = version_number(known.names[0])
            newer = [f"{location}/versions/{last + more}" for more in range(FEW_VERSIONS, 0, -1)] if last > 0 else []
            found = self._read([*newer, *known.names], deadline)[:MAX_VERSIONS]
            return _secret(found, known.listed, partial=known.partial) if found else None
        if newest != known.names[0] and version_number(newest) != version_number(known.names[0]) + 1:
            return None
        others = [name for name in known.names if name != newest][: MAX_VERSIONS - 1]
        return _secret([(newest, payload), *self._read(others, deadline)], known.listed, partial=known.partial)

    def _read(self, names: Sequence[str], deadline: Deadline) -> list[tuple[str, bytes]]:
        """Read versions, without those that were disabled, destroyed or deleted since they were listed."""
        found = []
        for name in names:
            try:
                found.append(self._versions().access(name, deadline=deadline))
            except (DisabledError, NotFoundError):
                continue
        return found

    def _say_once(self, message: str) -> None:
        with self._lock:
            if message in self._said:
                return
            self._said.add(message)
        _LOG.warning("%s", message)


def _secret(found: Sequence[tuple[str, bytes]], listed: float, *, partial: bool = False) -> Secret:
    values = tuple(SecretValue.parsed(payload) for _, payload in found)
    return Secret(values, tuple(name for name, _ in found), listed, partial=partial)


def _newest_disabled(secret: str) -> DisabledError:
    return DisabledError(
        f"the newest version of {secret} is disabled and the others may not be listed: enable it, or grant "
        "roles/secretmanager.viewer on the secret to the function's service account"
    )


def version_number(version: str) -> int:
    """Return the number at the end of a version's resource name, -1 when there is none."""
    found = whole(version.rpartition("/")[2])
    return -1 if found is None else found


def _may_be_same(project: str, other: str) -> bool:
    # a project has an id and a number, and either may stand in a resource's name
    return project == other or project.isdecimal() != other.isdecimal()
