"""A Kubernetes API server stand-in: HTTPS, bearer tokens and client certificates, and faults on demand."""

from __future__ import annotations

import argparse
import contextlib
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.standins.certificates import Authority
from tests.standins.exchange import App, Request
from tests.standins.faults import Fault, Faults
from tests.standins.journal import Journal, SeenRequest
from tests.standins.kubernetes import bindings
from tests.standins.kubernetes.access import Access, User
from tests.standins.kubernetes.admission import new_token
from tests.standins.kubernetes.api import Api
from tests.standins.kubernetes.contents import Contents
from tests.standins.kubernetes.control import Control
from tests.standins.kubernetes.fairness import Fairness
from tests.standins.kubernetes.kinds import CRD, NAMESPACE, Kind, Registry, definition
from tests.standins.kubernetes.kubeconfigs import kubeconfig
from tests.standins.kubernetes.paths import parse
from tests.standins.kubernetes.starting import Stage
from tests.standins.kubernetes.statuses import StatusError, default_body
from tests.standins.kubernetes.store import Store
from tests.standins.loops import LoopThread
from tests.standins.process import serve_until_told
from tests.standins.web import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.standins.kubernetes.kinds import Json

ACCOUNT = "system:serviceaccount:default:pipehook"
NAMESPACES = ("default", "kube-system", "kube-public")


class ApiServer:
    """A cluster of its own while the context is open.

    `tokens` maps bearer tokens to users (default: one drawn token for ACCOUNT, which may do everything).
    `namespaces` are there from the start; with `strict_namespaces` all others are refused. With `rbac`, users
    without rules of their own have what stored RoleBindings grant. `kinds` adds custom resources. `before_1_23`: it
    says otherwise that a name is taken, and does not know fieldValidation.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        control_port: int = 0,
        tokens: Mapping[str, User] | None = None,
        namespaces: Iterable[str] = (),
        strict_namespaces: bool = False,
        tekton_webhooks: bool = False,
        rbac: bool = False,
        kinds: Iterable[Kind] = (),
        before_1_23: bool = False,
    ) -> None:
        users = dict(tokens) if tokens is not None else {new_token(): User(name=ACCOUNT)}
        self.token = next(iter(users), "")
        self._token_user = users.get(self.token, User(name=ACCOUNT))
        self.requests: Journal[SeenRequest] = Journal()
        self.faults = Faults()
        self.fairness: Fairness | None = None
        """What limits requests from now on."""
        self.control_token = secrets.token_urlsafe(16)
        self._ports = (port, control_port)
        self._registry = Registry()
        self._store = Store(before_1_23=before_1_23)
        for kind in kinds:
            self._registry.register(kind)

        self._access = Access(
            users,
            rbac=rbac,
            stored_rules=lambda user, where: bindings.stored_rules(self._store, self._registry, user, where),
        )
        self._api = Api(
            store=self._store,
            registry=self._registry,
            access=self._access,
            strict_namespaces=strict_namespaces,
            tekton_webhooks=tekton_webhooks,
            before_1_23=before_1_23,
        )
        for name in (*NAMESPACES, *namespaces):
            if not self._store.has(NAMESPACE, "", name):
                self._api.create(NAMESPACE, "v1", {"metadata": {"name": name}})
        for kind in self._registry.custom():
            self._store.create(CRD, definition(kind))
        self._contents = Contents(self._store, self._registry, self._api)
        self._authority = Authority()
        self.ca_pem = self._authority.pem

    def __enter__(self) -> Self:
        self._loop = LoopThread("apiserver-standin")
        app = App(
            handle=self._api.handle,
            fault=self._fault,
            fault_body=lambda fault: default_body(fault.status),
            note=self._note,
            fairness=lambda: self.fairness,
        )
        port, control_port = self._ports
        self._listener = Listener(self._loop, app, port=port, tls=self._authority.server_context())
        control = App(handle=Control(self, self.control_token).handle)
        self._control = Listener(self._loop, control, port=control_port)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._control.close()
        self._loop.stop()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"https://127.0.0.1:{self._listener.port}"

    @property
    def control_url(self) -> str:
        """The address of the control endpoint, to be used with `control_token`."""
        return f"http://127.0.0.1:{self._control.port}"

    def kubeconfig(
        self,
        *,
        token: str | None = None,
        namespace: str = "default",
        insecure: bool = False,
        client_certificate: bool = False,
        user: str = ACCOUNT,
    ) -> str:
        """Write a kubeconfig (YAML): with a token (default: the present one) or a certificate for `user`."""
        return kubeconfig(
            url=self.url,
            ca_pem=None if insecure else self.ca_pem,
            token=None if client_certificate else (self.token if token is None else token),
            certificate=self._authority.client(user) if client_certificate else None,
            namespace=namespace,
        )

    def objects(self, kind: str | None = None, namespace: str | None = None) -> list[Json]:
        """Copies of the objects of a kind, or of all that were not there at the start, oldest first."""
        return self._contents.objects(kind, namespace)

    def put_object(self, document: Mapping[str, Any]) -> Json:
        """Create an object, or replace the one of the same name, without asking admission."""
        return self._contents.put(document)

    def delete_object(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, as somebody else with the right to."""
        self._contents.delete(kind, namespace, name)

    def finish(self, kind: str, namespace: str, name: str, succeeded: bool = True, message: str = "") -> Json:
        """End a PipelineRun or TaskRun as its controller does: condition Succeeded and completionTime."""
        return self._contents.finish(kind, namespace, name, succeeded=succeeded, message=message)

    def register(self, kind: Kind) -> None:
        """Serve one more kind."""
        self._registry.register(kind)
        self._store.create(CRD, definition(kind))

    def add_token(self, token: str, user: User) -> None:
        """Let a further token in."""
        self._access.tokens[token] = user

    def remove_token(self, token: str) -> None:
        """Answer a token with 401 from now on."""
        self._access.tokens.pop(token, None)

    def rotate_token(self, new: str) -> str:
        """Give the user of the present token a new one; the old one is answered with 401."""
        self._access.tokens.pop(self.token, None)
        self._access.tokens[new] = self._token_user
        self.token = new
        return new

    def revoke_token(self) -> None:
        """Answer the present token with 401 until it is rotated."""
        self._access.tokens.pop(self.token, None)

    def expire_history(self) -> None:
        """Make every resourceVersion up to now too old to watch from (410)."""
        self._store.forget_history()

    def drop_connections(self) -> None:
        """Reset all open connections; new ones are welcome."""
        self._listener.drop_connections()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse connections inside the context."""
        self.refuse()
        try:
            yield
        finally:
            self.accept()

    def refuse(self) -> None:
        """Stop listening and drop all connections."""
        self._listener.refuse()

    def accept(self) -> None:
        """Listen again on the same port."""
        self._listener.accept()

    @property
    def stage(self) -> Stage:
        """How far it has come since it was started; READY at once, unless it is set."""
        return self._access.stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._access.stage = stage

    def restart(self, *, pause: float) -> None:
        """End as by `kill -9` and start anew over the same objects, `pause` seconds for each step of it."""
        with self.refusing():
            time.sleep(pause)
            self.stage = Stage.NO_RBAC
        for stage in (Stage.NO_ROLES, Stage.NO_PATHS, Stage.READY):
            time.sleep(pause)
            self.stage = stage

    def _fault(self, request: Request) -> Fault | None:
        if not self.faults.any:
            return None
        target = parse(request.path, self._registry)
        kind = target.kind.kind if target is not None and target.kind is not None else ""
        return self.faults.take(method=request.method, target=request.target, kind=kind)

    def _note(self, request: Request, status: int) -> None:
        try:
            user = self._access.authenticate(request).name
        except StatusError:
            user = ""
        self.requests.append(
            SeenRequest(
                method=request.method,
                path=request.path,
                query=request.target.partition("?")[2],
                status=status,
                user=user,
                impersonated=request.headers.get("impersonate-user", ""),
            )
        )


def main() -> None:
    """Serve until SIGTERM, or until the pipe on standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.apiserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the API (default: a free one)")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control endpoint")
    parser.add_argument("--token", help="bearer token that may do everything (default: drawn)")
    parser.add_argument("--namespace", action="append", default=[], help="namespace to create; repeatable")
    parser.add_argument("--strict-namespaces", action="store_true", help="refuse other namespaces")
    parser.add_argument("--tekton-webhooks", action="store_true", help="refuse what Tekton's webhooks refuse")
    parser.add_argument("--rbac", action="store_true", help="only what stored RoleBindings grant is allowed")
    parser.add_argument("--kubeconfig", type=Path, help="file to write a kubeconfig to")
    given = parser.parse_args()
    with ApiServer(
        port=given.port,
        control_port=given.control_port,
        tokens={given.token: User(name=ACCOUNT)} if given.token else None,
        namespaces=given.namespace,
        strict_namespaces=given.strict_namespaces,
        tekton_webhooks=given.tekton_webhooks,
        rbac=given.rbac,
    ) as server:
        if given.kubeconfig:
            namespace = given.namespace[0] if given.namespace else "default"
            given.kubeconfig.touch(mode=0o600)
            given.kubeconfig.write_text(server.kubeconfig(namespace=namespace))
        serve_until_told(
            url=server.url,
            token=server.token,
            ca_pem=server.ca_pem,
            control_url=server.control_url,
            control_token=server.control_token,
        )


if __name__ == "__main__":
    main()
