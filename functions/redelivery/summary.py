"""What one run of the sweep found and did, for the log, the reply and the command line. Pure."""

from __future__ import annotations

from msgspec import Struct, field

from functions.common.values import Json


class HookSummary(Struct, kw_only=True):
    """What became of one hook's deliveries in this run."""

    hook: str
    succeeded: int = 0
    lasting: int = 0
    waiting: int = 0
    given_up: int = 0
    out_of_view: int = 0
    asked: int = 0
    """How many GitHub was asked to send again (with a dry run: would have been)."""
    came_through: int = 0
    failed_again: int = 0
    refused: int = 0
    """How many GitHub would not send again."""
    left: int = 0
    """How many are due and were not asked for."""
    notes: list[str] = field(default_factory=list)
    """Sentences for a person: why the run stopped, what was given up."""
    error: str = ""
    """Why GitHub could not be asked about this hook."""
    stopped: bool = False
    """Whether the function failed again, so that no more was asked for."""


class Summary(Struct, kw_only=True):
    """One run."""

    dry_run: bool
    hooks: list[HookSummary] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether GitHub could not be asked, for at least one hook."""
        return any(hook.error for hook in self.hooks)

    @property
    def outcome(self) -> str:
        """The run in one word: `failed`, `stopped` (the function still fails), `limited` or `done`."""
        if self.failed:
            return "failed"
        if any(hook.stopped for hook in self.hooks):
            return "stopped"
        return "limited" if any(hook.left for hook in self.hooks) else "done"

    def total(self, name: str) -> int:
        """Return one of the numbers, over all hooks."""
        return sum(int(getattr(hook, name)) for hook in self.hooks)

    def sentences(self) -> list[str]:
        """Return what a person wants to read, a line for each hook and for each note."""
        verb = "would ask GitHub to send again" if self.dry_run else "asked GitHub to send again"
        lines = []
        for hook in self.hooks:
            line = f"{hook.hook}: {verb} {hook.asked}"
            if not self.dry_run and hook.asked:
                line += f" ({hook.came_through} came through, {hook.failed_again} failed again)"
            others = {
                "came through before": hook.succeeded,
                "failed for a lasting reason": hook.lasting,
                "wait for their next attempt": hook.waiting,
                "given up": hook.given_up,
                "first sent before the look-back": hook.out_of_view,
                "refused by GitHub": hook.refused,
                "left for the next run": hook.left,
            }
            lines.append("; ".join([line, *(f"{count} {what}" for what, count in others.items() if count)]))
            lines += [f"{hook.hook}: {note}" for note in [*hook.notes, hook.error] if note]
        return lines

    def json(self) -> dict[str, Json]:
        """Return the run as JSON."""
        return {
            "outcome": self.outcome,
            "dryRun": self.dry_run,
            "hooks": [
                {
                    "hook": hook.hook,
                    "asked": hook.asked,
                    "cameThrough": hook.came_through,
                    "failedAgain": hook.failed_again,
                    "refused": hook.refused,
                    "left": hook.left,
                    "waiting": hook.waiting,
                    "givenUp": hook.given_up,
                    "succeeded": hook.succeeded,
                    "lasting": hook.lasting,
                    "outOfView": hook.out_of_view,
                    "notes": list[Json](hook.notes),
                    "error": hook.error,
                }
                for hook in self.hooks
            ],
        }
