"""The words of a status: what the conditions and children of a PipelineRun say, in one line and in a table.

Reasons: tektoncd/pipeline, pkg/apis/pipeline/v1 (PipelineRunReason…) and pkg/reconciler/pipelinerun. A condition's own
message is not shown, but for the counts in it: it may quote params.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from functions.common.lenient import at, objects_at, text_at
from functions.common.shown import shown
from functions.common.values import Json
from functions.concurrency.marks import PENDING
from functions.status.marks import place_of
from functions.status.values import MAX_DESCRIPTION, Run, Said, State, Task

DELETED = "The run was deleted"
CREATED = "Running"
"""Of a run from its creation to its end: words that change would be told each time."""
WAITING = "Waiting for its turn"

_CANCELLED = frozenset(
    {"Cancelled", "PipelineRunCancelled", "CancelledRunFinally", "StoppedRunFinally", "TaskRunCancelled"}
)
_TIMED_OUT = frozenset({"PipelineRunTimeout", "TaskRunTimeout", "Timeout"})
_COULD_NOT_START = {
    "CouldntGetPipeline": "the Pipeline was not found, or could not be read",
    "CouldntGetTask": "a Task was not found, or could not be read",
    "CouldntGetPipelineResult": "a result of the Pipeline could not be read",
    "PipelineValidationFailed": "the Pipeline is not valid",
    "PipelineRunValidationFailed": "the PipelineRun is not valid",
    "FailedValidation": "the Pipeline or the PipelineRun is not valid",
    "ParameterMissing": "a parameter is missing",
    "ParameterTypeMismatch": "a parameter has another type than the Pipeline declares",
    "ObjectParameterMissKeys": "a parameter lacks keys that the Pipeline declares",
    "ParamArrayIndexingInvalid": "an index lies beyond an array parameter",
    "InvalidParamValue": "a parameter has a value that the Pipeline does not take",
    "InvalidWorkspaceBindings": "the workspaces do not fit the Pipeline",
    "InvalidTaskRunSpecs": "taskRunSpecs name a task that the Pipeline has not",
    "InvalidServiceAccountMappings": "the service accounts name a task that the Pipeline has not",
    "InvalidMatrixParameterTypes": "a matrix has parameters of another type",
    "PipelineInvalidGraph": "the tasks of the Pipeline depend on each other in a circle",
    "RequiredWorkspaceMarkedOptional": "a task requires a workspace that the Pipeline declares as optional",
    "InvalidTaskResultReference": "a task refers to a result that no task has",
    "ResourceVerificationFailed": "the Pipeline or a Task could not be verified",
    "CreateRunFailed": "a TaskRun could not be created",
}
_COMPLETED = re.compile(r"Tasks Completed: ([0-9]{1,4}) \(Failed: ([0-9]{1,4}),")
_TIMEOUT = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})(?:\.[0-9]+)?s)?")
_NAME = 40


def needs_tasks(run: Run) -> bool:
    """Say whether the words of a run come from its TaskRuns: it has failed in one."""
    state = condition(run)
    return state.get("status") == "False" and not _is_other(str(state.get("reason", "")))


def said_of(run: Run, tasks: Mapping[str, Run], link: str) -> Said:
    """Return what is said of a run; `tasks` are its TaskRuns by name, as far as they may be read."""
    state, words = _words(run, tasks)
    namespace, name = place_of(run)
    rows = tuple(_rows(run, tasks)) if state.ended else ()
    return Said(
        state=state, description=shown(words, MAX_DESCRIPTION - 1), link=link, run=f"{namespace}/{name}", tasks=rows
    )


def condition(run: Run) -> Mapping[str, Json]:
    """Return the condition Succeeded, empty when there is none yet."""
    conditions = objects_at(run, "status", "conditions")
    return next((entry for entry in conditions if entry.get("type") == "Succeeded"), {})


def _words(run: Run, tasks: Mapping[str, Run]) -> tuple[State, str]:
    state = condition(run)
    reason = str(state.get("reason", ""))
    if state.get("status") == "True":
        return State.SUCCESS, _succeeded(run, state)
    if state.get("status") != "False":
        waits = at(run, "spec", "status") == PENDING
        return (State.QUEUED, WAITING) if waits else (State.PENDING, CREATED)
    if reason in _CANCELLED:
        return State.CANCELLED, "Cancelled"
    if reason in _TIMED_OUT:
        return State.TIMED_OUT, f"Timed out after {_limit(run)}".removesuffix(" after ")
    if reason in _COULD_NOT_START and (reason != "CreateRunFailed" or not _children(run)):
        return State.ERROR, f"Could not start: {_COULD_NOT_START[reason]}"
    if not _children(run) and reason not in ("Failed", ""):
        return State.ERROR, f"Could not start: {_spaced(reason)}"
    return State.FAILURE, _failed(run, state, tasks)


def _is_other(reason: str) -> bool:
    return reason in _CANCELLED or reason in _TIMED_OUT or reason in _COULD_NOT_START


def _succeeded(run: Run, state: Mapping[str, Json]) -> str:
    counted = _COMPLETED.search(str(state.get("message", "")))
    count = len(_children(run)) or (int(counted[1]) if counted else 0)
    took = elapsed(run)
    words = f"Succeeded in {took}" if took else "Succeeded"
    return f"{words}: {count} task{'s' * (count != 1)}" if count else words


def _failed(run: Run, state: Mapping[str, Json], tasks: Mapping[str, Run]) -> str:
    found = [
        _failed_task(child, task)
        for child in _children(run)
        if (task := tasks.get(str(child.get("name"))))
        and condition(task).get("status") == "False"
        # what was cancelled because another one failed is not the cause
        and str(condition(task).get("reason")) not in _CANCELLED
    ]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return f"Failed: {shown(found[0], MAX_DESCRIPTION - 30)}{more}"
    counted = _COMPLETED.search(str(state.get("message", "")))
    if counted and int(counted[2]):
        return f"Failed: {int(counted[2])} of {int(counted[1])} task{'s' * (int(counted[1]) != 1)}"
    took = elapsed(run)
    return f"Failed after {took}" if took else "Failed"


def _failed_task(child: Mapping[str, Json], task: Run) -> str:
    name = f"task {shown(str(child.get('pipelineTaskName') or child.get('name')), _NAME)}"
    for step in objects_at(task, "status", "steps"):
        code = at(step, "terminated", "exitCode")
        if isinstance(code, int) and not isinstance(code, bool) and code != 0:
            return f"{name}, step {shown(str(step.get('name', '')), _NAME)}: exit code {code}"
    reason = str(condition(task).get("reason", ""))
    if reason in _TIMED_OUT:
        return f"{name}: timed out"
    return f"{name}: {_spaced(reason)}" if reason not in ("", "Failed") else name


def _rows(run: Run, tasks: Mapping[str, Run]) -> Iterator[Task]:
    for child in _children(run):
        name = shown(str(child.get("pipelineTaskName") or child.get("name")), _NAME)
        task = tasks.get(str(child.get("name")))
        if task is None:
            yield Task(name=name, state="unknown")
            continue
        state = condition(task)
        words = {"True": "succeeded", "False": "failed"}.get(str(state.get("status")), "running")
        if state.get("status") == "False" and str(state.get("reason")) in _CANCELLED:
            words = "cancelled"
        elif state.get("status") == "False" and str(state.get("reason")) in _TIMED_OUT:
            words = "timed out"
        yield Task(name=name, state=words, duration=elapsed(task))


def _children(run: Run) -> Sequence[Mapping[str, Json]]:
    return objects_at(run, "status", "childReferences")


def children(run: Run) -> list[str]:
    """Return the names of the TaskRuns of a run."""
    return [str(entry["name"]) for entry in _children(run) if entry.get("kind") == "TaskRun" and entry.get("name")]


def elapsed(run: Run) -> str:
    """Return how long a run or task took, such as `3m 12s`; empty while that is not known."""
    began, ended = (seconds(at(run, "status", name)) for name in ("startTime", "completionTime"))
    return span(int(ended - began)) if began and ended and ended >= began else ""


def span(whole: int) -> str:
    """Return seconds in words, the two greatest units of them: `45s`, `3m 12s`, `1h`, `2h 5m`."""
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours}h" * bool(hours), f"{minutes}m" * bool(minutes), f"{left}s" * bool(left and not hours)]
    return " ".join(part for part in parts if part) or "0s"


def seconds(text: Json) -> float:
    """Return a time of Kubernetes in seconds since 1970, 0 when it is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) and len(text) <= 40 else 0.0  # noqa: PLR2004 -- RFC 3339
    except ValueError:
        return 0.0


def _limit(run: Run) -> str:
    """Return the time-out that a run had, or else how long it took."""
    found = _TIMEOUT.fullmatch(text_at(run, "spec", "timeouts", "pipeline"))
    if found and any(found.groups()):
        hours, minutes, left = (int(part or 0) for part in found.groups())
        return span(hours * 3600 + minutes * 60 + left)
    return elapsed(run)


def _spaced(reason: str) -> str:
    """Return a reason such as `TaskRunImagePullFailed` as words: `task run image pull failed`."""
    return shown(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", reason).lower(), _NAME) or "no reason was given"
