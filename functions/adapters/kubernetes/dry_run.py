"""The sink of DRY_RUN=true: says what would be created and reaches for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from functions.common.ports import Deadline, Work
from functions.common.values import Outcome, Status
from functions.outcomes.plan import Planned, Result, outcome, plan


class DryRunSink:
    """Renders and reports. Nothing exists afterwards, so nothing is `created`: works are `filtered`, with reason."""

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:  # noqa: ARG002 -- the port's signature
        """Return what would become of each work, mistakes of naming included."""
        return [_outcome(item, row) for item, row in zip(work, plan(work), strict=True)]


def _outcome(work: Work, row: Sequence[Planned | Result]) -> Outcome:
    found = outcome(work, [entry for entry in row if isinstance(entry, Result)])
    if found.status is Status.FAILED:
        return found
    names = ", ".join(str(entry.ref) for entry in row) or "nothing"
    return replace(found, status=Status.FILTERED, reason=f"dry run: would create {names}")
