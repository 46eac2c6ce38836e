"""Names that derive from the delivery: its key, `$(uid)`, object names and the three labels. All pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from functions.common.errors import LastingError
from functions.common.lenient import object_at
from functions.common.ports import Work
from functions.common.values import Json
from functions.delivery import Delivery
from functions.model.annotations import CLUSTER, KEY_ANNOTATION

LISTENER_LABEL = "triggers.tekton.dev/eventlistener"
TRIGGER_LABEL = "triggers.tekton.dev/trigger"
EVENT_LABEL = "triggers.tekton.dev/triggers-eventid"

SELF_IDENTIFYING = frozenset({"push", "pull_request", "issue_comment"})
"""GitHub events whose bodies carry times and ids, so that one body is one event whatever GUID it comes under."""

_MAX_NAME = 63
_SUFFIX = 10
_NOT_IN_LABEL = re.compile(r"[^-A-Za-z0-9_.]")


def _digest(*parts: str | bytes) -> bytes:
    """Hash parts so that no two lists of parts run together: each goes in behind its length."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.digest()


def delivery_key(delivery: Delivery, *, signed: bool, event_name: str | None = None) -> str:
    """Return what two copies of one delivery share, in hexadecimal (the table in docs/reply.md).

    `signed` says that an HMAC over the body was verified. Headers are never signed, the delivery's GUID among them,
    so a push, pull_request or issue_comment is known by its body alone. `event_name` is the event that the body shows,
    where it says more than the header, which is not signed either.
    """
    name = delivery.event_name if event_name is None else event_name
    if signed and name in SELF_IDENTIFYING:
        return _digest("signed", name, delivery.body).hex()
    if signed:
        return _digest("signed-with-id", name, delivery.sender_id, delivery.body).hex()
    return _digest("unsigned", delivery.sender_id or delivery.nonce, delivery.body).hex()


def derived_uid(key: str, *, listener: str, identity: str, attempt: int = 0) -> str:
    """Return `$(uid)` for one trigger of one delivery, in the form of Tekton's: a UUID of version 4.

    It is no random one, but many a validator in a pipeline knows no version 8, which would say so.
    """
    raw = bytearray(_digest("uid", key, listener, identity, str(attempt))[:16])
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=1_024)
def label_value(text: str) -> str:
    """Return `text` as a legal label value: other characters become `-`, at most 63, alphanumeric at both ends."""
    return _NOT_IN_LABEL.sub("-", text)[:63].strip("-_.")


def stamp(work: Work, position: int, *, attempt: int = 0) -> dict[str, Json]:
    """Return resource number `position` as it is to be created: named, labelled and annotated.

    A `generateName` is followed by a hash of (delivery key, listener, trigger, place, attempt). A fixed name says
    nothing of the trigger; where the labels do not either, a hash of it follows the key in the annotation. From the
    second attempt on, `$(uid)` is another one too. Raises LastingError when the resource cannot be created whatever
    the cluster says: no kind, no name.
    """
    resource: Mapping[str, Json] = work.resources[position]
    if attempt:
        listener = f"{work.listener_namespace}/{work.listener}"
        uid = derived_uid(work.key, listener=listener, identity=work.identity, attempt=attempt)
        resource = cast("dict[str, Json]", _replaced(dict(resource), work.uid, uid))
    for name in ("apiVersion", "kind"):
        if not isinstance(resource.get(name), str) or not resource[name]:
            raise LastingError(f"resource {position + 1} of the template has no {name}")
    metadata = resource.get("metadata", {})
    if not isinstance(metadata, dict):
        raise LastingError(f"resource {position + 1} of the template: metadata is not an object")
    metadata = dict(metadata)
    fixed = _text(metadata, "name", position)
    metadata["name"] = fixed or _name(metadata, work, position, attempt)
    metadata["namespace"] = _text(metadata, "namespace", position) or work.trigger_namespace
    metadata["labels"] = _mapping(metadata, "labels", position) | {
        LISTENER_LABEL: label_value(work.listener),
        TRIGGER_LABEL: label_value(work.trigger),
        EVENT_LABEL: label_value(work.event_id),
    }
    key = work.key
    if fixed and not _labels_tell(work, metadata):
        maker = _digest("maker", f"{work.listener_namespace}/{work.listener}", work.identity)
        key += f".{maker.hex()[:16]}"
    annotations = _mapping(metadata, "annotations", position)
    # the template's own has done its work; one whose name a param made must not pass for it
    annotations.pop(CLUSTER, None)
    metadata["annotations"] = annotations | {KEY_ANNOTATION: key}
    return {**resource, "metadata": metadata}


def _labels_tell(work: Work, metadata: Mapping[str, Json]) -> bool:
    """Say whether the labels and the namespace of an object name its trigger and nobody else's.

    They do not for triggers without a name, with the name of another one, in a group or in another namespace than
    their listener, nor for names that are no label values as they stand.
    """
    return (
        work.identity == f"{work.listener_namespace}/{work.trigger}"
        and metadata["namespace"] == work.listener_namespace
        and label_value(work.trigger) == work.trigger
        and label_value(work.listener) == work.listener
    )


def _name(metadata: dict[str, Json], work: Work, position: int, attempt: int) -> str:
    base = _text(metadata, "generateName", position)
    if not base:
        raise LastingError(f"resource {position + 1} of the template has neither metadata.name nor generateName")
    listener = f"{work.listener_namespace}/{work.listener}"
    digest = _digest("name", work.key, listener, work.identity, _place(work, position), str(attempt))
    suffix = base64.b32encode(digest[:_SUFFIX]).decode().lower()[:_SUFFIX]
    return base[: _MAX_NAME - _SUFFIX] + suffix


def _place(work: Work, position: int) -> str:
    """Return what tells a resource from the others of its template, in whatever order they stand.

    Mostly nothing needs to: no other has its kind, namespace and generateName. Those that share them are told apart
    by what the template says of them: never by what is rendered, for an unsigned header may stand in it.
    """
    if len(work.resources) == 1:
        return "0"
    kin = [_kin(work, other) for other in range(len(work.resources))]
    if kin.count(kin[position]) == 1:
        return "0"
    return work.places[position] if work.places else str(position)


def _kin(work: Work, position: int) -> tuple[Json, ...]:
    resource = work.resources[position]
    metadata = object_at(resource, "metadata")
    group = str(resource.get("apiVersion")).rpartition("/")[0]
    base = str(metadata.get("generateName", ""))[: _MAX_NAME - _SUFFIX]
    fixed = bool(metadata.get("name"))
    return group, resource.get("kind"), metadata.get("namespace") or work.trigger_namespace, base, fixed


def _text(metadata: dict[str, Json], name: str, position: int) -> str:
    value = metadata.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LastingError(f"resource {position + 1} of the template: metadata.{name} is not a string")
    return value


def _mapping(metadata: dict[str, Json], name: str, position: int) -> dict[str, Json]:
    value = metadata.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise LastingError(f"resource {position + 1} of the template: metadata.{name} is not an object")
    return value


def _replaced(value: Json, old: str, new: str) -> Json:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key.replace(old, new): _replaced(item, old, new) for key, item in value.items()}
    return value
