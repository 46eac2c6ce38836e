"""The Secret Manager client: two questions, each within its deadline. Imported when a secret is first read."""

from __future__ import annotations

import time
from collections.abc import Callable

from google.api_core import exceptions
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from functions.adapters.google_calls import Connection, code
from functions.adapters.secrets.crc32c import crc32c
from functions.adapters.secrets.manager import DeniedError, DisabledError, NotFoundError, version_number
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline

HOST = "secretmanager.googleapis.com:443"
PAGE_SIZE = 25
MAX_PAGES = 4
"""Filtered pages may be short; there are hardly more than a hundred versions between two enabled ones."""
_DAMAGED = "Secret Manager's answer was damaged on its way (its checksum is wrong)"


class ManagerClient:
    """Fulfils `manager.Versions`. Shared by all threads."""

    def __init__(self, emulator: str = "", *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._connection = Connection(
            "Secret Manager",
            HOST,
            SecretManagerServiceClient,
            SecretManagerServiceGrpcTransport,
            emulator=emulator,
            sleep=sleep,
        )

    def enabled(self, secret: str, *, limit: int, deadline: Deadline) -> tuple[str, ...]:
        """Return the newest enabled versions' names. Raises as `Versions` says."""
        request = {"parent": secret, "filter": "state:ENABLED", "page_size": PAGE_SIZE}
        refusal = _Refusal(secret, "secretmanager.versions.list", "roles/secretmanager.viewer")
        names: list[str] = []
        token = ""
        for _ in range(MAX_PAGES):

            def ask(client: SecretManagerServiceClient, seconds: float, token: str = token) -> tuple[list[str], str]:
                asked = {**request, "page_token": token}
                page = next(iter(client.list_secret_versions(request=asked, retry=None, timeout=seconds).pages))
                return [version.name for version in page.versions], page.next_page_token

            found, token = self._connection.call(ask, refusal, deadline)
            names += found
            # the service sorts from the newest to the oldest
            if not token or len(names) >= limit:
                break
        return tuple(sorted(names, key=version_number, reverse=True)[:limit])

    def access(self, version: str, *, deadline: Deadline) -> tuple[str, bytes]:
        """Return a version's name and payload. Raises as `Versions` says."""

        def ask(client: SecretManagerServiceClient, seconds: float) -> tuple[str, bytes] | None:
            answer = client.access_secret_version(request={"name": version}, retry=None, timeout=seconds)
            payload = answer.payload
            # the field is optional: a server that leaves it out promises nothing that could be checked
            if "data_crc32c" in payload and payload.data_crc32c != crc32c(payload.data):
                return None
            return answer.name, payload.data

        refusal = _Refusal(version, "secretmanager.versions.access", "roles/secretmanager.secretAccessor")
        for _ in range(2):
            undamaged = self._connection.call(ask, refusal, deadline)
            if undamaged is not None:
                return undamaged
        raise PassingError(_DAMAGED)


class _Refusal:
    """What an answer about one resource means that another attempt would meet again."""

    def __init__(self, resource: str, permission: str, role: str) -> None:
        self._resource = resource
        self._permission = permission
        self._role = role

    def __call__(self, error: exceptions.GoogleAPICallError) -> PipehookError:
        secret, _, _ = self._resource.partition("/versions/")
        if isinstance(error, exceptions.NotFound):
            identifier = secret.rpartition("/")[2]
            if self._resource.endswith("/versions/latest"):
                return NotFoundError(
                    f'secrets "{identifier}" not found: Secret Manager has no {secret}, or no version of it'
                )
            return NotFoundError(f'secrets "{identifier}" not found: Secret Manager has no {self._resource}')
        if isinstance(error, exceptions.FailedPrecondition):
            return DisabledError(f"{self._resource} is disabled or destroyed")
        if isinstance(error, exceptions.Forbidden) and error.reason == "SERVICE_DISABLED":
            return LastingError("the project has no Secret Manager: enable secretmanager.googleapis.com in it")
        if isinstance(error, exceptions.Forbidden):
            return DeniedError(
                f"{self._permission} is denied on {secret}, or it does not exist: grant {self._role} on this secret to "
                "the function's service account"
            )
        if isinstance(error, exceptions.MethodNotImplemented):
            return DeniedError(f"this Secret Manager, an emulator perhaps, has no {self._permission}")
        return LastingError(f"Secret Manager refuses to read {self._resource} ({code(error)})")
