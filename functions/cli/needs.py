"""What the function's account must be allowed in the cluster, and which secrets it must read: as the manifests say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from functions.cel.errors import CelError
from functions.cel.parser import read
from functions.cel.syntax import Call, Expr, Fold, ListExpr, Literal, MapExpr, Select
from functions.common.lenient import text_at
from functions.common.values import Json, SecretRef
from functions.entrypoints.grouping import ordered
from functions.lint.views import View, Views
from functions.model.annotations import PREFIX

_RUNS = "tekton.dev/v1"


class Need(Struct, frozen=True, order=True):
    """One kind that is created in one namespace, or whose `verbs` are needed there.

    `account` is whom the trigger impersonates, if anybody.
    """

    namespace: str
    """Empty when the template takes it from the event."""
    api_version: str
    kind: str
    account: str = ""
    cluster: str = ""
    """Its name in CLUSTERS; empty for the default one."""
    verbs: tuple[str, ...] = ("create", "get")
    role: str = ""
    """What the name of its Role ends in, as infra/cluster's components have it; empty for the Role that creates."""


def needs(views: Views) -> list[Need]:
    """Return what the templates of all triggers create, without doubles."""
    return _created(views.all)


def further(views: Views) -> list[Need]:
    """Return what concurrency groups and statuses take of runs beyond creating them, where the namespace is known."""
    groups = ordered(listener for _, listener in views.listeners).items()
    found = {
        Need(namespace, _RUNS, "PipelineRun", cluster=cluster, verbs=tuple(sorted(verbs)), role="concurrency")
        for (cluster, namespace), verbs in groups
    }
    told = _created(view for view in views.all if view.prepared.status)
    found |= {
        Need(need.namespace, _RUNS, kind, cluster=need.cluster, verbs=("get", "list"), role="statuses")
        for need in told
        if need.kind == "PipelineRun" and need.namespace
        for kind in ("PipelineRun", "TaskRun")
    }
    return sorted(found)


def _created(views: Iterable[View]) -> list[Need]:
    found: set[Need] = set()
    for view in views:
        clusters = view.prepared.clusters
        for position, resource in enumerate(view.template.resources if view.template else ()):
            if str(resource["apiVersion"]).startswith(PREFIX):  # is done, and not created
                continue
            namespace = text_at(resource, "metadata", "namespace") or view.prepared.namespace
            account = view.spec.service_account
            user = f"system:serviceaccount:{view.prepared.namespace}:{account}" if account else ""
            found.add(
                Need(
                    "" if "$(" in namespace else namespace,
                    str(resource["apiVersion"]),
                    str(resource["kind"]),
                    user,
                    clusters[position] if clusters else "",
                )
            )
    return sorted(found)


def secret_refs(views: Views) -> list[SecretRef]:
    """Return the secrets that all triggers name, in the order in which they stand."""
    found: dict[SecretRef, None] = {}
    for view in views.all:
        for ref in _refs(view):
            found.setdefault(ref)
    return list(found)


def _refs(view: View) -> Iterator[SecretRef]:
    for entry in view.interceptors:
        namespace = view.prepared.namespace
        for name, value in entry.spec.params:
            yield from _named(value, namespace)
            if entry.spec.ref_name == "cel":
                yield from _compared(name, value, namespace)


def _named(value: Json, namespace: str) -> Iterator[SecretRef]:
    if isinstance(value, dict):
        name, key = value.get("secretName"), value.get("secretKey")
        if isinstance(name, str) and isinstance(key, str):
            yield SecretRef(namespace, name, key)
        for item in value.values():
            yield from _named(item, namespace)


def _compared(name: str, value: Json, namespace: str) -> Iterator[SecretRef]:
    """Yield what compareSecret(key, secret) names in a filter or in overlays."""
    sources = [value] if name == "filter" else []
    if name == "overlays" and isinstance(value, list):
        sources = [entry.get("expression") for entry in value if isinstance(entry, dict)]
    for source in sources:
        try:
            tree = read(source) if isinstance(source, str) and source else None
        except CelError:
            continue
        for call in _calls(tree) if tree else ():
            texts = [arg.value for arg in call.args if isinstance(arg, Literal) and isinstance(arg.value, str)]
            if call.function == "compareSecret" and len(texts) > 1:
                yield SecretRef(namespace, texts[1], texts[0])


def _calls(expr: Expr) -> Iterator[Call]:
    match expr:
        case Call():
            yield expr
            parts = [*([expr.target] if expr.target else []), *expr.args]
        case Select():
            parts = [expr.operand]
        case ListExpr():
            parts = list(expr.items)
        case MapExpr():
            parts = [part for entry in expr.entries for part in entry]
        case Fold():
            parts = [part for part in (expr.source, expr.condition, expr.result) if part]
        case _:
            parts = []
    for part in parts:
        yield from _calls(part)
