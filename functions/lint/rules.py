"""The rules of the lint: an id that never changes, a severity, and one sentence why."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad a finding is; SARIF has the same three words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


class Rule(Struct, frozen=True):
    """One rule. `name` is for people who read a report, `why` for those who wonder whether to silence it."""

    id: str
    name: str
    severity: Severity
    why: str


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a rule found. Its text names fields and objects of the manifests."""

    rule: Rule
    file: str
    line: int
    """From 1; 0 when there is none."""
    column: int
    subject: str
    path: str
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        """`file:line:column`, what is not known left out."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)

    def __str__(self) -> str:
        """Return the finding in one line."""
        said = ": ".join(part for part in (self.subject, self.path, self.message) if part)
        return f"{self.place}: {self.rule.severity} {self.rule.id}: {said}" + (f"; {self.hint}" if self.hint else "")


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES: Mapping[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("PH001", "structure", _ERROR, "A mistake of structure stops the load: the function answers 500."),
        Rule("PH002", "never-runs", _ERROR, "A trigger that cannot be compiled fails in every reply."),
        Rule("PH003", "old-spelling", _NOTE, "Fields that Tekton dropped, or that need a pod, mislead."),
        Rule(
            "PH004",
            "ignored-param",
            _WARNING,
            "Tekton ignores params of its interceptors that it does not know: what they were meant to do is not done.",
        ),
        Rule("PH005", "refused-by-tekton", _ERROR, "It runs here; a cluster with Tekton Triggers does not take it."),
        Rule("PH006", "pipehook-only", _NOTE, "It runs here; a cluster with Tekton Triggers does not know it."),
        Rule("PH101", "unresolved-param", _ERROR, "A param that nothing binds stays in the resource as literal text."),
        Rule("PH102", "unused-param", _WARNING, "A param that no resource uses is mostly a slip in its name."),
        Rule(
            "PH103",
            "misspelt-reference",
            _ERROR,
            "Only $(tt.params.NAME), spelt so, is replaced; anything like it stays in the resource as literal text.",
        ),
        Rule(
            "PH104",
            "missing-input",
            _ERROR,
            "A run without a param or workspace that its Pipeline needs fails at once.",
        ),
        Rule("PH201", "unverified", _ERROR, "The URL is public: what verifies nothing does not run by default."),
        Rule(
            "PH202",
            "event-data-in-script",
            _ERROR,
            "Tekton pastes params into a script as text, before the shell reads it: whoever names a branch or writes a "
            "title then runs commands, and quotes do not help.",
        ),
        Rule(
            "PH203",
            "event-data-as-option",
            _WARNING,
            "A text that begins with - is read as an option by most programs.",
        ),
        Rule(
            "PH204",
            "any-event-type",
            _WARNING,
            "Without eventTypes every event starts a run, ping included.",
        ),
        Rule(
            "PH205",
            "event-data-in-context",
            _ERROR,
            "Branch protection goes by the name of a check: an author who writes a part of it can pass for another.",
        ),
        Rule(
            "PH206",
            "event-data-in-group",
            _WARNING,
            "A newer run ends or outdates the older ones of its group: whoever spells a group does so to others.",
        ),
        Rule(
            "PH207",
            "any-action",
            _NOTE,
            "One pull request or release comes as many events, each of which starts a run.",
        ),
        Rule("PH301", "never-true", _ERROR, "A filter that can never be true filters out every event."),
        Rule("PH302", "no-such-field", _ERROR, "An expression on a field that the event lacks never matches."),
        Rule("PH303", "unbindable", _ERROR, "A binding whose field the event lacks fails the trigger."),
        Rule("PH304", "sometimes-unbindable", _WARNING, "The trigger fails for the events that lack the field."),
        Rule("PH305", "literal-binding", _ERROR, "A binding without a whole $(…) hands over its own text."),
        Rule("PH306", "always-default", _WARNING, "An expression that finds nothing in any event is mostly a slip."),
        Rule("PH307", "not-portable-cel", _NOTE, "Another implementation of CEL refuses the syntax: cel-python does."),
        Rule(
            "PH308",
            "unused-overlay",
            _NOTE,
            "An overlay that nothing reads is mostly a slip in its name.",
        ),
        Rule(
            "PH309",
            "cut-branch",
            _NOTE,
            "Branches may have / in their names: a part of one is another branch.",
        ),
        Rule("PH401", "bad-metadata", _ERROR, "Kubernetes refuses such a name, label or annotation for every event."),
        Rule("PH402", "event-data-in-name", _WARNING, "Names and labels take few characters; branches have others."),
        Rule("PH403", "fixed-name", _WARNING, "With a fixed name only the first delivery creates anything."),
        Rule(
            "PH404",
            "no-service-account",
            _WARNING,
            "A run without a serviceAccountName has the rights of the default account, whoever gave it which.",
        ),
        Rule("PH405", "deprecated-api", _WARNING, "Tekton has removed or will remove this version or field."),
        Rule(
            "PH406",
            "unsigned-name",
            _WARNING,
            "Headers are not signed: whoever has captured a delivery makes another object with each made-up value.",
        ),
        Rule("PH407", "unknown-field", _ERROR, "Tekton drops or refuses a field that a run does not have."),
        Rule("PH501", "unused-object", _NOTE, "An object that nothing refers to is mostly a slip in a name."),
        Rule("PH502", "chosen-twice", _WARNING, "A Trigger that its listener chooses in two ways starts two runs."),
    )
}
"""All rules by id, in the order in which they are documented."""
