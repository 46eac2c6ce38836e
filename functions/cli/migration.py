"""What a migration writes, as texts: manifests without the server's fields, terraform.tfvars, and a checklist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from functions import lint
from functions.cli.needs import needs, secret_refs
from functions.cli.output import yaml_text
from functions.interceptors.building import CORE_INTERCEPTORS
from functions.lint.rules import Severity
from functions.lint.views import Views
from functions.lint.wanted import event_types
from functions.model.decode import GROUP, KINDS
from functions.model.load import load_documents
from functions.model.resources import ClientConfig, Registry

Object = dict[str, Any]

_FILES = {
    "EventListener": "listeners.yaml",
    "Trigger": "triggers.yaml",
    "TriggerTemplate": "templates.yaml",
    "TriggerBinding": "bindings.yaml",
    "ClusterTriggerBinding": "cluster-bindings.yaml",
    "Interceptor": "interceptors.yaml",
    "ClusterInterceptor": "cluster-interceptors.yaml",
}
_KEPT_METADATA = ("name", "namespace", "labels", "annotations")
_SERVERS_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/")
_POD_FIELDS = ("resources", "podTemplate", "replicas", "serviceType")
_SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Migration(Struct, frozen=True):
    """Everything that is written."""

    manifests: Mapping[str, str]
    """Texts by file name."""
    variables: str
    checklist: str
    count: int
    todos: int


def plan(objects: Sequence[Object], *, project: str, directory: str) -> Migration:
    """Return what to write for the objects; `directory` is where, as infra/ sees it. Raises ManifestError."""
    kept = [_stripped(entry) for entry in objects if str(entry.get("apiVersion", "")).startswith(f"{GROUP}/")]
    kept = [entry for entry in kept if not _is_core(entry)]
    kept.sort(key=lambda entry: (entry["metadata"].get("namespace", ""), entry["metadata"].get("name", "")))
    manifests = {}
    for kind in KINDS:
        entries = [entry for entry in kept if entry["kind"] == kind]
        if entries:
            manifests[_FILES[kind]] = yaml_text(entries, many=True) + "\n"
    registry = load_documents(manifests, namespace="default").registry
    todo = _Checklist(registry, manifests, objects, project, directory)
    return Migration(dict(sorted(manifests.items())), todo.variables(), todo.text(), len(kept), todo.count)


def _stripped(entry: Mapping[str, Any]) -> Object:
    metadata = {key: value for key, value in (entry.get("metadata") or {}).items() if key in _KEPT_METADATA and value}
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if not key.startswith(_SERVERS_ANNOTATIONS)
    }
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    spec = entry.get("spec")
    if entry.get("kind") == "EventListener" and isinstance(spec, dict):
        # there is no pod that they would be for
        spec = {key: value for key, value in spec.items() if key not in _POD_FIELDS}
    return {"apiVersion": entry["apiVersion"], "kind": entry["kind"], "metadata": metadata, "spec": spec}


def _is_core(entry: Mapping[str, Any]) -> bool:
    """Say whether this is one of the ClusterInterceptors that Tekton installs, which Pipehook has built in."""
    return entry["kind"] == "ClusterInterceptor" and entry["metadata"].get("name") in CORE_INTERCEPTORS


class _Checklist:
    def __init__(
        self, registry: Registry, manifests: Mapping[str, str], objects: Sequence[Object], project: str, directory: str
    ) -> None:
        self._registry = registry
        self._views = Views(registry, frozenset())
        self._project = project
        self._directory = directory
        self._objects = objects
        self._findings, _ = lint.check(manifests, namespace="default")
        self._refs = secret_refs(self._views)
        self._namespaces = sorted({ref.namespace for ref in self._refs})
        self._apart = len({(ref.namespace, ref.name) for ref in self._refs}) != len({ref.name for ref in self._refs})
        self._sections = [section for section in self._all() if section[1]]
        self.count = sum(len(lines) for _, lines in self._sections)

    def _id(self, namespace: str, name: str) -> str:
        return f"{namespace}_{name}" if self._apart else name

    def variables(self) -> str:
        """Return terraform.tfvars for infra/."""
        hosts = sorted(set(self._hosts()))
        ids = sorted({self._id(ref.namespace, ref.name) for ref in self._refs})
        events = sorted({name for view in self._views.all for name in event_types(view) or ()})
        listeners = [listener.path for _, listener in self._views.listeners]
        lines = ["# For infra/: terraform -chdir=infra apply -var-file=…", f"project = {json.dumps(self._project)}"]
        lines.append(f"triggers_directory = {json.dumps(self._directory)} # as seen from infra/")
        if len(listeners) == 1:
            lines.append(f"event_listener = {json.dumps(listeners[0])}")
        else:
            lines.append(f"# several listeners, so POST /NAMESPACE/NAME chooses: {', '.join(listeners)}")
        if ids:
            lines.append(f"webhook_secrets = {json.dumps(ids)}")
        if self._apart:
            lines.append('secret_id_format = "{namespace}_{name}" # two namespaces have secrets of one name')
        if events:
            lines.append(f"github_events = {json.dumps(events)}")
        if hosts:
            lines.append(f"outbound_hosts = {json.dumps(hosts)} # only those that the function can reach")
        return "\n".join(lines) + "\n"

    def text(self) -> str:
        """Return CHECK.md."""
        head = "Written by `pipehook migrate`. Strike out what is done; `validate` and `doctor` look again."
        parts = [f"# What to check\n\n{head}\n"]
        for title, lines in self._sections:
            parts.append(f"## {title}\n\n" + "\n".join(f"- [ ] {line}" for line in lines) + "\n")
        return "\n".join(parts)

    def _all(self) -> Iterator[tuple[str, list[str]]]:
        yield "Secrets for Secret Manager", list(self._secret_lines())
        yield "What interceptors call", list(self._service_lines())
        yield "Rights of the function's account", list(self._right_lines())
        yield "Behaviour that differs", list(self._difference_lines())
        yield (
            "Findings of the lint",
            [str(finding) for finding in self._findings if finding.rule.severity is not Severity.NOTE],
        )

    def _secret_lines(self) -> Iterator[str]:
        for ref in self._refs:
            identifier = self._id(ref.namespace, ref.name)
            if not _SECRET_ID.fullmatch(identifier):
                yield f"Secret {ref.namespace}/{ref.name}: its name is no Secret Manager id; rename it in the manifests"
                continue
            key = ref.key.replace(".", "\\.")
            yield (
                f"Secret {ref.namespace}/{ref.name}, key {ref.key}: `kubectl get secret {ref.name} -n {ref.namespace} "
                f"-o jsonpath='{{.data.{key}}}' | base64 -d | gcloud secrets versions add {identifier} "
                f"--project={self._project} --data-file=-`"
            )
            several = {other.key for other in self._refs if (other.namespace, other.name) == (ref.namespace, ref.name)}
            if len(several) > 1:
                yield f"{identifier} has the keys {', '.join(sorted(several))}: store a JSON object of them instead"

    def _configs(self) -> Iterator[tuple[str, ClientConfig]]:
        for (namespace, name), found in self._registry.interceptors.items():
            yield f"Interceptor {namespace}/{name}", found.client_config
        for name, found in self._registry.cluster_interceptors.items():
            yield f"ClusterInterceptor {name}", found.client_config

    def _service_lines(self) -> Iterator[str]:
        for name, config in self._configs():
            if config.service:
                service = config.service
                yield (
                    f"{name} calls the Service {service.namespace}/{service.name}, which the function cannot reach by "
                    "that name: give clientConfig.url an https address, and outbound_hosts where it is private"
                )
            elif config.url.startswith("http:"):
                yield f"{name} calls {config.url} over plain http: use https, or name its host in outbound_hosts"
        for view in self._views.all:
            for entry in view.interceptors:
                if entry.spec.webhook and entry.spec.webhook.object_ref:
                    ref = entry.spec.webhook.object_ref
                    target = f"{ref.namespace or view.prepared.namespace}/{ref.name}"
                    yield (
                        f"Trigger {view.prepared.identity} calls the Service {target} as a webhook: make it an "
                        "Interceptor with an https url"
                    )
        for found in self._registry.listeners.values():
            if found.cloud_event_uri:
                yield f"EventListener {found.metadata.name} sends CloudEvents to {found.cloud_event_uri}: reachable?"

    def _hosts(self) -> Iterator[str]:
        for _, config in self._configs():
            found = re.match(r"http://([^/]+)", config.url)
            if found:
                yield found[1]

    def _right_lines(self) -> Iterator[str]:
        for need in needs(self._views):
            where = need.namespace or "a namespace that the event names"
            who = f" as {need.account} (impersonate)" if need.account else ""
            yield f"create and get {need.kind} ({need.api_version}) in {where}{who}"

    def _difference_lines(self) -> Iterator[str]:
        for entry in self._objects:
            spec = entry.get("spec")
            if entry.get("kind") != "EventListener" or not isinstance(spec, dict):
                continue
            name = (entry.get("metadata") or {}).get("name")
            dropped = [field for field in _POD_FIELDS if field in spec]
            if dropped:
                yield f"EventListener {name}: {', '.join(dropped)} left out, as there is no pod; sizes are in terraform"
            if spec.get("serviceAccountName"):
                yield (
                    f"EventListener {name} ran as {spec['serviceAccountName']}; the function runs with the "
                    "kubeconfig's account: compare their rights"
                )
            create = f"pipehook hooks create OWNER/REPO URL --secret projects/{self._project}/secrets/SECRET"
            yield f"EventListener {name}: point the webhook at the function: `{create}`"
        if len({found.metadata.namespace for found in self._registry.listeners.values()}) > 1:
            yield "Listeners of several namespaces share one kubeconfig: several deployments keep them apart"
