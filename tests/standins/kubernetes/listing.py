"""Lists with pages, and watches."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.standins.exchange import Response, Stream
from tests.standins.kubernetes.selectors import field_matcher, label_matcher
from tests.standins.kubernetes.statuses import StatusError, expired

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standins.kubernetes.kinds import Json, Kind
    from tests.standins.kubernetes.paths import Target
    from tests.standins.kubernetes.store import Change, Store


def view(kind: Kind, version: str, entry: Json) -> Json:
    """An entry of the store as an object of one version."""
    return {"apiVersion": kind.api_version(version), "kind": kind.kind, **entry}


def matcher(query: dict[str, str], kind: Kind) -> Callable[[Json], bool]:
    """The label and field selectors of a request as one test."""
    labels = label_matcher(query.get("labelSelector", ""))
    fields = field_matcher(query.get("fieldSelector", ""), kind.kind)
    return lambda entry: labels(entry) and fields(entry)


def page(store: Store, kind: Kind, target: Target, query: dict[str, str]) -> Json:
    """Answer a list: `limit` and `continue` page it."""
    matches = matcher(query, kind)
    with store.lock:
        version = store.version
        found = [entry for entry in store.list(kind, target.namespace) if matches(entry)]
    metadata: Json = {"resourceVersion": str(version)}
    token, limit = query.get("continue", ""), int(query.get("limit") or 0)
    if token:
        started, after = _read_token(token)
        if started < store.oldest:
            raise expired("The provided continue parameter is too old to display a consistent list result.")
        metadata["resourceVersion"] = str(started)
        found = [entry for entry in found if _key(entry) > after]
    if limit and len(found) > limit:
        metadata["continue"] = _token(int(metadata["resourceVersion"]), _key(found[limit - 1]))
        metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    # Real servers leave apiVersion and kind out of the items of built-in lists only.
    items = [view(kind, target.version, entry) if kind.custom else entry for entry in found]
    api_version = kind.api_version(target.version)
    return {"kind": f"{kind.kind}List", "apiVersion": api_version, "metadata": metadata, "items": items}


def watch(store: Store, kind: Kind, target: Target, query: dict[str, str]) -> Response:
    """Answer a watch: what is there (unless a resourceVersion is given), then every change."""
    matches = matcher(query, kind)
    watching = Watch(store, kind, target, matches)
    asked = query.get("resourceVersion", "")
    seconds = float(query.get("timeoutSeconds") or 1800)
    bookmarks = query.get("allowWatchBookmarks") in ("true", "1")

    def start(stream: Stream) -> None:
        watching.start(stream, since=int(asked or 0), seconds=seconds, bookmarks=bookmarks)

    return Response(stream=start)


class Watch:
    """One watch of one collection."""

    def __init__(self, store: Store, kind: Kind, target: Target, matches: Callable[[Json], bool]) -> None:
        self._store = store
        self._kind = kind
        self._target = target
        self._matches = matches

    def start(self, stream: Stream, *, since: int, seconds: float, bookmarks: bool) -> None:
        """Write the events that are due and every later one."""
        with self._store.lock:
            missed = self._store.since(since) if since else []
            if missed is None:
                error = expired(f"too old resource version: {since} ({self._store.oldest})")
                stream.write(_line("ERROR", error.document()))
                stream.end()
                return
            for change in missed:
                stream.write(self._event(change))
            if not since:
                for entry in self._store.list(self._kind, self._target.namespace):
                    if self._matches(entry):
                        stream.write(_line("ADDED", view(self._kind, self._target.version, entry)))
            if bookmarks:
                metadata = {"resourceVersion": str(self._store.version)}
                stream.write(_line("BOOKMARK", view(self._kind, self._target.version, {"metadata": metadata})))

            def tell(change: Change) -> None:
                if change.resource == self._kind.resource:
                    stream.loop.call_soon_threadsafe(stream.write, self._event(change))

            forget = self._store.watch(tell)
        timer = stream.loop.call_later(seconds, stream.end)

        def closed() -> None:
            forget()
            timer.cancel()

        stream.on_close = closed

    def _event(self, change: Change) -> bytes:
        """The event's line, or nothing when it is not for this watch."""
        if change.resource != self._kind.resource or (
            self._target.namespace and change.entry["metadata"].get("namespace") != self._target.namespace
        ):
            return b""
        now = self._matches(change.entry)
        before = change.before is not None and self._matches(change.before)
        if not now and not before:
            return b""
        kind = change.type
        if kind == "MODIFIED":
            kind = "MODIFIED" if now and before else ("ADDED" if now else "DELETED")
        return _line(kind, view(self._kind, self._target.version, change.entry))


def _line(event: str, document: Json) -> bytes:
    return json.dumps({"type": event, "object": document}, separators=(",", ":")).encode() + b"\n"


def _key(entry: Json) -> tuple[str, str]:
    return entry["metadata"].get("namespace", ""), entry["metadata"]["name"]


def _token(version: int, key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *key]).encode()).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise StatusError(400, "continue key is not valid") from error
    return int(version), (str(namespace), str(name))
