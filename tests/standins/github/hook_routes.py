"""The REST endpoints of webhooks of repositories, organisations and the App."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.standins.github.answers import ApiError, answer, answer_nothing, next_link, page, per_page
from tests.standins.github.hooks import Delivery, Hook, Hooks

if TYPE_CHECKING:
    from tests.standins.exchange import Request, Response

HOOKS = re.compile(r"/(repos/[^/]+/[^/]+|orgs/[^/]+)/hooks(?:/(\d+)(/.+)?)?")
APP_HOOK = re.compile(r"/app/hook(/.+)")
DELIVERY = re.compile(r"/deliveries/(\d+)(/attempts)?")


class HookRoutes:
    """Answers below `…/hooks` and `/app/hook`; `base` is the API's address, for links."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def serve(self, request: Request, base: str) -> Response | None:
        """Answer a request, or None when its path is none of ours."""
        if found := APP_HOOK.fullmatch(request.path):
            hooks = self._hooks.of("app")
            if not hooks:
                raise ApiError(404)
            return self._below(request, hooks[0], found[1], base)
        found = HOOKS.fullmatch(request.path)
        if found is None:
            return None
        scope, number, rest = found.groups()
        if number is None:
            return self._collection(request, scope, base)
        hook = next((one for one in self._hooks.of(scope) if one.id == int(number)), None)
        if hook is None:
            raise ApiError(404)
        return self._below(request, hook, rest, base) if rest else self._one(request, hook, base)

    def _collection(self, request: Request, scope: str, base: str) -> Response:
        if request.method == "GET":
            return page(request, [_shown(hook, base) for hook in self._hooks.of(scope)], base)
        if request.method != "POST":
            raise ApiError(404)
        body = _body(request)
        settings = body.get("config") or {}
        url = settings.get("url")
        if not url:
            problem = {"resource": "Hook", "code": "custom", "message": "url cannot be blank"}
            raise ApiError(422, errors=[problem])
        events = body.get("events", ["push"])
        if any(hook.url == url and hook.events == events for hook in self._hooks.of(scope)):
            text = "Hook already exists on this repository"
            raise ApiError(422, errors=[{"resource": "Hook", "code": "custom", "message": text}])
        hook = self._hooks.add(
            scope,
            url,
            secret=settings.get("secret", ""),
            events=events,
            content_type=settings.get("content_type", "form"),
            active=body.get("active", True),
        )
        if hook.active:
            self._ping(hook)
        return answer(_shown(hook, base), 201)

    def _one(self, request: Request, hook: Hook, base: str) -> Response:
        if request.method == "DELETE":
            self._hooks.remove(hook)
            return answer_nothing()
        if request.method == "PATCH":
            body = _body(request)
            settings = body.get("config") or {}
            hook.url = settings.get("url", hook.url)
            hook.secret = settings.get("secret", hook.secret)
            hook.content_type = settings.get("content_type", hook.content_type)
            hook.events = body.get("events", hook.events)
            hook.active = body.get("active", hook.active)
        elif request.method != "GET":
            raise ApiError(404)
        return answer(_shown(hook, base))

    def _below(self, request: Request, hook: Hook, rest: str, base: str) -> Response:
        if rest == "/deliveries" and request.method == "GET":
            return self._list(request, hook, base)
        if found := DELIVERY.fullmatch(rest):
            delivery = next((one for one in self._hooks.deliveries(hook) if one.id == int(found[1])), None)
            if delivery is None:
                raise ApiError(404)
            if found[2] and request.method == "POST":
                self._hooks.redeliver(delivery)
                return answer({}, 202)
            if not found[2] and request.method == "GET":
                return answer(delivery.detail())
        if rest in ("/pings", "/tests") and request.method == "POST":
            self._ping(hook)
            return answer_nothing()
        if rest == "/config" and request.method == "GET":
            return answer(_config(hook))
        raise ApiError(404)

    def _list(self, request: Request, hook: Hook, base: str) -> Response:
        query = request.query
        found = [one for one in self._hooks.deliveries(hook) if _wanted(one, query)]
        cursor = query.get("cursor", "")
        if cursor:
            start = cursor.removeprefix("v1_")
            if not start.isdecimal():
                raise ApiError(422, "Invalid cursor")
            found = [one for one in found if one.id <= int(start)]
        size = per_page(request)
        headers = next_link(request, base, f"v1_{found[size].id}") if len(found) > size else {}
        return answer([one.item() for one in found[:size]], headers=headers)

    def _ping(self, hook: Hook) -> None:
        payload = {"zen": "Keep it logically awesome.", "hook_id": hook.id, "hook": {"type": "Repository"}}
        self._hooks.send_soon(hook, "ping", payload)


def _wanted(delivery: Delivery, query: dict[str, str]) -> bool:
    status = query.get("status")
    if status not in (None, "success", "failure"):
        raise ApiError(422, "Invalid status")
    if status is not None and delivery.succeeded != (status == "success"):
        return False
    return "redelivery" not in query or delivery.redelivery == (query["redelivery"] == "true")


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Body should be a JSON object")
    return body


def _config(hook: Hook) -> dict[str, str]:
    secret = {"secret": "********"} if hook.secret else {}
    return {"content_type": hook.content_type, "insecure_ssl": "0", "url": hook.url, **secret}


def _shown(hook: Hook, base: str) -> dict[str, Any]:
    url = f"{base}/{hook.scope}/hooks/{hook.id}"
    return {
        "type": "Organization" if hook.scope.startswith("orgs/") else "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": _config(hook),
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
