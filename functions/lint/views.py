"""What the rules look at: every trigger of every listener with its chain, its params and its template resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from functions.common.values import Json
from functions.lint.places import Place
from functions.listening.listeners import prepare
from functions.listening.prepared import Listener, PreparedTrigger
from functions.listening.selection import entries
from functions.model.findings import did_you_mean
from functions.model.resources import (
    BindingRef,
    EventListener,
    InlineBinding,
    InlineTrigger,
    InterceptorSpec,
    Param,
    Registry,
    TemplateRef,
    TemplateSpec,
    Trigger,
    TriggerSpec,
)


class PlacedInterceptor(Struct, frozen=True):
    """One interceptor and where it stands."""

    spec: InterceptorSpec
    place: Place

    def param(self, name: str) -> object:
        """Return one of its params, None when it is not given; Go reads their names in any case."""
        return next((value for given, value in self.spec.params if given.lower() == name.lower()), None)

    def param_place(self, name: str) -> Place:
        """Return where a param stands."""
        for position, (given, _) in enumerate(self.spec.params):
            if given.lower() == name.lower():
                return self.place.below("params", position)
        return self.place


class Bound(Struct, frozen=True):
    """One bound param and where it stands."""

    param: Param
    place: Place


class View(Struct, frozen=True):
    """One trigger of one listener."""

    place: Place
    prepared: PreparedTrigger
    spec: TriggerSpec
    interceptors: tuple[PlacedInterceptor, ...]
    """The group's, then its own."""
    bound: tuple[Bound, ...]
    template: TemplateSpec | None
    template_place: Place
    unbound: bool = False
    """Whether a binding that it names is not there, so that nobody knows which params it has."""
    advice: str = ""
    """What to do about the first reference that leads nowhere."""

    @property
    def resources(self) -> Iterator[tuple[Place, Mapping[str, Json]]]:
        """The template's resources, each with its place."""
        for position, resource in enumerate(self.template.resources if self.template else ()):
            yield self.template_place.below("resourcetemplates", position), resource


def object_place(kind: str, found: EventListener | Trigger, *path: str | int) -> Place:
    """Return the place of an object."""
    metadata = found.metadata
    return Place(found.source, path, f"{kind} {metadata.namespace}/{metadata.name}")


class Views:
    """All triggers of all listeners of a registry."""

    def __init__(
        self, registry: Registry, outbound_hosts: frozenset[str], clusters: frozenset[str] | None = None
    ) -> None:
        """`clusters` are the names of CLUSTERS; None: they are not known here."""
        self.registry = registry
        self.listeners: list[tuple[EventListener, Listener]] = [
            (found, prepare(found, registry, outbound_hosts=outbound_hosts, clusters=clusters))
            for found in registry.listeners.values()
        ]
        self.used: set[tuple[str, str, str]] = set()
        """Kind, namespace and name of what triggers refer to, Triggers themselves included."""
        self.all = [view for found, listener in self.listeners for view in self._of(found, listener)]

    def alone(self) -> Iterator[View]:
        """Yield a view for each binding and template that no trigger uses: with nothing before or behind it."""
        registry = self.registry
        nothing = PreparedTrigger(name="", namespace="", identity="")
        spec = TriggerSpec(bindings=(), template=None)
        for (namespace, name), template in registry.templates.items():
            if ("TriggerTemplate", namespace, name) not in self.used:
                place = Place(template.source, ("spec",), f"TriggerTemplate {namespace}/{name}")
                bound = tuple(Bound(Param(param.name, ""), place) for param in template.spec.params)
                yield View(place, nothing, spec, (), bound, template.spec, place)
        for kind, found_bindings in (
            ("TriggerBinding", registry.bindings.items()),
            ("ClusterTriggerBinding", [(("", name), found) for name, found in registry.cluster_bindings.items()]),
        ):
            for (namespace, name), binding in found_bindings:
                if (kind, namespace, name) not in self.used:
                    subject = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
                    place = Place(binding.source, ("spec",), subject)
                    bound = tuple(Bound(p, place.below("params", n)) for n, p in enumerate(binding.params))
                    yield View(place, nothing, spec, (), bound, None, place)

    def _of(self, found: EventListener, listener: Listener) -> Iterator[View]:
        chains = [
            _placed(group.interceptors, object_place("EventListener", found, "spec", "triggerGroups", position))
            for position, group in enumerate(found.groups)
        ]
        for prepared, entry in zip(listener.triggers, entries(found, self.registry), strict=False):
            trigger = entry.trigger
            if isinstance(trigger, InlineTrigger):
                place = object_place("EventListener", found, "spec", "triggers", entry.position)
            elif isinstance(trigger, Trigger):
                self.used.add(("Trigger", trigger.metadata.namespace, trigger.metadata.name))
                place = object_place("Trigger", trigger, "spec")
            else:  # a reference to nothing
                continue
            yield self._view(prepared, trigger.spec, place, chains[entry.group] if entry.group >= 0 else ())

    def _view(
        self, prepared: PreparedTrigger, spec: TriggerSpec, place: Place, group: tuple[PlacedInterceptor, ...]
    ) -> View:
        template, template_place = self._template(spec, prepared.namespace, place)
        refs = [binding for binding in spec.bindings if isinstance(binding, BindingRef)]
        missing = [ref for ref in refs if not self._has(ref.kind, prepared.namespace, ref.name)]
        wanted: list[tuple[str, str]] = [(ref.kind, ref.name) for ref in missing]
        if template is None and isinstance(spec.template, TemplateRef):
            wanted.append(("TriggerTemplate", spec.template.name))
        return View(
            place=place,
            prepared=prepared,
            spec=spec,
            interceptors=(*group, *_placed(spec.interceptors, place)),
            bound=tuple(self._bound(spec, prepared.namespace, place)),
            template=template,
            template_place=template_place,
            unbound=bool(missing),
            advice=next((self._advice(kind, prepared.namespace, name) for kind, name in wanted), ""),
        )

    def _named(self, kind: str) -> Collection[tuple[str, str]]:
        """Return namespace and name of every object of a kind."""
        registry = self.registry
        if kind == "ClusterTriggerBinding":
            return [("", name) for name in registry.cluster_bindings]
        return registry.bindings.keys() if kind == "TriggerBinding" else registry.templates.keys()

    def _has(self, kind: str, namespace: str, name: str) -> bool:
        return ("" if kind == "ClusterTriggerBinding" else namespace, name) in self._named(kind)

    def _advice(self, kind: str, namespace: str, name: str) -> str:
        other = {"TriggerBinding": "ClusterTriggerBinding", "ClusterTriggerBinding": "TriggerBinding"}.get(kind)
        if other and self._has(other, namespace, name):
            return f"there is a {other} {name}: write kind: {other}"
        if kind == "ClusterTriggerBinding":
            near = did_you_mean(name, sorted(self.registry.cluster_bindings))
            return near or f"add it from the cluster that has it: kubectl get clustertriggerbinding {name} -o yaml"
        elsewhere = [where for where, found in self._named(kind) if found == name]
        if elsewhere:
            return f"it stands in the namespace {', '.join(sorted(elsewhere))}"
        return did_you_mean(name, sorted(found for where, found in self._named(kind) if where == namespace))

    def _bound(self, spec: TriggerSpec, namespace: str, place: Place) -> Iterator[Bound]:
        for position, binding in enumerate(spec.bindings):
            if isinstance(binding, InlineBinding):
                yield Bound(binding.param, place.below("bindings", position))
            elif isinstance(binding, BindingRef):
                yield from self._referenced_params(binding, namespace)

    def _referenced_params(self, ref: BindingRef, namespace: str) -> Iterator[Bound]:
        cluster = ref.kind == "ClusterTriggerBinding"
        where = "" if cluster else namespace
        found = (
            self.registry.cluster_bindings.get(ref.name) if cluster else self.registry.bindings.get((where, ref.name))
        )
        if found is None:
            return
        self.used.add((ref.kind, where, ref.name))
        subject = f"{ref.kind} {where}/{ref.name}" if where else f"{ref.kind} {ref.name}"
        for position, param in enumerate(found.params):
            yield Bound(param, Place(found.source, ("spec", "params", position), subject))

    def _template(self, spec: TriggerSpec, namespace: str, place: Place) -> tuple[TemplateSpec | None, Place]:
        if isinstance(spec.template, TemplateSpec):
            return spec.template, place.below("template", "spec")
        if isinstance(spec.template, TemplateRef):
            found = self.registry.templates.get((namespace, spec.template.name))
            if found is not None:
                self.used.add(("TriggerTemplate", namespace, spec.template.name))
                subject = f"TriggerTemplate {namespace}/{spec.template.name}"
                return found.spec, Place(found.source, ("spec",), subject)
        return None, place


def _placed(specs: tuple[InterceptorSpec, ...], place: Place) -> tuple[PlacedInterceptor, ...]:
    return tuple(PlacedInterceptor(spec, place.below("interceptors", position)) for position, spec in enumerate(specs))
