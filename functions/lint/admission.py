"""What Tekton's admission webhook refuses and this function takes: PH005. What else it refuses is PH001's or PH101's.

Source: pkg/apis/triggers/v1beta1/*_validation.go of Tekton Triggers, and validate.ObjectMetadata of Tekton Pipelines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.common.lenient import object_at, text_at
from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.places import Place, items

_LONGEST = 63
_NAMED = ("ClusterTriggerBinding", "Trigger", "TriggerBinding", "TriggerTemplate")

_YOUNGER = {"cloudEventURI", "triggerGroups"}
"""Fields of listeners that v1alpha1 does not have."""


def check(values: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    """Check one object of Tekton Triggers, as it is written."""
    kind, spec = values.get("kind"), object_at(values, "spec")
    if kind in _NAMED and len(text_at(values, "metadata", "name")) > _LONGEST:
        message = f"Tekton refuses a name of more than {_LONGEST} characters"
        yield Hit("PH005", place.below("metadata", "name"), message, "shorten it")
    if kind in ("TriggerBinding", "ClusterTriggerBinding"):
        yield from _twice(spec, place.below("spec"))
    if kind == "Trigger":
        yield from _references(spec, place.below("spec"))
    if kind == "EventListener":
        for part in ("triggers", "triggerGroups"):
            for position, entry in items(spec.get(part)):
                yield from _references(entry, place.below("spec", part, position))
        if str(values.get("apiVersion")).endswith("/v1alpha1"):
            for field in sorted(_YOUNGER & spec.keys()):
                hint = "write apiVersion: triggers.tekton.dev/v1beta1"
                yield Hit("PH005", place.below("spec", field), "Tekton refuses this field in v1alpha1", hint)
        resources = object_at(spec, "resources", "kubernetesResource")
        yield from _pod(resources, place.below("spec", "resources", "kubernetesResource"))


def _twice(spec: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    seen = set()
    for position, param in items(spec.get("params")):
        name = param.get("name")
        if isinstance(name, str) and name in seen:
            where = place.below("params", position, "name")
            yield Hit("PH005", where, f"Tekton refuses a binding with two params {name}", "keep one of them")
        seen.add(name if isinstance(name, str) else "")


def _references(holder: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    for position, interceptor in items(holder.get("interceptors")):
        reference = object_at(interceptor, "webhook", "objectRef")
        lacking = [
            field
            for field, value in (("kind", "Service"), ("apiVersion", "v1"))
            if reference and not reference.get(field)
        ]
        if lacking:
            where = place.below("interceptors", position, "webhook", "objectRef")
            message = f"Tekton refuses an objectRef without {' and '.join(lacking)}"
            yield Hit("PH005", where, message, "write kind: Service and apiVersion: v1")


def _pod(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    replicas, balancer = resource.get("replicas"), resource.get("serviceLoadBalancerClass")
    if isinstance(replicas, int) and replicas < 0:
        yield Hit("PH005", place.below("replicas"), "Tekton refuses less than no replicas")
    if balancer is not None and resource.get("serviceType") != "LoadBalancer":
        where = place.below("serviceLoadBalancerClass")
        yield Hit("PH005", where, "Tekton refuses this for other services", "write serviceType: LoadBalancer")
    spec = object_at(resource, "spec", "template", "spec")
    if len(list(items(spec.get("containers")))) > 1:
        where = place.below("spec", "template", "spec", "containers")
        yield Hit("PH005", where, "Tekton refuses a listener's pod with several containers")
