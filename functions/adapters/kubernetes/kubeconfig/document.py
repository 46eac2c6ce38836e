"""A kubeconfig's text as a document: YAML or JSON within bounds, without what YAML has for blowing memory up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from functions.common.errors import ConfigurationError, mistaken
from functions.common.shown import shown

MAX_BYTES = 1024 * 1024
"""Secret Manager holds 64 KiB; files that name many clusters are larger."""
_MAX_DEPTH = 32


def load_document(text: bytes | str) -> Mapping[str, object]:
    """Return the document. Raises ConfigurationError with the one reason why it is no kubeconfig."""
    import yaml  # noqa: PLC0415 -- only a function that reaches for its cluster needs it

    if len(text) > MAX_BYTES:
        raise _unusable(f"it is larger than {MAX_BYTES // 1024} KiB; is this the right file or secret?")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise _unusable("YAML aliases (*name) are refused; write the values out")
            if depth > _MAX_DEPTH:
                raise _unusable("it is nested too deeply to be a kubeconfig; is this the right file or secret?")
        for key in _given_twice(yaml.compose(text, Loader=loader)):
            raise _unusable(f"{shown(key)} stands twice in one object; remove the one that is not meant")
        document = yaml.load(text, Loader=loader)  # noqa: S506 -- both are safe loaders
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _unusable(f"it is neither YAML nor JSON{place}; store the kubeconfig as it is, not encoded") from error
    if not isinstance(document, dict):
        raise _unusable(
            "it is not a kubeconfig; store one as it is, not encoded: "
            "`kubectl config view --raw --minify --flatten` shows yours"
        )
    return document


def _given_twice(node: Any) -> Iterator[str]:
    """Yield the keys that an object has more than once, of which YAML's loader takes the last."""
    if not isinstance(node.value if node else None, list):
        return
    keys = [key.value for key, _ in node.value if isinstance(key.value, str)] if node.id == "mapping" else []
    yield from (key for key, times in Counter(keys).items() if times > 1)
    for item in node.value:
        for inner in item if isinstance(item, tuple) else (item,):
            yield from _given_twice(inner)


def _unusable(mistake: str) -> ConfigurationError:
    return mistaken("the kubeconfig", [f"kubeconfig: {mistake}"], ", which the log lists")
