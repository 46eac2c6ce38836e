"""The lint: what loads but will surprise. Pure; part of the command line, never of a deployed function.

A rule is silenced where it is meant: `# pipehook:ignore=PH202` at the end of the line, or alone on the line above.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from functions.common.lenient import object_at, text_at
from functions.common.values import Json
from functions.lint import (
    actions,
    admission,
    bindings,
    cel,
    chains,
    contexts,
    groups,
    inputs,
    metadata,
    overlays,
    own,
    portable,
    references,
    resources,
    scripts,
    twice,
    unsigned,
)
from functions.lint.hits import Hit
from functions.lint.known import ANY_CHAIN, after
from functions.lint.places import Place, Places
from functions.lint.portable import Opinion
from functions.lint.reach import Library
from functions.lint.rules import RULES, Finding, Rule, Severity
from functions.lint.texts import texts_of
from functions.lint.views import Views, object_place
from functions.listening.selection import selected_triggers
from functions.model.decode import GROUP
from functions.model.findings import Doubt, ManifestError
from functions.model.findings import Finding as LoadFinding
from functions.model.load import Loaded, load_documents
from functions.model.resources import EventListener, Registry, TriggerRef, TriggerSelector

__all__ = ["RULES", "Finding", "Rule", "Severity", "check"]

STRUCTURE = "PH001"
_STOPPING = frozenset({"PH002", "PH301", "PH302"})
"""Rules of what lets nothing through: which actions it would start is to be judged once that is mended."""


def check(
    texts: Mapping[str, str | bytes],
    *,
    namespace: str,
    allow_unverified: bool = False,
    outbound_hosts: frozenset[str] = frozenset(),
    opinion: Opinion | None = None,
    clusters: frozenset[str] | None = None,
) -> tuple[list[Finding], Loaded | None]:
    """Load manifests (texts by file name) and return everything found, and what was loaded, None when nothing was.

    `opinion` is that of another parser of CEL. `clusters` are the names of CLUSTERS, None where they are not known.

    With mistakes of structure, which nothing silences, no other rule looks at the manifests.
    """
    try:
        loaded = load_documents(texts, namespace=namespace)
    except ManifestError as error:
        return [_of_loading(STRUCTURE, mistake) for mistake in error.found], None
    places = Places(texts)
    views = Views(loaded.registry, outbound_hosts, clusters)
    refused = (hit for place, _, values in places.objects(GROUP) for hit in admission.check(values, place))
    asked = (hit for view in views.all for hit in portable.check(view, opinion)) if opinion else ()
    hits = _merged([*refused, *_hits(views, _library(places, namespace), allow_unverified=allow_unverified), *asked])
    found = [*_notes(loaded), *(_finding(hit, places) for hit in hits)]
    # an alias is where its anchor is
    once = reversed(
        {(finding.rule.id, finding.place, finding.message): finding for finding in reversed(found)}.values()
    )
    kept = [finding for finding in once if finding.rule.id not in places.ignored(finding.file, finding.line)]
    return sorted(kept, key=lambda finding: (finding.file, finding.line, finding.column)), loaded


def _library(places: Places, namespace: str) -> Library:
    """Return the Pipelines and Tasks of the manifests by kind and name, but for names that several of a kind have."""
    found: dict[tuple[str, str], list[tuple[str, tuple[Mapping[str, Json], Place]]]] = {}
    for place, name, values in places.objects("tekton.dev"):
        if spec := object_at(values, "spec"):
            space = text_at(values, "metadata", "namespace") or namespace
            found.setdefault((str(values.get("kind")), name), []).append((space, (spec, place.below("spec"))))

    def look(kind: str, name: str, where: str) -> tuple[Mapping[str, Json], Place] | None:
        entries = found.get((kind, name), [])
        if len(entries) != 1:
            return None
        space, only = entries[0]
        # what names no namespace may be applied to any
        return only if where in ("", namespace, space) or space == namespace else None

    return look


def _merged(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Yield one hit a rule and place: what several triggers share is found once for each of them."""
    found: dict[tuple[str, Place], Hit] = {}
    for hit in hits:
        first = found.setdefault((hit.rule, hit.place), hit)
        if hit.about and hit.message == first.message:
            about = tuple(dict.fromkeys((*first.about, *hit.about)))
            found[hit.rule, hit.place] = replace(first, about=about)
    yield from found.values()


def _notes(loaded: Loaded) -> Iterator[Finding]:
    """Yield the notes of loading, one for each thing that an object says in several places."""
    found: dict[tuple[str, ...], list[LoadFinding]] = {}
    for note in loaded.notes:
        field = note.path.rpartition(".")[2]
        found.setdefault((note.file, note.subject, field, note.message, note.hint), []).append(note)
    for first, *others in found.values():
        more = f", here and in {len(others)} other place{'s' * (len(others) > 1)} of the object" if others else ""
        rule = "PH004" if isinstance(first, Doubt) else "PH003"
        yield replace(_of_loading(rule, first), message=first.message + more)


def _hits(views: Views, library: Library, *, allow_unverified: bool) -> Iterator[Hit]:
    for found, listener in views.listeners:
        for position, trigger in enumerate(found.triggers):
            # what a triggerRef to nothing stands for has no view
            if isinstance(trigger, TriggerRef) and (listener.namespace, trigger.name) not in views.registry.triggers:
                place = object_place("EventListener", found, "spec", "triggers", position, "triggerRef")
                yield Hit("PH002", place, listener.triggers[position].problem)
        yield from twice.check(found, views.registry)
    for view in views.all:
        chain = [*chains.check(view, allow_unverified=allow_unverified), *cel.check(view)]
        yield from chain
        yield from own.check(view)
        known = after(view)
        if not any(hit.rule in _STOPPING and hit.place != view.place for hit in chain):
            yield from actions.check(view, known)
        texts = texts_of(view, known)
        yield from references.check(view)
        yield from bindings.check(view, known)
        yield from scripts.check(view, texts, library)
        yield from inputs.check(view, library)
        yield from metadata.check(view, texts)
        yield from unsigned.check(view, known)
        yield from contexts.check(view, texts)
        yield from groups.check(view, known)
        yield from resources.check(view)
    yield from (hit for hit in _alone(views) if RULES[hit.rule].severity is Severity.ERROR)
    yield from overlays.check(views.all)
    yield from _unused(views)


def _alone(views: Views) -> Iterator[Hit]:
    """Yield what is wrong in bindings and templates whatever listener there may be elsewhere."""
    for view in views.alone():
        yield from references.check(view)
        yield from bindings.check(view, ANY_CHAIN)
        yield from metadata.check(view, {})


def _unused(views: Views) -> Iterator[Hit]:
    registry = views.registry
    if not registry.listeners:
        return  # a part of the manifests, whose listener stands elsewhere
    if any(("Trigger", *key) not in views.used for key in registry.triggers):
        # one of them may be meant; else those that are stand elsewhere
        for found, _ in views.listeners:
            yield from _selecting_nothing(found, registry)
    for kind, entries in (
        ("Trigger", registry.triggers),
        ("TriggerBinding", registry.bindings),
        ("TriggerTemplate", registry.templates),
    ):
        for (namespace, name), resource in entries.items():
            if (kind, namespace, name) not in views.used:
                place = Place(resource.source, (), f"{kind} {namespace}/{name}")
                yield Hit("PH501", place, "nothing refers to it", "remove it, or mind the name and namespace")
    for name, binding in registry.cluster_bindings.items():
        if ("ClusterTriggerBinding", "", name) not in views.used:
            place = Place(binding.source, (), f"ClusterTriggerBinding {name}")
            yield Hit("PH501", place, "nothing refers to it", "remove it, or mind the name")


def _selecting_nothing(found: EventListener, registry: Registry) -> Iterator[Hit]:
    namespace, message = found.metadata.namespace, "this selects no Trigger of these manifests"
    chosen: list[tuple[TriggerSelector, tuple[str | int, ...]]] = [
        (found.selector, ("labelSelector" if found.selector.namespaces is None else "namespaceSelector",)),
        *((group.selector, ("triggerGroups", n, "triggerSelector")) for n, group in enumerate(found.groups)),
    ]
    for selector, path in chosen:
        given = selector.namespaces is not None or selector.labels is not None
        if given and not selected_triggers(selector, registry, namespace=namespace):
            yield Hit(
                "PH501", object_place("EventListener", found, "spec", *path), message, "mind labels and namespaces"
            )


def _finding(hit: Hit, places: Places) -> Finding:
    line, column = places.position(hit.place)
    message = f"{hit.message}: {', '.join(hit.about)}" if hit.about else hit.message
    return Finding(
        rule=RULES[hit.rule],
        file=hit.place.source.file,
        line=line,
        column=column,
        subject=hit.place.subject,
        path=hit.place.text,
        message=message,
        hint=hit.hint,
    )


def _of_loading(rule: str, found: LoadFinding) -> Finding:
    return Finding(
        rule=RULES[rule],
        file=found.file,
        line=found.line,
        column=found.column,
        subject=found.subject,
        path=found.path,
        message=found.message,
        hint=found.hint,
    )
