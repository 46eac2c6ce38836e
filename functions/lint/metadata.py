"""Names, labels and annotations of what a template makes: PH401, PH402 and PH403.

Sources: apimachinery's validation (IsDNS1123Subdomain, IsValidLabelValue, IsQualifiedName) and Tekton Pipelines'
validate.ObjectMetadata, which lets its runs' names have 63 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from functions.common.lenient import object_at, texts_at
from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.places import Place
from functions.lint.reach import Scope, references
from functions.lint.text import ALPHANUMERIC, LABEL, NAME, Text
from functions.lint.texts import UID
from functions.lint.views import View
from functions.model.fields import described

_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"\$\((?:uid|tt\.params\.[^()]*)\)")
_SHORT, _LONG = 63, 253
_CLEAN = "use an id or a hash of the event, or clean the text with a CEL overlay"
_NAME_HINT = "lower-case letters, digits, - and . make a name"
_LABEL_HINT = "letters, digits, -, _ and . make a label's value, 63 of them at most; or make it an annotation"


def check(view: View, texts: Mapping[str, Text]) -> Iterator[Hit]:
    """Check the resources of one trigger's template."""
    for whole, resource in view.resources:
        metadata, place = object_at(resource, "metadata"), whole.below("metadata")
        runs = resource.get("kind") in ("PipelineRun", "TaskRun", "CustomRun")
        yield from _names(metadata, place, texts, longest=_SHORT if runs else _LONG)
        yield from _labels(metadata, place, texts)
        yield from _strings(metadata.get("annotations"), place.below("annotations"), "annotation")


def _names(metadata: Mapping[str, Json], place: Place, texts: Scope, *, longest: int) -> Iterator[Hit]:
    for field in ("name", "generateName", "namespace"):
        text = metadata.get(field)
        if not isinstance(text, str) or not text:
            continue
        where = place.below(field)
        wrong = _wrong(text, texts, NAME, "name")
        if not _REFERENCE.search(text) and "$(" not in text:
            tail = "x" if field == "generateName" else ""  # what is appended is legal, so the prefix may end in -
            if not _DNS_NAME.fullmatch(text + tail):
                wrong = "Kubernetes refuses this name"
            elif field == "name":
                yield Hit("PH403", where, "the name is the same for every delivery", "use generateName")
        if wrong:
            yield Hit("PH401", where, wrong, _NAME_HINT)
            continue
        limit = {"name": longest, "namespace": _SHORT}.get(field, _LONG)
        if (least := _shortest(text, texts)) > limit:
            message = f"the name has at least {least} characters with what is inserted, and may have {limit}"
            yield Hit("PH401", where, message, "use generateName, or truncate what is inserted with a CEL overlay")
        elif names := _unfit(text, texts, NAME):
            yield Hit("PH402", where, "this may hold characters that no name takes", _CLEAN, names)


def _labels(metadata: Mapping[str, Json], place: Place, texts: Scope) -> Iterator[Hit]:
    yield from _strings(metadata.get("labels"), place.below("labels"), "label")
    for key, value in texts_at(metadata, "labels").items():
        where = place.below("labels", key)
        wrong = _wrong(value, texts, LABEL, "label")
        if "$(" not in value and not _LABEL_VALUE.fullmatch(value):
            wrong = "Kubernetes refuses this label's value"
        if wrong:
            yield Hit("PH401", where, wrong, _LABEL_HINT)
        elif (least := _shortest(value, texts)) > _SHORT:
            message = f"the label has at least {least} characters with what is inserted, and may have {_SHORT}"
            yield Hit("PH401", where, message, _LABEL_HINT)
        elif names := _unfit(value, texts, LABEL):
            yield Hit("PH402", where, "this may hold characters that no label takes", _CLEAN, names)


def _strings(values: Json, place: Place, what: str) -> Iterator[Hit]:
    """Check the keys of labels or annotations, and that their values are strings."""
    if values is None:
        return
    if not isinstance(values, dict):
        yield Hit("PH401", place, f"{what}s must be an object, not {described(values)}")
        return
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            message = f"the value of this {what} must be a string, not {described(value)}"
            yield Hit("PH401", place.below(key), message, "put it in quotes")
        prefix, slash, name = key.rpartition("/")
        if "$(" not in key and not (_QUALIFIED.fullmatch(name) and (not slash or _DNS_NAME.fullmatch(prefix))):
            yield Hit("PH401", place.below(key), f"Kubernetes refuses this name of a {what}")


def _pieces(text: str) -> list[str]:
    return _REFERENCE.split(text)


def _wrong(text: str, texts: Scope, legal: frozenset[str], what: str) -> str:
    """Return why no event makes this text legal; empty when one may."""
    literal = "".join(_pieces(text))
    if "$(" in literal:
        return ""  # a reference that is spelt wrongly: PH103
    if bad := [char for char in dict.fromkeys(literal) if char not in legal]:
        return f"no {what} takes {_shown(bad)}"
    ends = (text[:1], text[-1:]) if what == "label" else (text[:1],)
    if any(end not in ALPHANUMERIC and end not in "$)" for end in ends):
        return f"a {what} begins{' and ends' if what == 'label' else ''} with a letter or digit"
    for name, value in _inserted(text, texts).items():
        if bad := sorted(value.always - legal):
            return f"{name} always holds {_shown(bad)}, which no {what} takes"
    return ""


def _shown(characters: list[str]) -> str:
    return " ".join({" ": "a space"}.get(char, char) if char.isprintable() else "controls" for char in characters)


def _inserted(text: str, texts: Scope) -> dict[str, Text]:
    return {**references(text, texts), **({"$(uid)": UID} if "$(uid)" in text else {})}


def _shortest(text: str, texts: Scope) -> int:
    inserted = _inserted(text, texts)
    found = _REFERENCE.findall(text)
    return len("".join(_pieces(text))) + sum(inserted[name].shortest for name in found if name in inserted)


def _unfit(text: str, texts: Scope, legal: frozenset[str]) -> tuple[str, ...]:
    inserted = _inserted(text, texts).items()
    return tuple(name for name, value in inserted if value.known and value.sent and not value.chars <= legal)
