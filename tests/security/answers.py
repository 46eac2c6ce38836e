"""Every adapter that asks somebody, over real sockets, and strangers that answer it with whatever they are told."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from unittest import mock

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.adapters.github.api import RestGitHubApi
from functions.adapters.github.app import App
from functions.adapters.github.hook_tokens import AppTokens, StaticToken
from functions.adapters.github.hooks import GitHubHooks
from functions.adapters.github.transport import GitHubTransport
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.calls import Backoff
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.secrets import read_secret
from functions.adapters.kubernetes.sink import ClusterSink
from functions.adapters.kubernetes.source.listeners import ClusterListeners
from functions.adapters.outbound.calls import OutboundClient
from functions.adapters.pubsub.client import PubSubPublisher, PubSubSubscriber
from functions.adapters.secrets.cluster import ClusterSecrets
from functions.adapters.secrets.ids import SecretIds
from functions.adapters.secrets.manager import ManagerSecrets
from functions.adapters.secrets.manager_client import ManagerClient
from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Services
from functions.common.values import Event
from functions.delivery import Delivery
from functions.interceptors.base import Call
from functions.interceptors.custom import CustomInterceptor
from functions.interceptors.webhook import WebhookInterceptor
from functions.queue.messages import Message
from functions.settings import Redelivery
from tests.adapters.kubernetes.support import Clock, pipeline_run, work
from tests.interceptors.running import MemoryGitHub, MemorySecrets

WAIT = 3.0
"""Seconds of an answer that promises more than it brings; the connection is closed anyway."""
MAX_WAIT = 10**12
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"generateName": "w-"}}


class HttpStranger:
    """Answers every request on one port with the same bytes, and closes."""

    def __init__(self) -> None:
        self.reply = b""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, name="stranger-standin", daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._answer, args=(connection,), name="stranger-standin", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(WAIT)
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (more := connection.recv(65536)):
                        return
                    head += more
                head, _, body = head.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
                    body += more
                connection.sendall(self.reply)
            except OSError:  # whoever asked has gone
                return


class GrpcStranger:
    """Answers every call with the same bytes, or with a code, a text and the bytes of a status's details."""

    def __init__(self) -> None:
        self.code = grpc.StatusCode.OK
        self.text = ""
        self.reply = b""
        self._server = grpc.server(ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers((_Any(self),))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def answer(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        if self.code is grpc.StatusCode.OK:
            return self.reply
        context.set_trailing_metadata((("grpc-status-details-bin", self.reply),))
        context.abort(self.code, self.text)
        raise AssertionError(self.code)  # abort raises


class _Any(grpc.GenericRpcHandler):
    def __init__(self, stranger: GrpcStranger) -> None:
        self._stranger = stranger

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._stranger.answer)


class Adapters:
    """The adapters, made anew for each answer where they remember something."""

    @cached_property
    def http(self) -> HttpStranger:
        """Who answers over HTTP."""
        return HttpStranger()

    @cached_property
    def grpc(self) -> GrpcStranger:
        """Who answers over gRPC."""
        return GrpcStranger()

    @cached_property
    def _key(self) -> bytes:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.http.port}"

    def cluster(self) -> None:
        """Create, look, discover, list and review; read a Secret and the triggers."""
        clock = Clock()
        access = ClusterAccess(server=self._url, token="t", insecure=True)
        backoff = Backoff(base=3.0, draw=lambda: 1.0, sleep=clock.sleep)
        api = KubernetesApi(lambda **_: access, backoff=backoff, clock=clock)

        def deadline() -> Deadline:
            return Deadline(clock() + 5.0, clock)

        for redelivery in Redelivery:
            job = work(pipeline_run(), WIDGET, service_account="builder")
            for outcome in ClusterSink(api, redelivery=redelivery).accept([job], deadline()):
                outcome.reason.encode()
                _check_wait(outcome.retry_after)
        listeners = ClusterListeners(api, home=lambda _: ["team"])
        _drive(
            lambda: ClusterSecrets(partial(read_secret, api)).load("team/hook", None, deadline()),
            lambda: listeners.current(deadline()),
            lambda: api.review_access("create", group="tekton.dev", resource="pipelineruns", deadline=deadline()),
        )

    def github(self) -> None:
        """Ask for everything that the github interceptor and the sweep ask."""
        transport = GitHubTransport(self._url)
        api = RestGitHubApi(transport)
        hooks = GitHubHooks(transport, StaticToken(lambda *_: b"t", "projects/p/secrets/t"))
        app = AppTokens(App(lambda *_: self._key, app_id="1", key_resource="projects/p/secrets/k", transport=transport))
        deadline = _deadline()
        hook = "repos/o/r/hooks/1"
        _drive(
            lambda: list(api.pull_request_files("o/r", 1, token="t", deadline=deadline)),
            lambda: api.is_member("o", "octocat", token="t", deadline=deadline),
            lambda: api.is_collaborator("o/r", "octocat", token="t", deadline=deadline),
            lambda: api.head("o/r", 1, token="t", deadline=deadline),
            lambda: api.file("o/r", "OWNERS", token="t", deadline=deadline),
            lambda: hooks.attempts(hook, since=0.0, deadline=deadline),
            lambda: hooks.newest(hook, deadline=deadline),
            lambda: hooks.redeliver(hook, 1, deadline=deadline),
            lambda: GitHubHooks(transport, app).newest(hook, deadline=deadline),
        )

    def interceptors(self) -> None:
        """Ask a custom interceptor and a webhook."""
        outbound = OutboundClient(frozenset({f"127.0.0.1:{self.http.port}"}))
        delivery = Delivery(path="/", headers={}, body=b"{}", received_at=0.0, nonce="n")
        event = Event(body={}, headers={}, extensions={}, request_url="/", event_id="id", text=b"{}")
        services = Services(MemorySecrets({}), outbound, MemoryGitHub())
        call = Call(delivery, services, _deadline(), "namespaces/team/triggers/t")
        _drive(
            lambda: CustomInterceptor("custom", self._url, "", {}).intercept(event, call),
            lambda: WebhookInterceptor(self._url, ()).intercept(event, call),
        )

    def manager(self) -> None:
        """Read a secret, all its versions, and one version."""
        client = ManagerClient(self.grpc.host, sleep=_no_sleep)
        secrets = ManagerSecrets("p", SecretIds("{name}"), protected=(), open_client=lambda: client)
        _drive(
            lambda: secrets.load("projects/p/secrets/s", None, _deadline()),
            lambda: secrets.load("projects/p/secrets/s/versions/latest", None, _deadline()),
        )

    def queue(self) -> None:
        """Publish, pull, acknowledge and give back."""
        with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": self.grpc.host}):
            publisher = PubSubPublisher("projects/p/topics/t", sleep=_no_sleep)
            subscriber = PubSubSubscriber("projects/p/subscriptions/s", sleep=_no_sleep)
            _drive(
                lambda: publisher.publish([Message(b"{}", {})], deadline=_deadline()),
                lambda: subscriber.pull(1, deadline=_deadline()),
                lambda: subscriber.acknowledge(["a"], deadline=_deadline()),
                lambda: subscriber.hold(["a"], 0, deadline=_deadline()),
            )


ADAPTERS: Mapping[bytes, Callable[[Adapters], None]] = {
    b"cluster": Adapters.cluster,
    b"github": Adapters.github,
    b"interceptors": Adapters.interceptors,
    b"manager": Adapters.manager,
    b"queue": Adapters.queue,
}
CODES = tuple(grpc.StatusCode)


def reply(status: bytes, headers: bytes, body: bytes) -> bytes:
    """Return the bytes of an answer in HTTP; with the status `raw`, the body is all of it."""
    if status == b"raw":
        return body
    number = int(status) if re.fullmatch(rb"[1-5][0-9]{2}", status) else 200
    lines = [re.sub(rb"[\r\n]", b"", line) for line in headers.split(b"\n") if line]
    return b"\r\n".join([b"HTTP/1.1 %d X" % number, *lines, b"Content-Length: %d" % len(body), b"", body])


def drive(adapters: Adapters, name: bytes, status: bytes, headers: bytes, body: bytes) -> None:
    """Let one adapter (any, for a name that is none) be answered so; only the error family may come of it."""
    keys = list(ADAPTERS)
    chosen = name if name in ADAPTERS else keys[sum(name) % len(keys)]
    if chosen in (b"manager", b"queue"):
        code = int(status) if re.fullmatch(rb"[0-9]{1,2}", status) else 0
        adapters.grpc.code = CODES[code % len(CODES)]
        adapters.grpc.text = headers.decode("utf-8", "replace").replace("\0", "")
        adapters.grpc.reply = body
    else:
        adapters.http.reply = reply(status, headers, body)
    ADAPTERS[chosen](adapters)


def _drive(*calls: Callable[[], object]) -> None:
    for call in calls:
        try:
            call()
        except PipehookError as error:
            error.reason.encode()
            assert error.reason
            _check_wait(getattr(error, "retry_after", None))


def _check_wait(asked: float | None) -> None:
    assert asked is None or 0 <= asked <= MAX_WAIT


def _deadline() -> Deadline:
    return Deadline(5.0, lambda: 0.0)


def _no_sleep(_seconds: float) -> None:
    """Pass no time between attempts."""
