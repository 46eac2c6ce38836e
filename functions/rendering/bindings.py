"""Bindings: from an event to the texts of the params, as Tekton's applyEventValuesToParams computes them.

`resolve` returns decoded text, ready for a string of a template. Tekton's params are JSON-escaped text that is pasted
into the template's JSON; after its decoding both are the same, except where Tekton's broke the JSON: an object or
array in a string slot becomes the JSON text of it here.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.limits import UNLIMITED, Limits
from functions.common.shared import Shared
from functions.common.values import Event, Json
from functions.delivery import canonical_name
from functions.go.encode import MAX_TEXT, TextTooLongError, decode_pasted, go_text
from functions.model.resources import Param
from functions.rendering.jsonpath import GoStruct, JsonPathError, Path, PathLimitError, StringMap, compile_path

_HEADER = "header."
_UNREAD = "failed to unmarshal request body"
_OF_BODY = ("$(body)", "$(body.", "$(body[")


class Expression(Struct, frozen=True):
    """One `$(…)` of a param's value; `path` is None when it does not parse, and `problem` says why."""

    text: str
    path: Path | None
    problem: str = ""

    @property
    def of_body(self) -> bool:
        """Whether it reads the body and nothing else."""
        return self.text.startswith(_OF_BODY)


class CompiledParam(Struct, frozen=True):
    """A param: its literal segments (decoded) and expressions, in order."""

    name: str
    value: str
    parts: tuple[str | Expression, ...]


class CompiledBindings(Struct, frozen=True, dict=True):
    """All params of one trigger; immutable, so threads share it."""

    params: tuple[CompiledParam, ...]

    @cached_property
    def of_body(self) -> bool:
        """Nothing is read but the body, which triggers have in common, whatever each of them has added to the event."""
        return all(part.of_body for param in self.params for part in param.parts if isinstance(part, Expression))

    def resolve(
        self, event: Event, defaults: Mapping[str, str], *, limits: Limits = UNLIMITED, shared: Shared | None = None
    ) -> Mapping[str, str]:
        """Return the text of every bound param; what others have asked of the same event is `shared`.

        `defaults` are the template's, decoded (`CompiledTemplate.defaults`); one takes the place of each expression of
        its param that fails, and of nothing else: null and the empty string are found, so they stay. Raises
        LastingError in Tekton's words (`failed to replace JSONPath value for param …`) for an expression that fails
        without one, and for a text beyond MAX_TEXT. The reasons name keys and types, never a value of the event.
        """
        event.read(_UNREAD)

        def texts() -> Mapping[str, str]:
            evaluation = _Evaluation(event, limits, shared or Shared())
            return {param.name: _resolve(param, evaluation, defaults.get(param.name)) for param in self.params}

        if shared is None or not self.of_body:
            return texts()
        question = id(self), *[defaults.get(param.name) for param in self.params]
        return shared.once(event, question, texts, of=(event.body,), size=_length)


def compile_bindings(params: Sequence[Param], *, defaulted: Container[str] = ()) -> CompiledBindings:
    """Compile the params of all bindings of one trigger.

    Raises LastingError when two have the same name, or when an expression does not parse. For the names in
    `defaulted`, the template's params with a default, such an expression is kept: Tekton uses the default then.
    """
    seen: set[str] = set()
    compiled: list[CompiledParam] = []
    for param in params:
        if param.name in seen:
            raise LastingError(f"duplicate param name: {param.name}")
        seen.add(param.name)
        parts = _parts(param.value)
        compiled.append(CompiledParam(param.name, param.value, parts))
        if param.name not in defaulted:
            for part in parts:
                if isinstance(part, Expression) and part.path is None:
                    raise _failure(param.name, param.value, part.problem)
    return CompiledBindings(tuple(compiled))


def event_data(event: Event) -> GoStruct:
    """Return what expressions see: Tekton's event struct."""
    headers: dict[str, Json] = {name: ",".join(values) for name, values in event.headers.items()}
    return GoStruct(
        "template.event",
        {
            "header": StringMap(headers),
            "body": event.read(_UNREAD),
            "extensions": dict(event.extensions),
            "context": GoStruct("template.TriggerContext", {"eventID": event.event_id}),
        },
    )


def _length(texts: Mapping[str, str]) -> int:
    return sum(map(len, texts.values()))


def _resolve(param: CompiledParam, evaluation: _Evaluation, default: str | None) -> str:
    pieces: list[str] = []
    for part in param.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        try:
            pieces.append(evaluation.text_of(part))
        except (PathLimitError, TextTooLongError) as error:
            raise _failure(param.name, param.value, error.reason) from error
        except JsonPathError as error:
            if default is None:
                raise _failure(param.name, param.value, error.reason) from error
            pieces.append(default)
    if len(pieces) == 1:
        text = pieces[0]
        length = len(text)
    else:
        length = sum(map(len, pieces))
        text = "".join(pieces) if length <= MAX_TEXT else ""
    if length > MAX_TEXT:
        reason = f"its text is longer than {MAX_TEXT} characters, more than any object can hold"
        raise _failure(param.name, param.value, reason)
    return text


class _Evaluation(Struct, frozen=True):
    """Expressions on one event."""

    event: Event
    limits: Limits
    shared: Shared

    def text_of(self, expression: Expression) -> str:
        if expression.path is None:
            raise JsonPathError(expression.problem)
        of = (self.event.body,) if expression.of_body else ()
        path = expression.path
        return self.shared.once(self.event, expression.text, lambda: self._found(path), of=of, size=len)

    def _found(self, path: Path) -> str:
        root = self.shared.once(self.event, event_data, lambda: event_data(self.event))
        found = path.find(root, self.limits)
        return go_text(found[0] if len(found) == 1 else found)


def _failure(name: str, value: str, reason: str) -> LastingError:
    return LastingError(f"failed to replace JSONPath value for param {name}: {value}: {reason}")


def _parts(value: str) -> tuple[str | Expression, ...]:
    """Split as Tekton's findTektonExpressions: from each `$(` to the first `)` that closes nothing inside.

    A `$(` that holds another is literal, as is one that is never closed.
    """
    first, *candidates = value.split("$(")
    parts: list[str | Expression] = []
    literal = first
    for candidate in candidates:
        end = _closing(candidate)
        if end < 0:
            literal += f"$({candidate}"
            continue
        if literal:
            parts.append(decode_pasted(literal))
        parts.append(_expression(candidate[:end]))
        literal = candidate[end + 1 :]
    if literal:
        parts.append(decode_pasted(literal))
    return tuple(parts)


def _closing(candidate: str) -> int:
    depth = 0
    for index, char in enumerate(candidate):
        if char == "(":
            depth += 1
        elif char == ")":
            if not depth:
                return index
            depth -= 1
    return -1


def _expression(raw: str) -> Expression:
    path = raw
    if raw.startswith(_HEADER):
        path = _HEADER + canonical_name(raw[len(_HEADER) :])
    try:
        return Expression(f"$({raw})", compile_path(path))
    except JsonPathError as error:
        return Expression(f"$({raw})", None, error.reason)
