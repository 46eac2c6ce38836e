"""A Secret Manager stand-in: google.cloud.secretmanager.v1.SecretManagerService over gRPC."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from google.cloud.secretmanager_v1.types import resources, service
from grpc import StatusCode

from tests.standins.google.checksums import crc32c
from tests.standins.google.rpc import Call, Method, RpcServer, SeenCall, refuse
from tests.standins.google.secrets_store import SecretsStore, State, StoredSecret, StoredVersion
from tests.standins.process import serve_until_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from grpc import ServerCredentials

    from tests.standins.faults import ArmedFault
    from tests.standins.journal import Journal

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
DEFAULT_PAGE = 25
MAX_PAGE = 25_000
PERMISSIONS = {
    "AccessSecretVersion": "secretmanager.versions.access",
    "ListSecretVersions": "secretmanager.versions.list",
    "GetSecretVersion": "secretmanager.versions.get",
    "GetSecret": "secretmanager.secrets.get",
    "ListSecrets": "secretmanager.secrets.list",
    "CreateSecret": "secretmanager.secrets.create",
    "AddSecretVersion": "secretmanager.versions.add",
    "EnableSecretVersion": "secretmanager.versions.enable",
    "DisableSecretVersion": "secretmanager.versions.disable",
    "DestroySecretVersion": "secretmanager.versions.destroy",
}
QUOTAS = {
    "AccessSecretVersion": "Access",
    "ListSecretVersions": "Read",
    "GetSecretVersion": "Read",
    "GetSecret": "Read",
    "ListSecrets": "Read",
}
"""What a call counts against; others are writes."""
ACCESSES = 90_000
READS = 600
WRITES = 600
"""A minute, for all of a project: https://cloud.google.com/secret-manager/quotas."""


class SecretManager:
    """A Secret Manager of its own while the context is open, in plaintext without `tls`."""

    def __init__(self, *, port: int = 0, tls: ServerCredentials | None = None) -> None:
        self._port = port
        self._tls = tls
        self._store = SecretsStore()
        self._corrupt = 0
        self._denied: list[tuple[str, str]] = []
        self._allowed: dict[str, int] = {}
        self._asked: Counter[tuple[str, int]] = Counter()

    def __enter__(self) -> Self:
        self._server = RpcServer({SERVICE: self._methods()}, port=self._port, tls=self._tls)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, for SECRET_MANAGER_EMULATOR_HOST."""
        return f"127.0.0.1:{self._server.port}"

    @property
    def calls(self) -> Journal[SeenCall]:
        """The calls that have ended: method (`AccessSecretVersion`), resource, code (`OK`, `NOT_FOUND`)."""
        return self._server.calls

    def add(self, project: str, secret: str, value: bytes) -> int:
        """Add a version, and the secret if it is not there; give the version's number."""
        name = f"projects/{project}/secrets/{secret}"
        if not self._store.has(name):
            self._store.create(f"projects/{project}", secret, {})
        return int(self._store.add(name, value, None).name.rpartition("/")[2])

    def disable(self, project: str, secret: str, version: int) -> None:
        """Disable a version."""
        self._store.turn(f"projects/{project}/secrets/{secret}/versions/{version}", "DISABLED")

    def enable(self, project: str, secret: str, version: int) -> None:
        """Enable a version."""
        self._store.turn(f"projects/{project}/secrets/{secret}/versions/{version}", "ENABLED")

    def destroy(self, project: str, secret: str, version: int) -> None:
        """Destroy a version for good."""
        self._store.turn(f"projects/{project}/secrets/{secret}/versions/{version}", "DESTROYED")

    def fail(
        self,
        method: str,
        code: StatusCode,
        *,
        times: int | None = None,
        skip: int = 0,
        secret: str = "",
        message: str = "",
        reason: str = "",
        delay: float = 0.0,
    ) -> ArmedFault:
        """Answer calls of a method ("" is any), for resources in which `secret` is found, with a code."""
        return self._server.fail(
            method, code, resource=secret, message=message, reason=reason, times=times, skip=skip, delay=delay
        )

    def hang(self, method: str, *, times: int | None = None, secret: str = "") -> ArmedFault:
        """Let calls wait until the client's deadline."""
        return self._server.fail(method, None, resource=secret, times=times)

    def deny(self, method: str, *, secret: str = "") -> None:
        """Refuse a method for resources in which `secret` is found: PERMISSION_DENIED in IAM's words."""
        self._denied.append((method, secret))

    def allow(self, method: str, number: int) -> None:
        """Answer so many calls of a method a minute, instead of as many as the quota of its kind has."""
        self._allowed[method] = number

    def corrupt(self, times: int = 1) -> None:
        """Give the next payloads with checksums that do not match."""
        self._corrupt = times

    def mend(self) -> None:
        """End all faults, refusals and quotas of a test's own."""
        self._allowed.clear()
        self._server.faults.clear()
        self._denied.clear()
        self._corrupt = 0

    def _methods(self) -> dict[str, Method]:
        version = resources.SecretVersion
        return {
            "AccessSecretVersion": self._method(
                "AccessSecretVersion", self._access, response=service.AccessSecretVersionResponse
            ),
            "GetSecretVersion": self._method("GetSecretVersion", self._get_version, response=version),
            "ListSecretVersions": self._method(
                "ListSecretVersions",
                self._list_versions,
                response=service.ListSecretVersionsResponse,
                field="parent",
            ),
            "GetSecret": self._method("GetSecret", self._get_secret, response=resources.Secret),
            "ListSecrets": self._method(
                "ListSecrets", self._list_secrets, response=service.ListSecretsResponse, field="parent"
            ),
            "CreateSecret": self._method("CreateSecret", self._create, response=resources.Secret, field="parent"),
            "AddSecretVersion": self._method("AddSecretVersion", self._add, response=version, field="parent"),
            "EnableSecretVersion": self._turning("EnableSecretVersion", "ENABLED"),
            "DisableSecretVersion": self._turning("DisableSecretVersion", "DISABLED"),
            "DestroySecretVersion": self._turning("DestroySecretVersion", "DESTROYED"),
        }

    def _method(self, name: str, serve: Callable[[Any], Any], *, response: Any, field: str = "name") -> Method:
        def allowed(asked: Any, _call: Call) -> Any:
            self._check(name, getattr(asked, field))
            self._spend(name)
            return serve(asked)

        request = getattr(service, f"{name}Request")
        return Method(serve=allowed, request=request, response=response, resource_field=field)

    def _turning(self, name: str, state: State) -> Method:
        return self._method(
            name, lambda asked: _version(self._store.turn(asked.name, state)), response=resources.SecretVersion
        )

    def _check(self, method: str, resource: str) -> None:
        for denied, secret in self._denied:
            if denied in ("", method) and secret in resource:
                refuse(
                    StatusCode.PERMISSION_DENIED,
                    f"Permission '{PERMISSIONS[method]}' denied for resource '{resource}' (or it may not exist).",
                )

    def _spend(self, method: str) -> None:
        kind = QUOTAS.get(method, "Write")
        minute = int(time.time() // 60)
        if method in self._allowed:
            kind, limit = method, self._allowed[method]
        else:
            limit = {"Access": ACCESSES, "Read": READS, "Write": WRITES}[kind]
        self._asked[kind, minute] += 1
        if self._asked[kind, minute] > limit:
            refuse(
                StatusCode.RESOURCE_EXHAUSTED,
                f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute' of service "
                "'secretmanager.googleapis.com' for consumer 'project_number:1'.",
            )

    def _access(self, asked: Any) -> Any:
        found = self._store.access(asked.name)
        checksum = crc32c(found.payload)
        if self._corrupt:
            self._corrupt -= 1
            checksum ^= 1
        payload = resources.SecretPayload(data=found.payload, data_crc32c=checksum)
        return service.AccessSecretVersionResponse(name=found.name, payload=payload)

    def _get_version(self, asked: Any) -> Any:
        return _version(self._store.version(asked.name))

    def _get_secret(self, asked: Any) -> Any:
        return _secret(self._store.secret(asked.name))

    def _list_versions(self, asked: Any) -> Any:
        wanted = asked.filter.replace("=", ":").replace(" ", "").upper()
        if wanted and not wanted.startswith("STATE:"):
            refuse(StatusCode.INVALID_ARGUMENT, f"Invalid filter: {asked.filter}")
        state = wanted.removeprefix("STATE:")
        found = [one for one in self._store.secret(asked.parent).versions[::-1] if state in ("", one.state)]
        page, following = _page(found, asked)
        return service.ListSecretVersionsResponse(
            versions=[_version(one) for one in page], next_page_token=following, total_size=len(found)
        )

    def _list_secrets(self, asked: Any) -> Any:
        found = self._store.list(asked.parent)
        page, following = _page(found, asked)
        return service.ListSecretsResponse(
            secrets=[_secret(one) for one in page], next_page_token=following, total_size=len(found)
        )

    def _create(self, asked: Any) -> Any:
        return _secret(self._store.create(asked.parent, asked.secret_id, dict(asked.secret.labels)))

    def _add(self, asked: Any) -> Any:
        payload = asked.payload
        checksum = payload.data_crc32c if "data_crc32c" in payload else None
        return _version(self._store.add(asked.parent, payload.data, checksum))


def _page(found: list[Any], asked: Any) -> tuple[list[Any], str]:
    size = min(asked.page_size or DEFAULT_PAGE, MAX_PAGE)
    start = int(asked.page_token or 0)
    end = start + size
    return found[start:end], str(end) if end < len(found) else ""


def _version(stored: StoredVersion) -> Any:
    return resources.SecretVersion(
        name=stored.name,
        create_time=stored.created,
        destroy_time=stored.destroyed,
        state=stored.state,
    )


def _secret(stored: StoredSecret) -> Any:
    automatic = resources.Replication(automatic=resources.Replication.Automatic())
    return resources.Secret(name=stored.name, create_time=stored.created, labels=stored.labels, replication=automatic)


def main() -> None:
    """Serve until SIGTERM, or until the pipe on standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.secret_manager", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="PROJECT/SECRET=FILE",
        help="add a version with the content of a file; repeatable",
    )
    given = parser.parse_args()
    with SecretManager(port=given.port) as manager:
        for text in given.secret:
            name, _, file = text.partition("=")
            project, _, secret = name.partition("/")
            manager.add(project, secret, Path(file).read_bytes())
        serve_until_told(host=manager.host)


if __name__ == "__main__":
    main()
