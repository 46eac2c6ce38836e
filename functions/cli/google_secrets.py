"""Secret Manager for the command line: a value read, a version added. Imported by the commands that need it."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable
from typing import TypeVar

import click
import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1.services.secret_manager_service.client import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc import (
    SecretManagerServiceGrpcTransport,
)

from functions.adapters.secrets.crc32c import crc32c
from functions.adapters.secrets.manager_client import ManagerClient
from functions.cli.output import progress
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline

T = TypeVar("T")

SECONDS = 20.0
_SECRET = re.compile(r"projects/([a-z0-9:.-]{1,100})/secrets/([A-Za-z0-9_-]{1,255})(/versions/(?:latest|[1-9][0-9]*))?")


def deadline(seconds: float = SECONDS) -> Deadline:
    """Return the end of the time that one question of a command has."""
    return Deadline(time.monotonic() + seconds, time.monotonic)


def emulator() -> str:
    """Return SECRET_MANAGER_EMULATOR_HOST, empty for the real service."""
    return os.environ.get("SECRET_MANAGER_EMULATOR_HOST", "")


def read_value(resource: str, *, key: str = "") -> bytes:
    """Return the newest enabled value of `projects/P/secrets/S`, or of a version; `key` for a JSON object.

    Raises click.UsageError, and what reading Secret Manager raises.
    """
    found = _SECRET.fullmatch(resource)
    if found is None:
        raise click.UsageError("a secret is named projects/PROJECT/secrets/SECRET[/versions/VERSION]")
    client, until = ManagerClient(emulator()), deadline()
    version = resource
    if found[3] is None:
        names = client.enabled(resource, limit=1, deadline=until)
        if not names:
            raise LastingError(f"{resource} has no enabled version: add one, or enable one")
        version = names[0]
    payload = _member(client.access(version, deadline=until)[1], key, resource)
    if not payload.strip():
        raise LastingError(f"{resource} is empty")
    return payload


def _member(payload: bytes, key: str, resource: str) -> bytes:
    try:
        values = json.loads(payload)
    except ValueError:
        return payload
    if not isinstance(values, dict):
        return payload
    if not key:
        raise LastingError(
            f"{resource} holds a JSON object, of which the function takes one member: --secret-key says which"
        )
    if not isinstance(values.get(key), str):
        raise LastingError(f"{resource} has no key {key}")
    return str(values[key]).encode()


def add_version(resource: str, payload: bytes) -> str:
    """Add a version to `projects/P/secrets/S`, which is made when it does not exist; return the version's name.

    Raises click.UsageError, LastingError and PassingError.
    """
    found = _SECRET.fullmatch(resource)
    if found is None or found[3] is not None:
        raise click.UsageError("the secret to write is named projects/PROJECT/secrets/SECRET")

    def add(client: SecretManagerServiceClient) -> str:
        request = {"parent": resource, "payload": {"data": payload, "data_crc32c": crc32c(payload)}}
        try:
            answer = client.add_secret_version(request=request, retry=None, timeout=SECONDS)
        except exceptions.NotFound:
            create: dict[str, object] = {
                "parent": f"projects/{found[1]}",
                "secret_id": found[2],
                "secret": {"replication": {"automatic": {}}},
            }
            client.create_secret(request=create, retry=None, timeout=SECONDS)
            progress(
                f"created {resource}; Terraform makes it too: name {found[2]} in its variable existing_secrets, or "
                f"terraform -chdir=infra import -var project={found[1]} "
                f"'google_secret_manager_secret.this[\"{found[2]}\"]' {resource}"
            )
            answer = client.add_secret_version(request=request, retry=None, timeout=SECONDS)
        return answer.name

    return _asked(add, resource)


def disable_older(resource: str) -> list[str]:
    """Disable the enabled versions of a secret but the newest; return their names."""

    def disable(client: SecretManagerServiceClient) -> list[str]:
        old = ManagerClient(emulator()).enabled(resource, limit=50, deadline=deadline())[1:]
        for name in old:
            client.disable_secret_version(request={"name": name}, retry=None, timeout=SECONDS)
        return list(old)

    return _asked(disable, resource)


def _asked(ask: Callable[[SecretManagerServiceClient], T], resource: str) -> T:
    try:
        with _client() as client:
            return ask(client)
    except exceptions.Forbidden as error:
        raise LastingError(
            f"you may not write {resource}: you need roles/secretmanager.admin on it, or secretVersionAdder"
        ) from error
    except exceptions.ClientError as error:
        raise LastingError(f"{resource}: Secret Manager refuses it ({error.grpc_status_code})") from error
    except GoogleAuthError as error:
        raise LastingError("no Google credentials: run gcloud auth application-default login") from error
    except exceptions.GoogleAPICallError as error:
        raise PassingError(f"{resource}: Secret Manager does not answer ({error.grpc_status_code})") from error


def _client() -> SecretManagerServiceClient:
    host = emulator()
    if host:
        channel = grpc.insecure_channel(host)
        client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    else:
        client = SecretManagerServiceClient()
    # with GOOGLE_SDK_PYTHON_LOGGING_SCOPE, read above, the library writes whole requests, which are secrets, to its log
    logging.getLogger(SecretManagerServiceGrpcTransport.__module__).setLevel(logging.INFO)
    return client
