"""Who tells of runs, for the settings and triggers that ask for it; nothing of it is imported for anybody else."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from functions.common.ports import Deadline, Work
from functions.entrypoints.parts import Parts
from functions.settings import Settings, StatusApi

if TYPE_CHECKING:
    from functions.common.values import Outcome, Provider
    from functions.listening.prepared import Listener
    from functions.status.buttons import Buttons
    from functions.status.notices import Herald, Notice


class LazyHerald:
    """The Herald of a configuration, made by the first delivery that has something to tell."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._lock = threading.Lock()
        self._herald: Herald | None = None

    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:
        """Tell what can be told. Raises nothing of the family."""
        with self._lock:
            if self._herald is None:
                from functions.entrypoints.telling import open_herald  # noqa: PLC0415 -- off the way of the others

                self._herald = open_herald(self._settings, self._parts)
        self._herald.announce(ends, notices, deadline)


def status_lacks(listener: Listener, settings: Settings) -> Mapping[str, str]:
    """Return what triggers that ask for statuses lack, for the log at load: who vouches, or a token to tell with."""
    tokens: Mapping[Provider, str] = {
        "github": settings.github_token_secret or settings.github_app_id,
        "gitlab": settings.gitlab_token_secret,
        "bitbucket": settings.bitbucket_token_secret,
    }
    found = {}
    for trigger in listener.triggers:
        if trigger.status and (lack := trigger.status.lack):
            found[trigger.identity] = lack
        elif trigger.status and not tokens[trigger.status.provider]:
            name = "GITHUB_TOKEN_SECRET, or GITHUB_APP_ID with GITHUB_APP_KEY_SECRET"
            if trigger.status.provider != "github":
                name = f"{trigger.status.provider.upper()}_TOKEN_SECRET"
            found[trigger.identity] = f"statuses are asked for, and nothing is told: set {name}"
    return found


def buttons_of(settings: Settings, parts: Parts) -> Buttons | None:
    """Return the buttons of GitHub's checks; None where runs are shown otherwise."""
    if settings.status_api is not StatusApi.CHECKS or settings.dry_run or parts.api is None:
        return None
    from functions.entrypoints.telling import open_runs  # noqa: PLC0415 -- off the way of the others

    return open_runs(settings, parts)


def herald_of(settings: Settings, parts: Parts) -> Herald | None:
    """Return what tells of runs; None for a dry run, which makes none."""
    return None if settings.dry_run or parts.api is None else LazyHerald(settings, parts)
