"""The sink of DRY_RUN=true: says what would be created and reaches for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from functions.common.ports import Deadline, Work
from functions.common.values import Outcome, Status
from functions.model.annotations import PREFIX
from functions.outcomes.plan import Planned, Result, outcome, plan


class DryRunSink:
    """Renders and reports. Nothing exists afterwards, so nothing is `created`: works are `filtered`, with reason."""

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:  # noqa: ARG002 -- the port's signature
        """Return what would become of each work, mistakes of naming included."""
        return [_outcome(item, row) for item, row in zip(work, plan(work), strict=True)]


def _outcome(work: Work, row: Sequence[Planned | Result]) -> Outcome:
    if failed := [entry for entry in row if isinstance(entry, Result)]:
        return outcome(work, failed)
    refs = [entry.ref for entry in row if entry.ref is not None]
    made = [str(ref) for ref in refs if not ref.api_version.startswith(PREFIX)]
    would = [f"create {', '.join(made)}"] if made else []
    would += ["cancel older runs of a concurrency group"] if len(made) < len(refs) else []
    reason = f"dry run: would {' and '.join(would) or 'create nothing'}"
    return Outcome(work.trigger, work.trigger_namespace, Status.FILTERED, reason, verified=work.verified)
