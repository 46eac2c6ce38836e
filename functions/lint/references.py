"""References in templates: to params that nothing binds (PH101), params unused (PH102), spelt wrongly (PH103)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.views import View
from functions.model.findings import Path, did_you_mean
from functions.rendering.templates import compile_template

_EXACT = re.compile(r"\$\(tt\.params\.([A-Za-z0-9_][A-Za-z0-9_.-]*)\)")
_ALMOST = re.compile(
    # $( tt.params.v ), $(tt.param.v), $(TT.params.v), ${tt.params.v}, $(tt.params["v"]), $(tt.v), {{tt.params.v}}
    r"(?:\$+[({\[]?|\{\{)\s*tt(?:\.param(?:eter)?s?)?(?:\.|\[['\"]?)\s*([A-Za-z_][A-Za-z0-9_.-]*)['\"]?\]?\s*[)}\]]*",
    re.IGNORECASE,
)
_OF_RUN = re.compile(
    r"(?:\$[({\[]\s*(?:inputs\.)?param(?:eter)?s?(?:\.|\[['\"])([A-Za-z_][A-Za-z0-9_.-]*?)(?:['\"]\])?\s*[)}\]])"
)
_OF_EVENT = re.compile(r"\$\(\s*(?:body|extensions|header)\.[^()\s]*\s*\)")
_DECLARED_BY_WEBHOOK = re.compile(r"[_a-zA-Z][_a-zA-Z0-9.-]*")
_OWN_PARAMS = frozenset({"Pipeline", "Task", "TriggerTemplate", "StepAction"})
_SUBSTITUTED = frozenset({"pipelineSpec", "taskSpec", "workspaces", "taskRunSpecs"})
"""Where Pipelines replaces params of a run, and in the params of a resolver; not in a run's own params, or a name."""


def check(view: View) -> Iterator[Hit]:
    """Check the references of one trigger's template."""
    if view.template is None:
        return
    bound = {entry.param.name for entry in view.bound}
    declared = {param.name for param in view.template.params}
    defaulted = {param.name for param in view.template.params if param.default is not None}
    misspelt: set[str] = set()
    told: set[str] = set()
    for place, resource in view.resources:
        own = _own_params(dict(resource))
        for path, text in _strings(dict(resource), ()):
            where = place.below(*path)
            for name in dict.fromkeys(_EXACT.findall(text)):
                if name in told:
                    continue  # one finding a param, where it first stands
                told.add(name)
                if name not in bound | defaulted:
                    if view.unbound:
                        continue  # the binding that is not there may bind it
                    near = did_you_mean(name, sorted(bound | defaulted))
                    message, hint = "nothing binds", near or f"bind a param {name}, or give it a default"
                    yield Hit("PH101", where, message, hint, (f"$(tt.params.{name})",))
                elif name not in declared and _DECLARED_BY_WEBHOOK.fullmatch(name):
                    message = "Tekton refuses a template whose spec.params do not declare"
                    yield Hit("PH101", where, message, f"declare the param {name}", (f"$(tt.params.{name})",))
            names = _misspelt(text, bound | declared, own, path, str(resource.get("kind")))
            misspelt |= set(names.values())
            if read := _OF_EVENT.findall(text):
                message = "a resource gets this as literal text"
                yield Hit("PH103", where, message, "bind it to a param, and write $(tt.params.NAME)", tuple(read))
            if names:
                message = "the resource gets this as literal text"
                hint = "write " + ", ".join(f"$(tt.params.{name})" for name in dict.fromkeys(names.values()))
                yield Hit("PH103", where, message, hint, tuple(names))
    yield from _unused(view, declared, misspelt)


def _misspelt(text: str, names: set[str], own: frozenset[str], path: Path, kind: str) -> dict[str, str]:
    """Return what stands in the text in place of a reference, each with the name of the param that is meant."""
    if "tt" not in text.lower() and "param" not in text:
        return {}
    rest = _EXACT.sub("", text)
    found = {match[0]: match[1] for match in _ALMOST.finditer(rest) if match[1] in names or "param" in match[0].lower()}
    if kind in _OWN_PARAMS:
        return found
    inside = _SUBSTITUTED.intersection(path) or (path[1:2] in (("pipelineRef",), ("taskRef",)) and "params" in path)
    seen = own if inside or kind not in ("PipelineRun", "TaskRun") else frozenset()
    found |= {m[0]: m[1] for m in _OF_RUN.finditer(rest) if m[1] in names and m[1] not in seen}
    return found


def _own_params(value: Json) -> frozenset[str]:
    """Return the names of all params that a resource has for itself, wherever they stand."""
    found: frozenset[str] = frozenset()
    if isinstance(value, dict):
        params = value.get("params")
        if isinstance(params, list):
            found |= {str(entry.get("name")) for entry in params if isinstance(entry, dict)}
        for item in value.values():
            found |= _own_params(item)
    elif isinstance(value, list):
        for item in value:
            found |= _own_params(item)
    return found


def _strings(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _strings(item, (*path, position))


def _unused(view: View, declared: set[str], misspelt: set[str]) -> Iterator[Hit]:
    if view.template is None:
        return
    references = compile_template(view.template).references | misspelt
    for position, param in enumerate(view.template.params):
        if param.name not in references:
            place = view.template_place.below("params", position)
            yield Hit("PH102", place, f"no resource of the template uses the param {param.name}", "remove it")
    for entry in view.bound:
        # a binding that several triggers share may well serve another one
        if entry.param.name not in references | declared and entry.place.source == view.place.source:
            text = f"the template of trigger {view.prepared.identity} neither declares nor uses {entry.param.name}"
            hint = did_you_mean(entry.param.name, sorted(declared)) or "remove it"
            yield Hit("PH102", entry.place, text, hint)
