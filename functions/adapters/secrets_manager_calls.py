"""Secret Manager's two calls over a gRPC channel, by the narrow way into Google's client library.

The generated transport is used without the generated client around it, whose package imports an asynchronous and a REST
transport as well. What the client adds to these two calls is the routing header, which is added here, and a check that
the host and the credentials are of one universe, and here there is only Google's own. The `__init__.py` of the packages
on the way are deferred (see `deferred`).
"""

from __future__ import annotations

import logging

import grpc
from google.api_core.gapic_v1.method import wrap_method
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.auth.credentials import Credentials

from functions.adapters.deferred import defer

_PACKAGE = "google.cloud.secretmanager_v1"
_SERVICE = f"{_PACKAGE}.services.secret_manager_service"
defer(_PACKAGE, f"{_PACKAGE}.services", _SERVICE, f"{_SERVICE}.transports", modules_first=True)

# these can only come after `defer`
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.base import (  # noqa: E402 -- as said
    DEFAULT_CLIENT_INFO,
)
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc import (  # noqa: E402 -- as said
    SecretManagerServiceGrpcTransport,
)
from google.cloud.secretmanager_v1.types import service as messages  # noqa: E402 -- as said

PAGE_SIZE = 25
_OPTIONS = (
    # a new channel must not find the dead connection of the old one, nor its back-off
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)
_LIBRARY_LOG = logging.getLogger(SecretManagerServiceGrpcTransport.__module__)


class Calls:
    """The two calls over one channel. They raise google.api_core.exceptions, and grpc's threads share them safely."""

    def __init__(self, channel: grpc.Channel) -> None:
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        self._list = wrap_method(transport.list_secret_versions, client_info=DEFAULT_CLIENT_INFO)
        self._access = wrap_method(transport.access_secret_version, client_info=DEFAULT_CLIENT_INFO)
        # with GOOGLE_SDK_PYTHON_LOGGING_SCOPE, read above, the library writes whole answers, which are secrets, to
        # its log
        _LIBRARY_LOG.setLevel(logging.INFO)

    @classmethod
    def of_emulator(cls, host: str) -> Calls:
        """Open a channel to an emulator, without TLS and credentials."""
        return cls(grpc.insecure_channel(host, options=_OPTIONS))

    @classmethod
    def of_google(cls, credentials: Credentials) -> Calls:
        """Open a channel to Secret Manager."""
        return cls(SecretManagerServiceGrpcTransport.create_channel(credentials=credentials, options=_OPTIONS))

    def list_versions(self, seconds: float, *, secret: str, token: str) -> messages.ListSecretVersionsResponse:
        """Ask for one page of a secret's enabled versions."""
        request = messages.ListSecretVersionsRequest(
            parent=secret, filter="state:ENABLED", page_size=PAGE_SIZE, page_token=token
        )
        route = to_grpc_metadata((("parent", secret),))
        page: messages.ListSecretVersionsResponse = self._list(request, timeout=seconds, metadata=(route,))
        return page

    def access_version(self, seconds: float, *, version: str) -> messages.AccessSecretVersionResponse:
        """Ask for a version's payload."""
        request = messages.AccessSecretVersionRequest(name=version)
        route = to_grpc_metadata((("name", version),))
        answer: messages.AccessSecretVersionResponse = self._access(request, timeout=seconds, metadata=(route,))
        return answer
