"""Rules that stored RoleBindings and ClusterRoleBindings grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standins.kubernetes.access import is_subject, rules_from
from tests.standins.kubernetes.kinds import RBAC

if TYPE_CHECKING:
    from tests.standins.kubernetes.access import Rule, User
    from tests.standins.kubernetes.kinds import Json, Registry
    from tests.standins.kubernetes.store import Store

API_VERSION = f"{RBAC}/v1"


def stored_rules(store: Store, registry: Registry, user: User, namespace: str) -> list[Rule]:
    """The rules of a user in a namespace, from the objects that the cluster holds."""
    found: list[Rule] = []
    for binding in store.list(registry.named(API_VERSION, "ClusterRoleBinding")):
        found += _granted(store, registry, binding, user, namespace="*", role_namespace="")
    if namespace:
        for binding in store.list(registry.named(API_VERSION, "RoleBinding"), namespace):
            found += _granted(store, registry, binding, user, namespace=namespace, role_namespace=namespace)
    return found


def _granted(
    store: Store, registry: Registry, binding: Json, user: User, *, namespace: str, role_namespace: str
) -> list[Rule]:
    if not any(is_subject(user, subject) for subject in binding.get("subjects") or ()):
        return []
    reference = binding["roleRef"]
    kind = registry.named(API_VERSION, reference["kind"])
    holder = role_namespace if kind.namespaced else ""
    if not store.has(kind, holder, reference["name"]):
        return []
    return rules_from(store.get(kind, holder, reference["name"]), namespace=namespace)
