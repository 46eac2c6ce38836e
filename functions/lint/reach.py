"""Where params get to in a resource: through its params, pipelineSpec, tasks, matrix, when, taskSpec, steps and env.

Scopes are those of Tekton Pipelines (https://tekton.dev/docs/pipelines/pipelineruns/#propagated-parameters): params
of a run and of an embedded pipeline are seen in the embedded tasks, unless a task has its own of that name. A Pipeline
or Task that stands in the same manifests is followed into, and sees what it is given alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from functions.common.lenient import at, object_at
from functions.common.values import Json
from functions.lint.places import Place, items
from functions.lint.text import Text, constant, one_of

_REFERENCE = re.compile(
    r"\$\((tt\.params|params|inputs\.params)(?:\.([A-Za-z0-9_.-]+?)|\[['\"]([^'\"]+)['\"]\])(?:\[(?:\*|[0-9]+)\])?\)"
)
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_ANY = re.compile(r"\$\([^()]*\)")

Scope = Mapping[str, Text]
"""From `tt.params.NAME`, `params.NAME` and, in command and args, the names of variables, to what they may be."""


Library = Callable[[str, str, str], tuple[Mapping[str, Json], Place] | None]
"""From kind, name and namespace (empty: any) of a Pipeline, Task, ClusterTask or StepAction to its spec and place."""


class Step(Struct, frozen=True):
    """A container with a script or a command: a step, a sidecar, a Pod's container; and the scope that it sees."""

    place: Place
    fields: Mapping[str, Json]
    scope: Scope
    variables: Scope


class Condition(Struct, frozen=True):
    """A CEL expression of `when`, into which params are pasted."""

    place: Place
    text: str
    scope: Scope


def references(text: str, scope: Scope, variables: Scope | None = None) -> dict[str, Text]:
    """Return the references in a text whose values are known, as they are written."""
    found: dict[str, Text] = {}
    for match in _REFERENCE.finditer(text):
        root = "tt.params" if match[1] == "tt.params" else "params"
        name = f"{root}.{match[2] or match[3]}"
        # `$(params.object.key)`, unless a param has a dot in its name
        value = scope.get(name) or (scope.get(name.rsplit(".", 1)[0]) if root == "params" else None)
        if value is not None:
            found[match[0]] = value
    for match in _VARIABLE.finditer(text) if variables else ():
        if variables and match[1] in variables:
            found[match[0]] = variables[match[1]]
    return found


def text_of(value: Json, scope: Scope) -> Text:
    """Return what a param's value may be; of a list or an object, what any of its parts may be."""
    if isinstance(value, list):
        return one_of(text_of(item, scope) for item in value) or constant("")
    if isinstance(value, dict):
        return one_of(text_of(item, scope) for item in value.values()) or constant("")
    if not isinstance(value, str):
        return constant("" if value is None else str(value))
    found, position = constant(""), 0
    inserted = references(value, scope)
    for match in _ANY.finditer(value):
        found = found.then(constant(value[position : match.start()]))
        # what Pipelines puts in (results, context) no sender writes here
        found = found.then(inserted.get(match[0], Text(sent=frozenset())))
        position = match.end()
    return found.then(constant(value[position:]))


def reached(resource: Mapping[str, Json], place: Place, scope: Scope, library: Library) -> Iterator[Step | Condition]:
    """Yield the steps and conditions of one resource of a template; `scope` holds its `tt.params`."""
    kind, spec = resource.get("kind"), resource.get("spec")
    if not isinstance(spec, dict) or kind not in ("PipelineRun", "TaskRun", "Pipeline", "Task"):
        yield from _containers(dict(resource), place, scope)
        return
    walk, place = _Walk(library, frozenset(scope)), place.below("spec")
    given = {**scope, **_given(spec.get("params"), scope)}
    match kind:
        case "Pipeline":
            yield from walk.pipeline(spec, place, scope)
        case "Task":
            yield from walk.task(spec, place, scope)
        case "PipelineRun":
            yield from walk.pipeline(object_at(spec, "pipelineSpec"), place.below("pipelineSpec"), given)
            yield from walk.referenced("Pipeline", spec.get("pipelineRef"), given)
        case "TaskRun":
            yield from walk.task(object_at(spec, "taskSpec"), place.below("taskSpec"), given)
            yield from walk.referenced(_task_kind(spec.get("taskRef")), spec.get("taskRef"), given)


class _Walk:
    """`template` holds the names of the template's own params, which what stands elsewhere does not see."""

    def __init__(self, library: Library, template: frozenset[str]) -> None:
        self._library = library
        self._template = template
        self._entered: set[tuple[str, str]] = set()

    def pipeline(self, spec: Mapping[str, Json], place: Place, outer: Scope) -> Iterator[Step | Condition]:
        scope = {**outer, **_declared(spec, outer)}
        for part in ("tasks", "finally"):
            for position, task in items(spec.get(part)):
                here = place.below(part, position)
                yield from _conditions(task, here, scope)
                seen = {**scope, **_required(task, scope)}
                given = _given(task.get("params"), seen)
                matrix = object_at(task, "matrix")
                combinations = [matrix, *(entry for _, entry in items(matrix.get("include")))]
                for combination in combinations:
                    for name, text in _given(combination.get("params"), seen).items():
                        given[name] = given[name].either(text) if name in given else text
                inner = {**seen, **given}
                yield from self.task(object_at(task, "taskSpec"), here.below("taskSpec"), inner)
                yield from self.pipeline(object_at(task, "pipelineSpec"), here.below("pipelineSpec"), inner)
                yield from self.referenced(_task_kind(task.get("taskRef")), task.get("taskRef"), given)
                yield from self.referenced("Pipeline", task.get("pipelineRef"), given)

    def task(self, spec: Mapping[str, Json], place: Place, outer: Scope) -> Iterator[Step | Condition]:
        scope = {**outer, **_declared(spec, outer)}
        template = object_at(spec, "stepTemplate")
        for part in ("steps", "sidecars"):
            for position, step in items(spec.get(part)):
                here = place.below(part, position)
                yield from _conditions(step, here, scope)
                seen = {**scope, **_required(step, scope)}
                base = template if part == "steps" else {}
                variables = {**_environment(base, seen), **_environment(step, seen)}
                merged = {**{name: base[name] for name in _program_of(base, step)}, **step}
                yield Step(here, merged, seen, variables)
                yield from self.referenced("StepAction", step.get("ref"), _given(step.get("params"), seen))

    def referenced(self, kind: str, reference: Json, given: Scope) -> Iterator[Step | Condition]:
        name = at(reference, "name")
        found = self._library(kind, name, "") if isinstance(name, str) else None
        if found is None or (kind, str(name)) in self._entered:
            return
        self._entered.add((kind, str(name)))
        own = {name: text for name, text in given.items() if name not in self._template}
        yield from (self.pipeline if kind == "Pipeline" else self.action if kind == "StepAction" else self.task)(
            *found, own
        )
        self._entered.remove((kind, str(name)))

    def action(self, spec: Mapping[str, Json], place: Place, given: Scope) -> Iterator[Step]:
        scope = {**given, **_declared(spec, given)}
        yield Step(place, spec, scope, _environment(spec, scope))


def _program_of(template: Mapping[str, Json], step: Mapping[str, Json]) -> list[str]:
    """Return what a step without a script has from its task's stepTemplate."""
    return [] if "script" in step else [name for name in ("command", "args") if name in template]


def _task_kind(reference: Json) -> str:
    return "ClusterTask" if at(reference, "kind") == "ClusterTask" else "Task"


def _containers(value: Json, place: Place, scope: Scope) -> Iterator[Step]:
    if isinstance(value, dict):
        if any(name in value for name in ("script", "command", "args")):
            yield Step(place, value, scope, _environment(value, scope))
        for key, item in value.items():
            yield from _containers(item, place.below(key), scope)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _containers(item, place.below(position), scope)


def _conditions(holder: Mapping[str, Json], place: Place, scope: Scope) -> Iterator[Condition]:
    for position, condition in items(holder.get("when")):
        source = condition.get("cel")
        if isinstance(source, str):
            yield Condition(place.below("when", position, "cel"), source, scope)


def _required(holder: Mapping[str, Json], scope: Scope) -> dict[str, Text]:
    """Return the params of which `when` lets only listed values through."""
    found = {}
    for _, condition in items(holder.get("when")):
        source, values = condition.get("input"), condition.get("values")
        match = _REFERENCE.fullmatch(source) if isinstance(source, str) else None
        if match and match[1] != "tt.params" and condition.get("operator") == "in" and isinstance(values, list):
            found[f"params.{match[2] or match[3]}"] = text_of(values, scope)
    return found


def _given(params: Json, scope: Scope) -> dict[str, Text]:
    return {
        f"params.{entry['name']}": text_of(entry.get("value"), scope)
        for _, entry in items(params)
        if isinstance(entry.get("name"), str)
    }


def _declared(spec: Mapping[str, Json], outer: Scope) -> dict[str, Text]:
    """Return the defaults of declared params that nothing gives a value."""
    found = {}
    for _, entry in items(spec.get("params")):
        name = f"params.{entry.get('name')}"
        if "default" in entry and name not in outer:
            found[name] = text_of(entry["default"], outer)
    return found


def _environment(holder: Mapping[str, Json], scope: Scope) -> dict[str, Text]:
    found = {}
    for _, entry in items(holder.get("env")):
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and isinstance(value, str):
            found[name] = text_of(value, scope)
    return found
