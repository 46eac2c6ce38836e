"""The control endpoint of the API server stand-in: plain HTTP on a port of its own, with a token of its own."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from tests.standins.exchange import Request, Response
from tests.standins.faults import ArmedFault, Fault
from tests.standins.kubernetes.fairness import Fairness

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standins.apiserver import ApiServer


class Control:
    """Answers what `tests.standins.remote.RemoteApiServer` asks."""

    def __init__(self, server: ApiServer, token: str) -> None:
        self._server = server
        self._token = token
        self._armed: list[ArmedFault] = []
        self._routes: dict[tuple[str, str], Callable[[Request, Any], object]] = {
            ("GET", "/faults"): lambda _request, _body: [_counters(armed) for armed in self._armed],
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/requests"): lambda _request, _body: [dataclasses.asdict(seen) for seen in server.requests[:]],
            ("DELETE", "/requests"): lambda _request, _body: server.requests.clear(),
            ("GET", "/objects"): lambda request, _body: server.objects(
                request.query.get("kind") or None, request.query.get("namespace") or None
            ),
            ("PUT", "/objects"): lambda _request, body: server.put_object(body),
            ("POST", "/finish"): lambda _request, body: server.finish(**body),
            ("POST", "/token"): lambda _request, body: server.rotate_token(body["token"]),
            ("DELETE", "/token"): lambda _request, _body: server.revoke_token(),
            ("PUT", "/fairness"): self._limit,
            ("DELETE", "/history"): lambda _request, _body: server.expire_history(),
            ("GET", "/kubeconfig"): lambda request, _body: server.kubeconfig(
                namespace=request.query.get("namespace", "default")
            ),
        }

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return _answer({"message": "this is the control endpoint; give its own token"}, 401)
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _answer({"message": f"no such control: {request.method} {request.path}"}, 404)
        try:
            body = json.loads(request.body) if request.body else None
            return _answer(route(request, body))
        except (ValueError, TypeError, KeyError) as error:
            return _answer({"message": f"{type(error).__name__}: {error}"}, 400)

    def _add_fault(self, _request: Request, body: Any) -> object:
        armed = self._server.faults.add(Fault(**body))
        self._armed.append(armed)
        return len(self._armed)

    def _limit(self, _request: Request, body: Any) -> None:
        self._server.fairness = Fairness(**body)

    def _clear_faults(self, _request: Request, _body: Any) -> None:
        self._armed.clear()
        self._server.faults.clear()


def _counters(armed: ArmedFault) -> dict[str, object]:
    return {"fault": dataclasses.asdict(armed.fault), "seen": armed.seen, "fired": armed.fired}


def _answer(document: object, status: int = 200) -> Response:
    return Response(status, json.dumps(document).encode() + b"\n")
