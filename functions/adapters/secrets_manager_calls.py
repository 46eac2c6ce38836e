"""Secret Manager's two calls over a gRPC channel, with the library's messages and without its generated client.

The client's package imports an asynchronous and a REST transport and all that is around them, which costs a first
delivery more than everything of ours together. Its part in these two calls is small: the methods' names and the
routing header (https://google.aip.dev/client-libraries/4222). The channel, with TLS and a token for each call, is
google-auth's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import grpc

from functions.adapters.deferred import defer

defer("google.cloud.secretmanager_v1", modules_first=True)
from google.cloud.secretmanager_v1.types import service as messages  # noqa: E402 -- not before its package is deferred

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

HOST = "secretmanager.googleapis.com:443"
PAGE_SIZE = 25
_SERVICE = "/google.cloud.secretmanager.v1.SecretManagerService"
_OPTIONS = (
    # a new channel must not find the dead connection of the old one, nor its back-off
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)


class Calls:
    """The two calls over one channel, which threads share. They raise grpc.RpcError."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel  # it may close when nobody holds it
        self._list = channel.unary_unary(
            f"{_SERVICE}/ListSecretVersions",
            request_serializer=messages.ListSecretVersionsRequest.serialize,
            response_deserializer=messages.ListSecretVersionsResponse.deserialize,
        )
        self._access = channel.unary_unary(
            f"{_SERVICE}/AccessSecretVersion",
            request_serializer=messages.AccessSecretVersionRequest.serialize,
            response_deserializer=messages.AccessSecretVersionResponse.deserialize,
        )

    @classmethod
    def of_emulator(cls, host: str) -> Calls:
        """Open a channel to an emulator, without TLS and credentials."""
        return cls(grpc.insecure_channel(host, options=_OPTIONS))

    @classmethod
    def of_google(cls, credentials: Credentials) -> Calls:
        """Open a channel to Secret Manager, over which google-auth attaches a token to every call."""
        from google.auth.transport.grpc import secure_authorized_channel  # noqa: PLC0415 -- not for emulators
        from google.auth.transport.requests import Request  # noqa: PLC0415 -- as above

        # given, so that no client certificate is looked for on the machine
        tls = grpc.ssl_channel_credentials()
        return cls(secure_authorized_channel(credentials, Request(), HOST, ssl_credentials=tls, options=_OPTIONS))

    def list_versions(self, seconds: float, *, secret: str, token: str) -> messages.ListSecretVersionsResponse:
        """Ask for one page of a secret's enabled versions."""
        request = messages.ListSecretVersionsRequest(
            parent=secret, filter="state:ENABLED", page_size=PAGE_SIZE, page_token=token
        )
        page: messages.ListSecretVersionsResponse
        page = self._list(request, timeout=seconds, metadata=_route(parent=secret))
        return page

    def access_version(self, seconds: float, *, version: str) -> messages.AccessSecretVersionResponse:
        """Ask for a version's payload."""
        request = messages.AccessSecretVersionRequest(name=version)
        answer: messages.AccessSecretVersionResponse
        answer = self._access(request, timeout=seconds, metadata=_route(name=version))
        return answer


def _route(**field: str) -> tuple[tuple[str, str]]:
    return (("x-goog-request-params", urlencode(field, safe="/")),)
