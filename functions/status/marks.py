"""The marks by which a run is known to be told of: labels and annotations, written at rendering and read back later.

A template cannot write them itself (`model.annotations` refuses it), so they hold what the verified
body said, or `pipehook.dev/sha`, a commit of the same repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from functions.common.errors import LastingError
from functions.common.event_facts import EventFacts
from functions.common.lenient import object_at, text_at, texts_at
from functions.common.shown import printable
from functions.common.values import Json, Provider
from functions.model.annotations import PREFIX, SHA, STATUS
from functions.status.values import MAX_CONTEXT, Run, Target

KEY_LABEL = f"{PREFIX}status-key"
CONTEXT = f"{PREFIX}status-context"
REPOSITORY = f"{PREFIX}repository"
EVENT_TIME = f"{PREFIX}event-time"
INSTALLATION = f"{PREFIX}installation"
PROVIDER = f"{PREFIX}provider"
"""Written for others than GitHub."""

SELECTOR = f"{STATUS}=true"  # the label has the name of the annotation that asks for it
"""Selects every run that is told of."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{12,64}")
_REPOSITORY = re.compile(r"~?[A-Za-z0-9_.-]{1,255}(/[A-Za-z0-9_.-]{1,255}){1,20}")
_DIGITS = re.compile(r"[0-9]{1,18}")
_PROVIDERS = ("github", "gitlab", "bitbucket", "bitbucket-server")


def bounded_context(text: str) -> str:
    """Return a context as it may be shown: printable, on one line, at most MAX_CONTEXT characters."""
    return printable(text.strip())[:MAX_CONTEXT]


def mark(resource: dict[str, Json], context: str, facts: EventFacts) -> None:
    """Mark a rendered resource, whose metadata is the caller's, as one to be told of; of no commit nothing is told.

    Raises LastingError when `pipehook.dev/sha` is no whole commit's id.
    """
    metadata = cast("dict[str, Json]", resource["metadata"])
    annotations = cast("dict[str, Json]", metadata.setdefault("annotations", {}))
    target = target_in(annotations, context, facts)
    if target is None:
        annotations.pop(SHA, None)
        return
    metadata["labels"] = {**object_at(metadata, "labels"), STATUS: "true", KEY_LABEL: target.key}
    annotations |= {CONTEXT: target.context, REPOSITORY: target.repository, SHA: target.sha}
    annotations.setdefault(EVENT_TIME, str(int(facts.time)))
    if target.installation:
        annotations[INSTALLATION] = str(target.installation)
    if target.provider != "github":
        annotations[PROVIDER] = target.provider


def target_in(annotations: Mapping[str, Json], context: str, facts: EventFacts) -> Target | None:
    """Return where a resource with these annotations would be told of; None where nothing may be told.

    Raises LastingError as `mark`.
    """
    text = bounded_context(context)
    wanted = annotations.get(SHA)
    sha = facts.sha
    if isinstance(wanted, str) and wanted.strip():
        sha = wanted.strip().lower()
        if not _COMMIT.fullmatch(sha):
            raise LastingError(f"the annotation {SHA} must be a commit's whole id: 40 or 64 hexadecimal digits")
    if not (text and sha and facts.repository and facts.provider) or facts.deleted:
        return None
    return Target(
        provider=facts.provider,
        repository=facts.repository,
        sha=sha,
        context=text,
        installation=facts.installation if facts.provider == "github" else 0,
    )


def target_of(run: Run) -> Target | None:
    """Return where a run of the cluster is told of, None for one that is not ours to tell of."""
    labels, annotations = (texts_at(run, "metadata", name) for name in ("labels", "annotations"))
    provider = annotations.get(PROVIDER, "github")
    repository, sha = annotations.get(REPOSITORY, ""), annotations.get(SHA, "")
    context = bounded_context(annotations.get(CONTEXT, ""))
    installation = annotations.get(INSTALLATION, "0")
    if labels.get(STATUS) != "true" or not context or provider not in _PROVIDERS:
        return None
    if not _REPOSITORY.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
        return None
    if not (_SHORT if provider == "bitbucket" else _COMMIT).fullmatch(sha) or not _DIGITS.fullmatch(installation):
        return None
    return Target(
        provider=cast("Provider", provider),
        repository=repository,
        sha=sha,
        context=context,
        installation=int(installation),
    )


def place_of(run: Run) -> tuple[str, str]:
    """Return namespace and name of a run."""
    return text_at(run, "metadata", "namespace"), text_at(run, "metadata", "name")


def order_of(run: Run) -> tuple[int, str, str]:
    """Return what orders the runs of one context and commit, the newest last: the event's time, then the creation."""
    time = text_at(run, "metadata", "annotations", EVENT_TIME)
    created = text_at(run, "metadata", "creationTimestamp")
    return int(time) if _DIGITS.fullmatch(time) else 0, created, place_of(run)[1]
