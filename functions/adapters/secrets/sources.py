"""Opens the secrets that the settings name: where secretRefs are looked up, and the function's own credentials.

Importing this module, and opening, costs and asks nothing: a client is imported and made by the first secret read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.libraries import importing
from functions.adapters.secrets.cache import SecretCache
from functions.adapters.secrets.file import LIMITS as FILE_LIMITS
from functions.adapters.secrets.file import FileSecrets
from functions.adapters.secrets.ids import RECOMMENDED, Namespaces, SecretIds
from functions.adapters.secrets.limits import Limits
from functions.adapters.secrets.manager import ManagerSecrets, Versions
from functions.adapters.secrets.values import Secret
from functions.common.errors import LastingError, PassingError, VerificationSetupError
from functions.common.ports import Deadline
from functions.common.values import SecretRef
from functions.settings import Settings

if TYPE_CHECKING:
    from functions.adapters.secrets.cluster import Read

_LOG = logging.getLogger(__name__)

_MAX_TOLD = 10_000
LIMITS = Limits()
"""Of Secret Manager and of the cluster."""


class _Source(Protocol):
    def locate(self, ref: SecretRef) -> str: ...


class _Nowhere:
    """The source when SECRETS_SOURCE is not set."""

    def locate(self, ref: SecretRef) -> str:  # noqa: ARG002 -- the form of a source
        raise LastingError(
            "no source of secrets is configured: set SECRETS_SOURCE to secret-manager://PROJECT, file:///DIR or cluster"
        )


class SecretStore:
    """Fulfils the `Secrets` port, and reads the function's own credentials. Shared by all threads."""

    def __init__(self, source: _Source, cache: SecretCache, own: SecretCache) -> None:
        self._source = source
        self._cache = cache
        self._own = own
        self._told: set[tuple[SecretRef, int]] = set()

    def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:
        """Return every value that is accepted now, newest first, none of them empty.

        Raises VerificationSetupError, in Tekton's words, when there is none, and PassingError.
        """
        return self._values(ref, self._cache.get, deadline)

    def renewed(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...] | None:
        """Return the values after a signature matched none, read anew unless they were read only just now.

        Raises as `accepted`; PassingError also while the source cannot be asked and a newer key may exist. The log is
        told once of a value that looks damaged.
        """
        values = self._values(ref, self._cache.renew, deadline)
        self._tell_damage(ref, values)
        return values

    def require_all(self, ref: SecretRef, deadline: Deadline) -> None:
        """Raise PassingError where a value may be accepted that could not be looked for."""
        if self._cache.get(self._source.locate(ref), deadline).partial:
            raise PassingError(
                f"secret {ref.namespace}/{ref.name}: no newer version verifies it, and older ones cannot be listed"
            )

    def _tell_damage(self, ref: SecretRef, values: tuple[bytes, ...]) -> None:
        known = ref, hash(values)
        if known in self._told or len(self._told) > _MAX_TOLD:
            return
        self._told.add(known)
        from functions.adapters.secrets.damage import damage  # noqa: PLC0415 -- only after a value that verified nothing

        if found := damage(*values):
            _LOG.warning(
                "secret %s/%s, key %s: it verified nothing, and a stored value looks damaged: %s; store it again as "
                "the sender has it (printf %%s adds no line break)",
                ref.namespace,
                ref.name,
                ref.key,
                "; ".join(found),
            )

    def fetch_secret(self, resource: str, deadline: Deadline, *, refresh: bool = False) -> bytes:
        """Return the payload of `projects/P/secrets/S[/versions/V]`, without V of the newest enabled version.

        It is cached as other secrets are; `refresh` reads it anew, though not within `Limits.renewal` seconds of the
        last read. Raises LastingError, naming what is wrong and what to do, and PassingError.
        """
        location = resource if "/versions/" in resource else f"{resource}/versions/latest"
        try:
            secret = (self._own.renew if refresh else self._own.get)(location, deadline)
        except PassingError as error:
            raise PassingError(
                f"{resource} cannot be read now: {error.reason}", retry_after=error.retry_after
            ) from error
        except LastingError as error:
            raise LastingError(f"error getting secret: {resource}: {error.reason}") from error
        payload = secret.values[0].raw
        if not payload.strip():
            raise LastingError(f"error getting secret: {resource} is empty")
        return payload

    def fetch_all(self, resource: str, deadline: Deadline, *, refresh: bool = False) -> tuple[bytes, ...]:
        """Return the payloads of all enabled versions of a secret, newest first; raises as `fetch_secret`."""
        try:
            secret = (self._own.renew if refresh else self._own.get)(resource, deadline)
        except LastingError as error:
            raise LastingError(f"error getting secret: {resource}: {error.reason}") from error
        return tuple(value.raw for value in secret.values if value.raw.strip())

    def _values(self, ref: SecretRef, read: Callable[[str, Deadline], Secret], deadline: Deadline) -> tuple[bytes, ...]:
        where = f"secret {ref.namespace}/{ref.name}, key {ref.key}"
        try:
            return read(self._source.locate(ref), deadline).accepted(ref)
        except PassingError as error:
            raise PassingError(f"{where} cannot be read now: {error.reason}", retry_after=error.retry_after) from error
        except LastingError as error:
            raise VerificationSetupError(f"error getting secret: {error.reason} ({where})") from error


def open_secrets(
    settings: Settings, *, read_cluster: Read, namespaces: Namespaces | None = None, clock: Clock = LIFE_CLOCK
) -> SecretStore:
    """Return the secrets of a configuration.

    `read_cluster` reads a Secret of the cluster, with SECRETS_SOURCE=cluster.
    `namespaces` gives those of all loaded triggers; it matters when SECRET_ID_FORMAT is ambiguous (`ids` says
    how), and without it references with a second reading are then refused.
    """
    where = settings.secrets_source
    ids = SecretIds(settings.secret_id_format, namespaces)
    if ids.ambiguous and where.kind in ("secret-manager", "file"):
        _LOG.warning(
            "SECRET_ID_FORMAT=%s can spell secrets of two namespaces alike; %s cannot",
            settings.secret_id_format,
            RECOMMENDED,
        )
    manager = ManagerSecrets(
        where.location,
        ids,
        protected=(
            settings.kubeconfig_secret,
            *(secret for _, secret in settings.clusters if not secret.startswith("/")),
            settings.github_token_secret,
            settings.github_app_key_secret,
            settings.gitlab_token_secret,
            settings.bitbucket_token_secret,
            settings.report_key_secret,
        ),
        open_client=lambda: _open_client(settings.secret_manager_emulator_host),
        clock=clock,
    )
    # apart from the triggers' secrets, so that whatever these do, the function's own credentials are not crowded out
    own = SecretCache(manager.load, LIMITS, clock=clock)
    if where.kind == "secret-manager":
        return SecretStore(manager, SecretCache(manager.load, LIMITS, clock=clock), own)
    if where.kind == "file":
        kubeconfigs = [settings.kubeconfig, *(path for _, path in settings.clusters if path.startswith("/"))]
        files = FileSecrets(where.location, ids, protected=kubeconfigs)
        return SecretStore(files, SecretCache(files.load, FILE_LIMITS, clock=clock), own)
    if where.kind == "cluster":
        from functions.adapters.secrets.cluster import ClusterSecrets  # noqa: PLC0415 -- other sources need no cluster

        cluster = ClusterSecrets(read_cluster)
        return SecretStore(cluster, SecretCache(cluster.load, LIMITS, clock=clock), own)
    return SecretStore(_Nowhere(), own, own)


def _open_client(emulator: str) -> Versions:
    # the library takes a quarter of a second to import; only a delivery that needs a secret pays for it
    with importing():
        from functions.adapters.secrets.manager_client import ManagerClient  # noqa: PLC0415 -- see above

    return ManagerClient(emulator)
