"""What tells a listener's triggers from each other, delivery after delivery: their names, else what they say. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from functions.common.values import Json
from functions.model.resources import TriggerSpec

_DIGITS = 16


def content(spec: TriggerSpec | None) -> str:
    """Return a hash of what a trigger says, wherever in its file and listener that stands; the same for nothing."""
    text = json.dumps(_plain(spec), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def distinct(given: Sequence[tuple[str, TriggerSpec | None]]) -> list[str]:
    """Return an identity for each trigger, from the identities that its names give it, and its spec.

    Several with one name are told apart by content, so that their order means nothing; those that say the same
    are counted, and it does not matter which is which.
    """
    named = Counter(identity for identity, _ in given)
    said: dict[str, set[str]] = {}
    for identity, spec in given:
        if named[identity] > 1:
            said.setdefault(identity, set()).add(content(spec))
    seen: Counter[str] = Counter()
    found = []
    for identity, spec in given:
        own = f"{identity}#{content(spec)}" if len(said.get(identity, ())) > 1 else identity
        seen[own] += 1
        found.append(own if seen[own] == 1 else f"{own}#{seen[own]}")
    return found


def _plain(value: object) -> Json:
    if isinstance(value, Struct):
        return [type(value).__name__, *(_plain(getattr(value, name)) for name in value.__struct_fields__)]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str) else None
