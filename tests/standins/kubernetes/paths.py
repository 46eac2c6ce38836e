"""What the path and method of a request mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.standins.kubernetes.access import Attempt

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Kind, Registry

COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resource path: `/api/v1/…` or `/apis/GROUP/VERSION/[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]`."""

    group: str
    version: str
    plural: str
    kind: Kind | None
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def attempt(self, method: str, *, watch: bool = False) -> Attempt:
        """What authorization is asked for."""
        verb = (OBJECT_VERBS if self.name else COLLECTION_VERBS).get(method, method.lower())
        return Attempt(
            verb="watch" if watch and verb == "list" else verb,
            group=self.group,
            resource=f"{self.plural}/{self.subresource}" if self.subresource else self.plural,
            # The namespace object itself counts as inside of it, for RBAC.
            namespace=self.namespace or (self.name if self.plural == "namespaces" else ""),
            name=self.name,
        )


def parse(path: str, registry: Registry) -> Target | None:
    """Read a path below a group and version; None for all other paths, such as discovery's."""
    parts = path.split("/")
    if len(parts) > 3 and parts[1] == "api":
        group, version, rest = "", parts[2], parts[3:]
    elif len(parts) > 4 and parts[1] == "apis":
        group, version, rest = parts[2], parts[3], parts[4:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if not rest[0] or len(rest) > 3:
        return None
    kind = registry.at(group, version, rest[0])
    if kind is not None and namespace and not kind.namespaced:
        kind = None
    name, subresource = ([*rest[1:], "", ""])[:2]
    return Target(
        group=group,
        version=version,
        plural=rest[0],
        kind=kind,
        namespace=namespace,
        name=name,
        subresource=subresource,
    )
