"""The objects of the cluster, their versions, and the history that watches read."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.standins.kubernetes.statuses import already_exists, changed_meanwhile, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.standins.kubernetes.kinds import Json, Kind

GENERATED = "bcdfghjklmnpqrstvwxz2456789"
MAX_GENERATED_BASE = 63 - 5
GENERATE_ATTEMPTS = 8
HISTORY = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event of the history; `before` is the object as it was, for selectors."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: str
    entry: Json
    before: Json | None = None


class Store:
    """All objects, without their apiVersion, which depends on the path; an entry is replaced, never changed.

    Safe to use from any thread: take `lock` around what has to be seen as one step.
    """

    def __init__(self, *, before_1_23: bool = False) -> None:
        self._before_1_23 = before_1_23
        self.lock = threading.RLock()
        self._entries: dict[str, dict[tuple[str, str], Json]] = {}
        self._version = 100
        self._oldest = 0
        self._history: deque[Change] = deque(maxlen=HISTORY)
        self._watchers: set[Callable[[Change], None]] = set()
        self._random = random.Random()

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self._version

    def create(self, kind: Kind, entry: Json, *, dry_run: bool = False) -> Json:
        """Add an object with its name, drawing one when it has only a generateName."""
        metadata = dict(entry["metadata"])
        with self.lock:
            entries = self._entries.setdefault(kind.resource, {})
            unnamed = not metadata.get("name")
            namespace = metadata.get("namespace", "")
            for _ in range(GENERATE_ATTEMPTS if unnamed else 0):
                metadata["name"] = self.generate_name(metadata["generateName"])
                if (namespace, metadata["name"]) not in entries:
                    break
            key = (namespace, metadata["name"])
            if key in entries:
                generated = bool(metadata.get("generateName"))
                raise already_exists(kind, metadata["name"], generated=generated, before_1_23=self._before_1_23)
            metadata["uid"] = str(uuid.uuid4())
            metadata["creationTimestamp"] = timestamp()
            if kind.group:
                metadata["generation"] = 1
            created = {**entry, "metadata": metadata}
            if not dry_run:
                self._version += 1
                metadata["resourceVersion"] = str(self._version)
                entries[key] = created
                self._tell(Change(version=self._version, type="ADDED", resource=kind.resource, entry=created))
            return created

    def generate_name(self, base: str) -> str:
        """Append five characters, as k8s.io/apiserver/pkg/storage/names does."""
        return base[:MAX_GENERATED_BASE] + "".join(self._random.choices(GENERATED, k=5))

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """Give an object; 404 when it is not there."""
        found = self._entries.get(kind.resource, {}).get((namespace, name))
        if found is None:
            raise not_found(kind, name)
        return found

    def has(self, kind: Kind, namespace: str, name: str) -> bool:
        """Say whether an object is there."""
        return (namespace, name) in self._entries.get(kind.resource, {})

    def replace(self, kind: Kind, entry: Json, *, dry_run: bool = False) -> Json:
        """Put an object in the place of an earlier one; what the server keeps is kept."""
        metadata = dict(entry["metadata"])
        with self.lock:
            before = self.get(kind, metadata.get("namespace", ""), metadata["name"])
            kept = before["metadata"]
            asked = metadata.get("resourceVersion")
            if asked and asked != kept["resourceVersion"]:
                raise changed_meanwhile(kind, metadata["name"])
            for field in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "resourceVersion"):
                metadata.pop(field, None)
                if field in kept:
                    metadata[field] = kept[field]
            if kind.group and entry.get("spec") != before.get("spec"):
                metadata["generation"] = kept["generation"] + 1
            after = {**entry, "metadata": metadata}
            if after == before or dry_run:
                return after
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            self._entries[kind.resource][metadata.get("namespace", ""), metadata["name"]] = after
            self._tell(
                Change(
                    version=self._version,
                    type="MODIFIED",
                    resource=kind.resource,
                    entry=after,
                    before=before,
                )
            )
            return after

    def delete(self, kind: Kind, namespace: str, name: str) -> Json:
        """Remove an object; one with finalizers only gets its deletionTimestamp."""
        with self.lock:
            entry = self.get(kind, namespace, name)
            self._version += 1
            metadata = {**entry["metadata"], "resourceVersion": str(self._version)}
            gone = {**entry, "metadata": metadata}
            finalized = bool(metadata.get("finalizers"))
            if finalized:
                metadata["deletionTimestamp"] = timestamp()
                self._entries[kind.resource][namespace, name] = gone
            else:
                del self._entries[kind.resource][namespace, name]
            self._tell(
                Change(
                    version=self._version,
                    type="MODIFIED" if finalized else "DELETED",
                    resource=kind.resource,
                    entry=gone,
                    before=entry,
                )
            )
            return gone

    def watch(self, watcher: Callable[[Change], None]) -> Callable[[], None]:
        """Tell the watcher every later change, under the lock; give the function that ends it."""
        with self.lock:
            self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def since(self, version: int) -> Sequence[Change] | None:
        """The changes after a version, or None when not all of them are kept."""
        with self.lock:
            if version < self._oldest:
                return None
            return [change for change in self._history if change.version > version]

    def forget_history(self) -> None:
        """Compact: resourceVersions before now are expired."""
        with self.lock:
            self._version += 1
            self._oldest = self._version
            self._history.clear()

    @property
    def oldest(self) -> int:
        """The oldest version from which a watch can go on."""
        return self._oldest

    def list(self, kind: Kind, namespace: str = "") -> list[Json]:
        """Give the objects of a namespace, or all, by namespace and name."""
        with self.lock:
            entries = self._entries.get(kind.resource, {})
            return [entries[key] for key in sorted(entries) if not namespace or key[0] == namespace]

    def _tell(self, change: Change) -> None:
        if len(self._history) == HISTORY:
            self._oldest = self._history[0].version
        self._history.append(change)
        for watcher in list(self._watchers):
            watcher(change)


def timestamp() -> str:
    """Now, as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
