"""Looking at and changing the cluster's objects from the test's side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.standins.kubernetes import listing
from tests.standins.kubernetes.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.standins.kubernetes.api import Api
    from tests.standins.kubernetes.kinds import Json, Registry
    from tests.standins.kubernetes.store import Store


class Contents:
    """The objects of a store; those that it holds already are the cluster's own."""

    def __init__(self, store: Store, registry: Registry, api: Api) -> None:
        self._store = store
        self._registry = registry
        self._api = api
        self._start = store.version

    def objects(self, kind: str | None = None, namespace: str | None = None) -> list[Json]:
        """Copies of the objects of a kind, or of all that were not there at the start, oldest first."""
        kinds = self._registry.kinds_called(kind) if kind is not None else self._registry.all()
        found = [
            listing.view(one, one.versions[0], entry)
            for one in kinds
            for entry in self._store.list(one, namespace or "")
            if kind is not None or int(entry["metadata"]["resourceVersion"]) > self._start
        ]
        found.sort(key=lambda entry: (entry["metadata"]["creationTimestamp"], _version(entry)))
        copies: list[Json] = json.loads(json.dumps(found))
        return copies

    def put(self, document: Mapping[str, Any]) -> Json:
        """Create an object, or replace the one of the same name, without asking admission."""
        kind = self._registry.named(document["apiVersion"], document["kind"])
        entry = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
        metadata = {key: value for key, value in entry["metadata"].items() if key != "resourceVersion"}
        if kind.namespaced:
            metadata.setdefault("namespace", "default")
        entry["metadata"] = metadata
        namespace = metadata.get("namespace", "") if kind.namespaced else ""
        with self._store.lock:
            if not self._store.has(kind, namespace, metadata.get("name", "")):
                status = entry.get("status")
                created: Json = json.loads(self._api.create(kind, kind.versions[0], entry).body)
                if status is None:
                    return created
                entry = created
                entry = {key: value for key, value in entry.items() if key not in ("apiVersion", "kind")}
                entry["status"] = status
            return listing.view(kind, kind.versions[0], self._store.replace(kind, entry))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object."""
        found = next(one for one in self._registry.kinds_called(kind) if self._store.has(one, namespace, name))
        with self._store.lock:
            self._store.delete(found, namespace, name)

    def finish(self, kind: str, namespace: str, name: str, *, succeeded: bool, message: str) -> Json:
        """End a PipelineRun or TaskRun as its controller does: condition Succeeded and completionTime."""
        found = next(one for one in self._registry.kinds_called(kind) if one.group == "tekton.dev")
        with self._store.lock:
            entry = self._store.get(found, namespace, name)
            condition = {
                "type": "Succeeded",
                "status": "True" if succeeded else "False",
                "reason": "Succeeded" if succeeded else "Failed",
                "message": message or f"{kind} has finished",
                "lastTransitionTime": timestamp(),
            }
            ended = {"conditions": [condition], "completionTime": timestamp()}
            status = {"startTime": entry["metadata"]["creationTimestamp"], **entry.get("status", {}), **ended}
            return listing.view(found, found.versions[0], self._store.replace(found, {**entry, "status": status}))


def _version(entry: Json) -> int:
    return int(entry["metadata"]["resourceVersion"])
