"""What is shown of an API server's words: what is known not to come from the event, and nothing else.

Field errors, admission webhooks and policies quote what they refuse, in spellings of their own (Go's escapes, parts,
keys), so no message can be cleaned of an event. Shown is what these tables hold, and the names that we asked under.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from functions.adapters.kubernetes.kinds import KNOWN
from functions.adapters.kubernetes.phrases import CAUSES, FIELDS, PHRASES, ROOTS, VERBS
from functions.common.lenient import object_at, objects_at, text_at
from functions.common.shown import listed
from functions.common.values import Json

MAX_MESSAGE = 600
"""Characters of the server's message that are shown."""
_MAX_READ = 8 * 1024
_MAX_CAUSES = 100
_HIDDEN = "…"
_UNKNOWN = "its message is not shown, since it may quote the event"

_RESOURCES = {
    f"{name}.{group}" if group else name: resource.kind
    for resource in KNOWN.values()
    for group in [resource.api_version.rpartition("/")[0]]
    for name in (resource.plural, resource.kind)
}
"""Resources and kinds, qualified by their group as messages have them, and the kind of each."""
_RESOURCE = "|".join(sorted(map(re.escape, _RESOURCES), key=len, reverse=True))
_NAME = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_USER = r"[A-Za-z0-9][\w.:@-]{0,319}"
_PUNCTUATION = re.compile(r"[\s:,;.\[\](){}]{0,4}")
_INDEX = re.compile(r"[0-9]{1,4}")


@cache
def _opening() -> re.Pattern[str]:
    """Return beginnings of messages, before which nothing can be quoted: the names in them are the cluster's own."""
    return re.compile(
        # apiserver/pkg/admission/plugin/webhook: errors/statuserror.go, validating/dispatcher.go
        rf'(?:admission webhook "{_NAME}" denied the request|Internal error occurred: failed calling webhook "{_NAME}"'
        # apimachinery/pkg/api/errors NewForbidden, with the words of
        rf'|{_NAME}(?: "(?P<object>[^"]*)")? is forbidden: (?:'
        # the authorizer: apiserver/pkg/endpoints/handlers/responsewriters/errors.go
        rf'User "{_USER}" cannot (?:{VERBS}) resource "[a-z]{{1,63}}(?:/[a-z]{{1,63}})?"'
        rf'(?: in API group "(?:{_NAME})?")?(?: in the namespace "{_NAME}"| at the cluster scope)?'
        # a policy: apiserver/pkg/admission/plugin/policy/validating/plugin.go
        rf"|ValidatingAdmissionPolicy '{_NAME}' with binding '{_NAME}' denied request"
        # a quota: apiserver/pkg/admission/plugin/resourcequota/controller.go checkRequest
        rf"|exceeded quota: {_NAME}(?=, requested: |$)))"
    )


@cache
def _words() -> re.Pattern[str]:
    # compiled by the first refusal: it takes 10 ms, and most deliveries meet none
    return re.compile(
        rf"(?P<path>\b(?:{ROOTS})(?:\.[\w-]+|\[[^\]\s]{{0,100}}\])+)"
        rf'|(?P<resource>(?<![\w.-])(?:{_RESOURCE})(?= "| is ))'
        r'|(?P<name>"[^"\s]{1,300}")|(?<![A-Za-z])(?:'
        + "|".join(re.escape(phrase).replace(r"\#", r"[0-9]{1,6}") for phrase in sorted(PHRASES, key=len, reverse=True))
        + r")(?![A-Za-z])"
    )


def told(status: Mapping[str, Json], subject: str) -> str:
    """Return what may be shown of a v1 Status about `subject` (`PipelineRun team/build-1`), on one line, bounded."""
    message, details = text_at(status, "message"), object_at(status, "details")
    names = {f'"{name}"' for name in re.split("[ /]", subject) if name}
    text = _joined(message[:_MAX_READ], names)
    found = [text] if text or not message else [_UNKNOWN]
    if fields := [field for field in _causes(details) if field.partition(" (")[0] not in text]:
        found.append(f"fields: {listed(dict.fromkeys(fields))}")
    about = _about(details)
    if about and about not in text and _RESOURCES[about] != subject.partition(" ")[0]:
        found.append(f"about {about}")
    text = "; ".join(filter(None, found))
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + _HIDDEN


def _joined(message: str, names: set[str]) -> str:
    """Return a message's known words in their order, punctuation between them kept, all else as an ellipsis."""
    text, at = "", 0
    for start, end, words in _found(message, names):
        between = message[at:start]
        if _PUNCTUATION.fullmatch(between):
            text += " ".join(between.split("\n")) if text else ""
        else:
            text += f" {_HIDDEN} " if text else f"{_HIDDEN} "
        text, at = text + words, end
    return text + (f" {_HIDDEN}" if text and message[at:].strip(" :,;.") else "")


def _found(message: str, names: set[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, text) of what may be shown."""
    opening = _opening().match(message)
    if opening is not None:
        quoted = f'"{opening["object"]}"'
        words = opening.group()
        yield 0, opening.end(), words if quoted in names else words.replace(quoted, f'"{_HIDDEN}"', 1)
    for match in _words().finditer(message, opening.end() if opening else 0):
        if match["path"]:
            yield match.start(), match.end(), _path(match["path"])
        elif not match["name"] or match["name"] in names:
            yield match.start(), match.end(), match.group()


def _causes(details: Mapping[str, Json]) -> Iterator[str]:
    """Yield the fields of a Status's causes, each with what is wrong."""
    for cause in objects_at(details, "causes")[:_MAX_CAUSES]:
        if field := text_at(cause, "field"):
            why = CAUSES.get(str(cause.get("reason")), "")
            yield _path(field[:MAX_MESSAGE]) + (f" ({why})" if why else "")


def _path(field: str) -> str:
    """Return a field's path with the names that Kubernetes and Tekton define; keys are the manifest's, so hidden."""
    parts = []
    for part in re.split(r"(?=\[)|\.", field):
        name, bracket, key = part.partition("[")
        known = name in FIELDS or not name
        index = f"[{key}" if _INDEX.fullmatch(key.rstrip("]")) else f"[{_HIDDEN}]" if bracket else ""
        parts.append(("." if name else "") + (name if known else _HIDDEN) + index)
    return "".join(parts).removeprefix(".")


def _about(details: Mapping[str, Json]) -> str:
    kind, group = details.get("kind"), details.get("group")
    name = f"{kind}.{group}" if group else str(kind)
    return name if name in _RESOURCES else ""
