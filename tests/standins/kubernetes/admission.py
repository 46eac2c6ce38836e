"""What admission does to objects: namespaces, Secrets, tokens, and optionally Tekton's webhooks."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from tests.standins.kubernetes.kinds import NAMESPACE, SECRET
from tests.standins.kubernetes.statuses import StatusError, not_found

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Json, Kind
    from tests.standins.kubernetes.store import Store

TOKEN_TYPE = "kubernetes.io/service-account-token"
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
PIPELINE_WEBHOOK = "validation.webhook.pipeline.tekton.dev"
TRIGGERS_WEBHOOK = "validation.webhook.triggers.tekton.dev"
_SPEC_STATUSES = ("", "Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending")
RUNS = {"PipelineRun": ("pipelineRef", "pipelineSpec"), "TaskRun": ("taskRef", "taskSpec")}


def require_namespace(store: Store, namespace: str) -> None:
    """Refuse objects of a namespace that is not there, as NamespaceLifecycle does."""
    if namespace and not store.has(NAMESPACE, "", namespace):
        raise not_found(NAMESPACE, namespace)


def complete(kind: Kind, entry: Json) -> Json:
    """Fill in what the server derives: a Secret's data, a namespace's phase."""
    if kind is SECRET:
        data = dict(entry.get("data") or {})
        for key, text in (entry.get("stringData") or {}).items():
            data[key] = base64.b64encode(text.encode()).decode()
        rest = {key: value for key, value in entry.items() if key not in ("stringData", "data")}
        return {**rest, "type": entry.get("type") or "Opaque", **({"data": data} if data else {})}
    if kind is NAMESPACE:
        return {**entry, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    return entry


def account_of_token_secret(kind: Kind, entry: Json) -> tuple[str, str] | None:
    """The (namespace, name) of the ServiceAccount for which a Secret asks a long-lived token."""
    if kind is not SECRET or entry.get("type") != TOKEN_TYPE:
        return None
    metadata = entry["metadata"]
    name = (metadata.get("annotations") or {}).get(ACCOUNT_ANNOTATION)
    return (metadata["namespace"], name) if name else None


def new_token() -> str:
    """A bearer token that looks like none of a real cluster."""
    return f"standin-{secrets.token_urlsafe(24)}"


def check_tekton(kind: Kind, entry: Json) -> None:
    """Refuse what Tekton's validating webhooks refuse (a sample: references, names, params)."""
    if kind.group == "tekton.dev" and kind.kind in RUNS:
        problems = [*_name_problems(entry["metadata"]), *_run_problems(kind, entry.get("spec") or {})]
        _deny(PIPELINE_WEBHOOK, problems)
    elif kind.group == "triggers.tekton.dev" and kind.kind == "TriggerTemplate":
        templates = (entry.get("spec") or {}).get("resourcetemplates")
        _deny(TRIGGERS_WEBHOOK, [] if templates else ["missing field(s): spec.resourcetemplates"])


def check_tekton_update(kind: Kind, before: Json, after: Json) -> None:
    """Refuse changes of a PipelineRun's spec but for its status, and every one once it is done (ValidateUpdate)."""
    if kind.group != "tekton.dev" or kind.kind != "PipelineRun":
        return
    old, new, status = before.get("spec") or {}, after.get("spec") or {}, before.get("status") or {}
    done = any(
        one.get("type") == "Succeeded" and one.get("status") != "Unknown" for one in status.get("conditions", ())
    )
    problems = []
    if done and old != new:
        problems.append("invalid value: Once the PipelineRun is complete, no updates are allowed: spec")
    elif {**old, "status": ""} != {**new, "status": ""}:
        problems.append("invalid value: Once the PipelineRun has started, only status updates are allowed: spec")
    if new.get("status") == "PipelineRunPending" and status.get("startTime"):
        problems.append("invalid value: PipelineRun cannot be Pending after it is started: spec.status")
    if new.get("status", "") not in _SPEC_STATUSES:
        problems.append("invalid value: spec.status")
    _deny(PIPELINE_WEBHOOK, problems)


def _deny(webhook: str, problems: list[str]) -> None:
    if problems:
        text = "\n".join(problems)
        raise StatusError(400, f'admission webhook "{webhook}" denied the request: validation failed: {text}')


def _name_problems(metadata: Json) -> list[str]:
    name = metadata.get("name") or ""
    if "." in name:
        return ["Invalid resource name: special character . can't be present: metadata.name"]
    if len(name) > 63:
        return ["Invalid resource name: length must be no more than 63 characters: metadata.name"]
    return []


def _run_problems(kind: Kind, spec: Json) -> list[str]:
    ref, inline = RUNS[kind.kind]
    given = [bool(spec.get(ref)), bool(spec.get(inline))]
    problems = []
    if all(given):
        problems.append(f"expected exactly one, got both: spec.{ref}, spec.{inline}")
    elif not any(given):
        problems.append(f"expected exactly one, got neither: spec.{ref}, spec.{inline}")
    names = [param.get("name") for param in spec.get("params") or ()]
    problems += [
        f"expected exactly one, got both: spec.params[{name}].name"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    return problems
