"""Bodies in Kubernetes' protobuf, which kubectl sends for kinds that it knows: read into what JSON would have said.

The numbers are those of the published generated.proto files: k8s.io/apimachinery (runtime.Unknown, ObjectMeta) and
k8s.io/api (rbac/v1, core/v1). https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.standins.kubernetes.statuses import StatusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standins.kubernetes.kinds import Json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\0"

TEXT, TEXTS, MAP, BYTES_MAP, SKIPPED = "text", "texts", "map", "bytes map", "skipped"
_METADATA: dict[int, tuple[str, Any]] = {
    1: ("name", TEXT),
    2: ("generateName", TEXT),
    3: ("namespace", TEXT),
    4: ("selfLink", TEXT),
    5: ("uid", TEXT),
    6: ("resourceVersion", TEXT),
    8: ("creationTimestamp", SKIPPED),
    11: ("labels", MAP),
    12: ("annotations", MAP),
    17: ("managedFields", SKIPPED),
}
_RULE: dict[int, tuple[str, Any]] = dict(
    enumerate(
        [(name, TEXTS) for name in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")], start=1
    )
)
_SUBJECT = {1: ("kind", TEXT), 2: ("apiGroup", TEXT), 3: ("name", TEXT), 4: ("namespace", TEXT)}
_ROLE_REF = {1: ("apiGroup", TEXT), 2: ("kind", TEXT), 3: ("name", TEXT)}
_ROLE = {1: ("metadata", _METADATA), 2: ("rules", [_RULE])}
_BINDING = {1: ("metadata", _METADATA), 2: ("subjects", [_SUBJECT]), 3: ("roleRef", _ROLE_REF)}
_SECRET = {1: ("metadata", _METADATA), 2: ("data", BYTES_MAP), 3: ("type", TEXT), 4: ("stringData", MAP)}
_KINDS = {
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "Secret": _SECRET,
}


def read(body: bytes) -> Json:
    """Return an object; 415 for kinds that this has no numbers of."""
    if not body.startswith(_MAGIC):
        raise StatusError(400, "provided data does not appear to be a protobuf message")
    unknown = dict(_fields(body.removeprefix(_MAGIC)))
    about = {number: value.decode() for number, value in _fields(unknown[1])}
    kind = about.get(2, "")
    if kind not in _KINDS:
        raise StatusError(415, f"the stand-in reads no {kind} in protobuf")
    return {"apiVersion": about.get(1, ""), "kind": kind, **_message(unknown[2], _KINDS[kind])}


def _message(data: bytes, numbers: dict[int, tuple[str, Any]]) -> Json:
    found: Json = {}
    for number, value in _fields(data):
        if number not in numbers:
            raise StatusError(415, f"the stand-in does not know field {number} of this message")
        name, form = numbers[number]
        if isinstance(form, dict):
            found[name] = _message(value, form)
        elif isinstance(form, list):
            found.setdefault(name, []).append(_message(value, form[0]))
        elif form == TEXTS:
            found.setdefault(name, []).append(value.decode())
        elif form in (MAP, BYTES_MAP):
            pair = dict(_fields(value))
            text = pair.get(2, b"")
            found.setdefault(name, {})[pair[1].decode()] = (
                base64.b64encode(text).decode() if form == BYTES_MAP else text.decode()
            )
        elif form == TEXT and value:
            found[name] = value.decode()
    return found


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each field's number and bytes; numbers, which none of the kinds needs, are passed over."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        if key & 7 == 0:
            _, place = _varint(data, place)
        else:
            size, place = _varint(data, place)
            yield key >> 3, data[place : place + size]
            place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
