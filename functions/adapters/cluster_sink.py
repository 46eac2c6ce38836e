"""The cluster as a sink: resources created in parallel, each exactly once, duplicates and strangers told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from functions.adapters.cluster_workers import Workers
from functions.adapters.kubernetes_api import KubernetesApi
from functions.adapters.kubernetes_errors import ApiRefusedError
from functions.adapters.kubernetes_kinds import Resource
from functions.cluster_outcomes import (
    Planned,
    Result,
    Run,
    State,
    may_rerun,
    outcome,
    plan,
    planned_at,
    run_of,
    stranger,
)
from functions.errors import LastingError, PassingError, PipehookError
from functions.ports import Deadline, Work
from functions.settings import Redelivery
from functions.values import Outcome, ResourceRef

PARALLEL = 16
"""Threads for the resources of deliveries with several."""
MAX_RUNS = 50
"""How often one delivery may run with REDELIVERY=rerun; each further run looks through the earlier ones."""
_ROUNDS = 3
"""How often a name that was taken, and free again when looked at, is tried."""


class ClusterSink:
    """Creates on one cluster. Safe to use from any thread, and to give the same work again at any time."""

    def __init__(self, api: KubernetesApi, *, redelivery: Redelivery, parallel: int = PARALLEL) -> None:
        self._api = api
        self._redelivery = redelivery
        self._workers = Workers(parallel)

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Create all resources of all works and return one outcome for each work, in order.

        Every resource is attempted, whatever becomes of the others.
        """
        started = deadline.clock()
        plans = plan(work)
        calls = [
            partial(self._timed, partial(self._create, item, entry, deadline), deadline)
            for item, row in zip(work, plans, strict=True)
            for entry in row
        ]
        done = iter(self._workers.run(calls))
        rows = [[next(done) for _ in row] for row in plans]
        ends = [max((end for _, end in row), default=started) for row in rows]
        results = [[result for result, _ in row] for row in rows]
        attempts = [0] * len(results)
        if self._redelivery is Redelivery.RERUN:
            again = [index for index, row in enumerate(results) if may_rerun(row)]
            reruns = self._workers.run([partial(self._rerun, work[index], results[index], deadline) for index in again])
            for index, (attempt, row) in zip(again, reruns, strict=True):
                attempts[index], results[index], ends[index] = attempt, row, deadline.clock()
        return [
            outcome(item, row, attempt=attempt, milliseconds=(end - started) * 1000)
            for item, row, attempt, end in zip(work, results, attempts, ends, strict=True)
        ]

    @staticmethod
    def _timed(call: Callable[[], Result], deadline: Deadline) -> tuple[Result, float]:
        return call(), deadline.clock()

    def _create(self, work: Work, entry: Planned | Result, deadline: Deadline) -> Result:
        """Create one resource, or find it created."""
        if isinstance(entry, Result):
            return entry
        try:
            for _ in range(_ROUNDS):
                result = self._create_or_find(work, entry, deadline)
                if result is not None:
                    return result
        except PipehookError as error:
            return Result.failed(error, str(entry))
        return Result.failed(PassingError(f"{entry}: objects of this name come and go; somebody deletes them"))

    def _create_or_find(self, work: Work, planned: Planned, deadline: Deadline) -> Result | None:
        resource = self._api.resource(planned.ref.api_version, planned.ref.kind, deadline=deadline)
        account = work.service_account
        user = f"system:serviceaccount:{work.trigger_namespace}:{account}" if account else ""
        try:
            self._api.create(planned.manifest, impersonate=user, deadline=deadline)
        except ApiRefusedError as error:
            if error.cause != "AlreadyExists":
                raise
            found = self._find(work, planned, deadline)
            # A run that has ended was not made a moment ago. Any other object of this delivery that is there after an
            # answer was lost may well be what this very call had asked for.
            if found is None or not error.maybe_done or found.run is Run.ENDED:
                return found
        return Result(state=State.CREATED, ref=_ref(planned, resource))

    def _find(self, work: Work, planned: Planned, deadline: Deadline) -> Result | None:
        """Return the result for an object that exists, None when it does not. Raises LastingError for a stranger's."""
        ref = planned.ref
        resource = self._api.resource(ref.api_version, ref.kind, deadline=deadline)
        namespace = ref.namespace if resource.namespaced else ""
        try:
            # as the kubeconfig's own account: one that a trigger impersonates may have no more than create
            found = self._api.get(resource, namespace=namespace, name=ref.name, deadline=deadline)
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise LastingError(f"{error.reason}; an object of this name exists, but not seen it is nobody's") from error
        if why := stranger(found, work):
            raise LastingError(
                f"{planned}: an object of this name exists, and {why}; delete it, or use generateName in the template"
            )
        return Result(state=State.EXISTED, ref=_ref(planned, resource), run=run_of(found, planned.group))

    def _rerun(self, work: Work, first: Sequence[Result], deadline: Deadline) -> tuple[int, list[Result]]:
        """Start the next run of a delivery whose earlier ones have ended; return its number and results.

        The last attempt is looked for before anything is created: a copy that runs at the same time finds the same
        one, so both create the same names, and the later of them finds a duplicate.
        """
        results = list(first)
        for attempt in range(1, MAX_RUNS):
            fresh = {
                position: planned
                for position in range(len(first))
                if (planned := planned_at(work, position, attempt=attempt)).ref.name != _name(first[position])
            }
            if not fresh:  # fixed names: there can be one of each only
                return attempt - 1, results
            try:
                seen = {position: self._find(work, planned, deadline) for position, planned in fresh.items()}
            except PipehookError as error:
                return attempt, [*results, Result.failed(error)]
            for position, found in seen.items():
                results[position] = found or self._create(work, fresh[position], deadline)
            if any(found is None for found in seen.values()) or not may_rerun(results):
                return attempt, results
        text = f"this delivery has run {MAX_RUNS} times; send a new event instead of this one again"
        return MAX_RUNS, [*results, Result.failed(LastingError(text))]


def _ref(planned: Planned, resource: Resource) -> ResourceRef:
    return planned.ref if resource.namespaced else replace(planned.ref, namespace="")


def _name(result: Result) -> str:
    return result.ref.name if result.ref else ""
