"""Kinds and their REST resources: the common ones known beforehand, all others by discovery, kept for a while."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from urllib.parse import quote

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.lenient import objects_at, text_at
from functions.common.ports import Deadline
from functions.common.shown import shown
from functions.common.values import Json

POSITIVE_SECONDS = 600.0
"""How long the kinds of an apiVersion are taken as discovered."""
NEGATIVE_SECONDS = 15.0
"""How long a kind that was not found is not asked for again: a CRD may be installed any moment."""
_MAX_GROUPS = 64
_LANES = 16

_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?/)?[a-z][a-z0-9]{0,30}")
_SEGMENT = re.compile(r"[^/%\x00-\x20\x7f]{1,253}")


class Resource(Struct, frozen=True):
    """How objects of a kind are addressed."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the collection's path, or with `name` the object's. Without `namespace`: of all namespaces.

        Raises LastingError when namespace or name cannot stand in a path.
        """
        parts = [_root(self.api_version)]
        if self.namespaced and namespace:
            parts += ["namespaces", _segment(namespace, "metadata.namespace")]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name, "metadata.name"))
        return "/".join(parts)

    def attributes(self, verb: str, namespace: str = "", name: str = "") -> dict[str, str]:
        """Return what an access review calls an attempt to do something with it."""
        group = self.api_version.rpartition("/")[0]
        where = namespace if self.namespaced else ""
        return {"verb": verb, "group": group, "resource": self.plural, "namespace": where, "name": name}


def _segment(text: str, where: str) -> str:
    # a name may come from an event, and "." or ".." would address something else altogether
    if text in (".", "..") or not _SEGMENT.fullmatch(text):
        raise LastingError(f"{where} is no name that Kubernetes accepts (no /, %, blanks, . or ..)")
    return quote(text, safe="")


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _table(rows: Mapping[str, str]) -> dict[tuple[str, str], Resource]:
    table = {}
    for api_versions, kinds in rows.items():
        for api_version in api_versions.split():
            for word in kinds.split():
                kind, _, scope = word.partition(":")
                resource = Resource(api_version, kind, _plural(kind), scope != "cluster")
                table[api_version, kind] = resource
    return table


def _plural(kind: str) -> str:
    low = kind.lower()
    return f"{low[:-1]}ies" if low.endswith("y") else f"{low}es" if low.endswith("s") else f"{low}s"


KNOWN = _table(
    {
        "v1": "ConfigMap Secret Pod Service ServiceAccount PersistentVolumeClaim Event Namespace:cluster",
        "apps/v1": "Deployment StatefulSet DaemonSet",
        "batch/v1": "Job CronJob",
        "rbac.authorization.k8s.io/v1": "Role RoleBinding ClusterRole:cluster ClusterRoleBinding:cluster",
        "networking.k8s.io/v1": "Ingress NetworkPolicy",
        "tekton.dev/v1 tekton.dev/v1beta1": "PipelineRun TaskRun Pipeline Task",
        "tekton.dev/v1beta1": "CustomRun",
        "triggers.tekton.dev/v1beta1 triggers.tekton.dev/v1alpha1": (
            "EventListener Trigger TriggerTemplate TriggerBinding ClusterTriggerBinding:cluster"
        ),
        "triggers.tekton.dev/v1alpha1": "ClusterInterceptor:cluster Interceptor",
    }
)
"""(apiVersion, kind) to resource, so that a cold start asks nothing; checked against a real server's discovery."""


class _Group(Struct, frozen=True):
    kinds: Mapping[str, Resource]
    read_at: float


class Kinds:
    """Finds resources; `read` asks the API for the APIResourceList at a path and returns None where there is none.

    A delivery's resources are created in parallel: those of one apiVersion wait for one answer instead of each asking.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lanes = tuple(threading.Lock() for _ in range(_LANES))
        self._groups: dict[str, _Group] = {}

    def find(
        self, api_version: str, kind: str, read: Callable[[str], Mapping[str, Json] | None], deadline: Deadline
    ) -> Resource:
        """Return the resource of a kind.

        Raises LastingError when the cluster serves none, PassingError when another thread's question is not answered
        in time, and whatever `read` does.
        """
        known = KNOWN.get((api_version, kind))
        if known is not None:
            return known
        if not _API_VERSION.fullmatch(api_version):
            raise LastingError("its apiVersion is no group/version such as tekton.dev/v1; correct the template")
        group = self._fresh(api_version, kind) or self._asked(api_version, kind, read, deadline)
        found = group.kinds.get(kind)
        if found is None:
            raise LastingError(
                f"the cluster serves no {shown(kind)} of {api_version}: install its CRD, or correct apiVersion and kind"
            )
        return found

    def forget(self, resource: Resource) -> None:
        """Drop what was discovered of the resource's apiVersion: the API does not know it any more."""
        with self._lock:
            self._groups.pop(resource.api_version, None)

    def _asked(
        self, api_version: str, kind: str, read: Callable[[str], Mapping[str, Json] | None], deadline: Deadline
    ) -> _Group:
        lane = self._lanes[hash(api_version) % _LANES]
        what = f"discovery of {api_version}"
        with deadline.holding(lane, f"ask the cluster for {what}", f"{what} was not answered in time"):
            group = self._fresh(api_version, kind)
            if group is None:
                group = _Group(_resources(api_version, read(_root(api_version))), self._clock())
                self._keep(api_version, group)
            return group

    def _keep(self, api_version: str, group: _Group) -> None:
        with self._lock:
            self._groups.pop(api_version, None)
            while len(self._groups) >= _MAX_GROUPS:
                del self._groups[next(iter(self._groups))]
            self._groups[api_version] = group

    def _fresh(self, api_version: str, kind: str) -> _Group | None:
        group = self._groups.get(api_version)
        if group is None:
            return None
        limit = POSITIVE_SECONDS if kind in group.kinds else NEGATIVE_SECONDS
        return group if self._clock() - group.read_at < limit else None


def serves(document: Mapping[str, Json], kind: str) -> bool:
    """Say whether an APIResourceList has a kind; that of a CRD comes some time after its group."""
    return kind in _resources("", document)


def _resources(api_version: str, document: Mapping[str, Json] | None) -> dict[str, Resource]:
    """Return the kinds of an APIResourceList; entries with a slash are subresources."""
    found: dict[str, Resource] = {}
    for entry in objects_at(document, "resources"):
        name, kind = text_at(entry, "name"), text_at(entry, "kind")
        if name and kind and "/" not in name:
            found.setdefault(kind, Resource(api_version, kind, quote(name, safe=""), entry.get("namespaced") is True))
    return found
