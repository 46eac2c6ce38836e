"""The kinds that the stand-in serves, and the discovery documents that describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object; all its `versions` (the preferred one first) share storage."""

    group: str = ""
    kind: str
    plural: str
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    custom: bool = True
    short_names: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """The name in messages: `pipelineruns.tekton.dev`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """The kind in messages of validation: `PipelineRun.tekton.dev`, `Pod`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def api_version(self, version: str) -> str:
        """The `apiVersion` of objects: `tekton.dev/v1`, `v1`."""
        return f"{self.group}/{version}" if self.group else version


def _core(kind: str, plural: str, *, namespaced: bool = True, short: tuple[str, ...] = ()) -> Kind:
    return Kind(kind=kind, plural=plural, namespaced=namespaced, custom=False, short_names=short)


def _built_in(group: str, kind: str, plural: str, *, namespaced: bool = True) -> Kind:
    return Kind(group=group, kind=kind, plural=plural, namespaced=namespaced, custom=False)


def _tekton(kind: str, *versions: str, short: tuple[str, ...] = ()) -> Kind:
    return Kind(group="tekton.dev", kind=kind, plural=f"{kind.lower()}s", versions=versions, short_names=short)


def _triggers(kind: str, *versions: str, namespaced: bool = True, short: tuple[str, ...] = ()) -> Kind:
    return Kind(
        group="triggers.tekton.dev",
        kind=kind,
        plural=f"{kind.lower()}s",
        versions=versions,
        namespaced=namespaced,
        short_names=short,
    )


RBAC = "rbac.authorization.k8s.io"
NAMESPACE = _core("Namespace", "namespaces", namespaced=False, short=("ns",))
SECRET = _core("Secret", "secrets")
SERVICE_ACCOUNT = _core("ServiceAccount", "serviceaccounts", short=("sa",))
CRD = _built_in("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
KINDS = (
    NAMESPACE,
    SECRET,
    SERVICE_ACCOUNT,
    _core("ConfigMap", "configmaps", short=("cm",)),
    _core("Pod", "pods", short=("po",)),
    _core("Service", "services", short=("svc",)),
    _core("Event", "events", short=("ev",)),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", short=("pvc",)),
    _built_in("apps", "Deployment", "deployments"),
    _built_in("batch", "Job", "jobs"),
    _built_in("batch", "CronJob", "cronjobs"),
    _built_in("networking.k8s.io", "Ingress", "ingresses"),
    _built_in(RBAC, "Role", "roles"),
    _built_in(RBAC, "RoleBinding", "rolebindings"),
    _built_in(RBAC, "ClusterRole", "clusterroles", namespaced=False),
    _built_in(RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _tekton("PipelineRun", "v1", "v1beta1", short=("pr", "prs")),
    _tekton("TaskRun", "v1", "v1beta1", short=("tr", "trs")),
    _tekton("Pipeline", "v1", "v1beta1"),
    _tekton("Task", "v1", "v1beta1"),
    _tekton("CustomRun", "v1beta1"),
    _triggers("EventListener", "v1beta1", "v1alpha1", short=("el",)),
    _triggers("Trigger", "v1beta1", "v1alpha1", short=("tri",)),
    _triggers("TriggerBinding", "v1beta1", "v1alpha1", short=("tb",)),
    _triggers("TriggerTemplate", "v1beta1", "v1alpha1", short=("tt",)),
    _triggers("ClusterTriggerBinding", "v1beta1", "v1alpha1", namespaced=False, short=("ctb",)),
    _triggers("ClusterInterceptor", "v1alpha1", namespaced=False, short=("ci",)),
    _triggers("Interceptor", "v1alpha1"),
)


class Registry:
    """The kinds by path and by name; CustomResourceDefinitions are made from those that are custom."""

    def __init__(self) -> None:
        self._by_plural: dict[tuple[str, str], Kind] = {}
        self._by_kind: dict[tuple[str, str], Kind] = {}
        # Authorization has an API version but no stored kinds.
        self._versions: dict[str, list[str]] = {"authorization.k8s.io": ["v1"]}
        self.register(CRD)
        for kind in KINDS:
            self.register(kind)

    def register(self, kind: Kind) -> None:
        """Serve one more kind."""
        self._by_plural[kind.group, kind.plural] = kind
        self._by_kind[kind.group, kind.kind] = kind
        versions = self._versions.setdefault(kind.group, [])
        versions.extend(version for version in kind.versions if version not in versions)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind that a path names."""
        kind = self._by_plural.get((group, plural))
        return kind if kind is not None and version in kind.versions else None

    def named(self, api_version: str, kind: str) -> Kind:
        """The kind of an object; KeyError when it is not served."""
        group, _, _version = api_version.rpartition("/")
        return self._by_kind[group, kind]

    def kinds_called(self, kind: str) -> list[Kind]:
        """All kinds of that name, in any group."""
        return [known for known in self._by_kind.values() if known.kind == kind]

    def all(self) -> list[Kind]:
        """All kinds."""
        return list(self._by_plural.values())

    def serves(self, group: str, version: str) -> bool:
        """Say whether such a group and version are there."""
        return version in self._versions.get(group, ())

    def has_group(self, group: str) -> bool:
        """Say whether such a group is there."""
        return group in self._versions

    def custom(self) -> list[Kind]:
        """The kinds that custom resource definitions define."""
        return [kind for kind in self._by_plural.values() if kind.custom]

    def group_list(self) -> Json:
        """Answer `/apis`."""
        groups = [self.group(name) for name in self._versions if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def group(self, name: str) -> Json:
        """Answer `/apis/GROUP`; KeyError when there is no such group."""
        versions = [{"groupVersion": f"{name}/{one}", "version": one} for one in self._versions[name]]
        return {
            "kind": "APIGroup",
            "apiVersion": "v1",
            "name": name,
            "versions": versions,
            "preferredVersion": versions[0],
        }

    def resource_list(self, group: str, version: str) -> Json:
        """Answer `/api/v1` and `/apis/GROUP/VERSION`."""
        resources: list[Json] = []
        for kind in self._by_plural.values():
            if kind.group == group and version in kind.versions:
                resources += _describe(kind)
        if group == "authorization.k8s.io":
            resources.append(_resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", ["create"]))
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version,
            "resources": resources,
        }


def _describe(kind: Kind) -> list[Json]:
    main = _resource(kind.plural, kind.kind, VERBS, namespaced=kind.namespaced)
    main["singularName"] = kind.kind.lower()
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    found = [main]
    if kind.custom or kind.group in ("apps", "batch") or kind.kind in ("Pod", "Namespace"):
        verbs = ["get", "patch", "update"]
        found.append(_resource(f"{kind.plural}/status", kind.kind, verbs, namespaced=kind.namespaced))
    if kind is SERVICE_ACCOUNT:
        token = _resource("serviceaccounts/token", "TokenRequest", ["create"], namespaced=True)
        found.append({**token, "group": "authentication.k8s.io", "version": "v1"})
    return found


def _resource(name: str, kind: str, verbs: list[str], *, namespaced: bool = False) -> Json:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


def definition(kind: Kind) -> Json:
    """The CustomResourceDefinition of a custom kind."""
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.resource},
        "spec": {
            "group": kind.group,
            "names": {**names, "listKind": f"{kind.kind}List", "shortNames": list(kind.short_names)},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {"name": version, "served": True, "storage": version == kind.versions[0]} for version in kind.versions
            ],
        },
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    }


def from_definition(crd: Json) -> Kind:
    """Read the kind out of a CustomResourceDefinition."""
    spec = crd["spec"]
    return Kind(
        group=spec["group"],
        kind=spec["names"]["kind"],
        plural=spec["names"]["plural"],
        versions=tuple(version["name"] for version in spec["versions"] if version.get("served", True)),
        namespaced=spec.get("scope") == "Namespaced",
        short_names=tuple(spec["names"].get("shortNames", ())),
    )
