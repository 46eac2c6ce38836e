"""Secrets and their versions, and the refusals of Secret Manager in its own words."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from grpc import StatusCode

from tests.standins.google.checksums import crc32c
from tests.standins.google.rpc import refuse

MAX_PAYLOAD_BYTES = 64 * 1024
SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
SECRET_NAME = re.compile(r"(projects/[^/]+)/secrets/([^/]+)")
VERSION_NAME = re.compile(r"(projects/[^/]+/secrets/[^/]+)/versions/([^/]+)")
State = Literal["ENABLED", "DISABLED", "DESTROYED"]


@dataclass(slots=True)
class StoredVersion:
    """One version; its payload is gone once it is destroyed."""

    name: str
    payload: bytes
    created: datetime
    state: State = "ENABLED"
    destroyed: datetime | None = None


@dataclass(slots=True)
class StoredSecret:
    """A secret and its versions, version 1 first."""

    name: str
    created: datetime
    labels: dict[str, str] = field(default_factory=dict)
    versions: list[StoredVersion] = field(default_factory=list)


class SecretsStore:
    """All secrets by name (`projects/P/secrets/S`). Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._secrets: dict[str, StoredSecret] = {}

    def create(self, project: str, secret_id: str, labels: dict[str, str]) -> StoredSecret:
        """Add a secret without versions; `project` is `projects/P`."""
        if not SECRET_ID.fullmatch(secret_id):
            refuse(
                StatusCode.INVALID_ARGUMENT,
                f"The provided Secret ID [{secret_id}] does not match the expected format [[a-zA-Z_0-9]+]",
            )
        name = f"{project}/secrets/{secret_id}"
        with self._lock:
            if name in self._secrets:
                refuse(StatusCode.ALREADY_EXISTS, f"Secret [{name}] already exists.")
            self._secrets[name] = StoredSecret(name, datetime.now(UTC), labels)
            return self._secrets[name]

    def has(self, name: str) -> bool:
        """Say whether there is such a secret."""
        return name in self._secrets

    def secret(self, name: str) -> StoredSecret:
        """Give a secret by name."""
        if not SECRET_NAME.fullmatch(name):
            refuse(StatusCode.INVALID_ARGUMENT, f"Malformed name: [{name}]")
        found = self._secrets.get(name)
        if found is None:
            refuse(StatusCode.NOT_FOUND, f"Secret [{name}] not found.")
        return found

    def list(self, project: str) -> list[StoredSecret]:
        """The secrets of `projects/P`, newest first."""
        with self._lock:
            found = [one for name, one in self._secrets.items() if name.startswith(f"{project}/secrets/")]
        return found[::-1]

    def add(self, name: str, payload: bytes, checksum: int | None) -> StoredVersion:
        """Add a version."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            refuse(
                StatusCode.INVALID_ARGUMENT,
                f"The payload of {len(payload)} bytes is larger than the limit of {MAX_PAYLOAD_BYTES} bytes.",
            )
        if checksum is not None and checksum != crc32c(payload):
            refuse(StatusCode.INVALID_ARGUMENT, "The checksum does not match the payload.")
        with self._lock:
            versions = self.secret(name).versions
            versions.append(StoredVersion(f"{name}/versions/{len(versions) + 1}", payload, datetime.now(UTC)))
            return versions[-1]

    def version(self, name: str) -> StoredVersion:
        """Give a version by name; `latest` is the newest one, whatever its state."""
        parts = VERSION_NAME.fullmatch(name)
        if parts is None:
            refuse(StatusCode.INVALID_ARGUMENT, f"Malformed name: [{name}]")
        secret = self._secrets.get(parts[1])
        if secret is None or not secret.versions:
            refuse(StatusCode.NOT_FOUND, f"Secret [{parts[1]}] not found or has no versions.")
        if parts[2] == "latest":
            return secret.versions[-1]
        number = int(parts[2]) if parts[2].isdecimal() else 0
        if not 1 <= number <= len(secret.versions):
            refuse(StatusCode.NOT_FOUND, f"Secret Version [{name}] not found.")
        return secret.versions[number - 1]

    def access(self, name: str) -> StoredVersion:
        """Give a version whose payload may be read."""
        found = self.version(name)
        if found.state != "ENABLED":
            refuse(StatusCode.FAILED_PRECONDITION, f"Secret Version [{found.name}] is in {found.state} state.")
        return found

    def turn(self, name: str, state: State) -> StoredVersion:
        """Change a version's state; a destroyed one stays so."""
        with self._lock:
            found = self.version(name)
            if found.state == "DESTROYED":
                refuse(StatusCode.FAILED_PRECONDITION, f"Secret Version [{found.name}] is in DESTROYED state.")
            found.state = state
            if state == "DESTROYED":
                found.payload = b""
                found.destroyed = datetime.now(UTC)
            return found
