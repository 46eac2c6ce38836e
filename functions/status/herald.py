"""The Herald port: what a delivery has come to is told at once, within two seconds, and never at its expense."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Work
from functions.common.values import Outcome
from functions.status.notices import Herald, Notice, notices_of
from functions.status.settle import Teller

SECONDS = 2.0
"""The most that telling may take of what is left of a delivery's time."""
_LOG = logging.getLogger(__name__)


class DeliveryHerald(Herald):
    """Tells one notice after another."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:
        """Tell what can be told now; the rest is in the log, and `reconcile` tells what the cluster knows of it."""
        within = Deadline(min(deadline.expires, deadline.clock() + SECONDS), deadline.clock)
        try:
            wanted = [notice for work, outcome in ends for notice in notices_of(work, outcome)]
            for notice in (*wanted, *notices):
                self._tell(notice, within)
        except Exception as error:  # noqa: BLE001 -- a bug here must not spoil a delivery whose objects exist
            _LOG.error("no status was told: internal error: %s", type(error).__name__)

    def _tell(self, notice: Notice, deadline: Deadline) -> None:
        try:
            self._teller.notify(notice, deadline)
        except PipehookError as error:
            when = "will tell it" if error.passing else "tells it once that is mended"
            later = f"; reconcile {when}" if notice.run else ""
            _LOG.warning(
                "a status of %s was not told (%s): %s%s", notice.target.repository, notice.state, error.reason, later
            )
