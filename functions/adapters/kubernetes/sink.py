"""The cluster as a sink: resources created in parallel, each exactly once, duplicates and strangers told apart."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from msgspec.structs import replace

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.kinds import Resource
from functions.adapters.kubernetes.lanes import PARALLEL, Lane, Lanes
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline, Origin, Redeliveries, SignedWork, Work
from functions.common.values import Outcome, ResourceRef
from functions.outcomes.plan import Planned, Result, Run, State, may_rerun, outcome, plan, planned_at, run_of, stranger
from functions.settings import Redelivery

MAX_RUNS = 50
"""How often one delivery may run with REDELIVERY=rerun; each further run looks through the earlier ones."""
NO_OTHERS: Mapping[str, KubernetesApi] = MappingProxyType({})
_ROUNDS = 3
"""How often a name that was taken, and free again when looked at, is tried."""


R = TypeVar("R")


class ClusterSink:
    """Creates on the default cluster, and on others where a work says so.

    Safe to use from any thread, and to give the same work again at any time.
    """

    def __init__(
        self,
        api: KubernetesApi,
        *,
        redelivery: Redelivery,
        redeliveries: Redeliveries | None = None,
        parallel: int = PARALLEL,
        clusters: Mapping[str, KubernetesApi] = NO_OTHERS,
    ) -> None:
        """`redeliveries` is asked before a delivery of GitHub's runs again; without it, nobody is.

        `clusters` are the others, by their names.
        """
        self.lanes = Lanes(api, clusters, parallel=parallel)
        """The clusters, for whoever looks at what is created there."""
        self._redelivery = redelivery
        self._redeliveries = redeliveries

    @property
    def reruns(self) -> bool:
        """Whether a delivery whose runs have ended is a wish for another one."""
        return self._redelivery is Redelivery.RERUN

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Create all resources of all works and return one outcome for each work, in order.

        Every resource is attempted, whatever becomes of the others, unless the cluster asks for a pause (429).
        """
        plans = plan(work)
        if self.reruns:
            doubts = _Doubts(self._redeliveries, deadline)
            return self.lanes.run(
                [
                    (item.clusters, partial(self._run, item, row, deadline, doubts))
                    for item, row in zip(work, plans, strict=True)
                ]
            )
        started = deadline.clock()
        calls = [
            ((item.cluster(position),), partial(self._timed, item, entry, deadline))
            for item, row in zip(work, plans, strict=True)
            for position, entry in enumerate(row)
        ]
        done = iter(self.lanes.run(calls))
        outcomes = []
        for item, row in zip(work, plans, strict=True):
            ends = [next(done) for _ in row]
            end = max((end for _, end in ends), default=started)
            outcomes.append(outcome(item, [result for result, _ in ends], milliseconds=(end - started) * 1000))
        return outcomes

    def _timed(self, work: Work, entry: Planned | Result, deadline: Deadline) -> tuple[Result, float]:
        return self._create(work, entry, deadline), deadline.clock()

    def _run(self, work: Work, row: Sequence[Planned | Result], deadline: Deadline, doubts: _Doubts) -> Outcome:
        """Start the next run of a delivery whose earlier ones have ended, or the first one.

        Every attempt is looked for before anything of it is created: a copy that runs at the same time finds the same
        last one, so both create the same names, and the later of them finds a duplicate. An attempt of which some
        resources are missing is completed, and is the last.
        """
        started = deadline.clock()
        results: list[Result] = []
        last = 0
        doubt = ""
        for attempt in range(MAX_RUNS):
            entries = _attempt(work, row, attempt)
            if not entries:  # fixed names: there can be one of each only
                break
            looks = [((work.cluster(at),), partial(self._look, entry, deadline)) for at, entry in entries.items()]
            found = dict(zip(entries, self.lanes.run(looks), strict=True))
            missing = [position for position, result in found.items() if result is None]
            # one that was begun, however far, had been borne out then
            if attempt and len(missing) == len(found) and (doubt := doubts.of(work, attempt)):
                break
            last = attempt
            made = self.lanes.run(
                [((work.cluster(at),), partial(self._create, work, entries[at], deadline)) for at in missing]
            )
            found.update(zip(missing, made, strict=True))
            results = [found.get(position) or results[position] for position in range(len(row))]
            if missing or not may_rerun(results):
                break
        else:
            text = f"this delivery has run {MAX_RUNS} times; send a new event instead of this one again"
            results = [*results, Result.failed(LastingError(text))]
        end = outcome(work, results, attempt=last, milliseconds=(deadline.clock() - started) * 1000)
        return replace(end, reason=f"{end.reason}; it does not run again: {doubt}") if doubt else end

    def _look(self, entry: Planned | Result, deadline: Deadline) -> Result | None:
        """Return the result for a resource that exists, or cannot be looked at; None for one that does not exist."""
        if isinstance(entry, Result):
            return entry
        return self._at(entry, deadline, lambda lane: self._find(lane, entry, deadline))

    def _at(self, planned: Planned, deadline: Deadline, ask: Callable[[Lane], R]) -> R | Result:
        """Return what a cluster is asked for, or the failed result of asking it."""
        try:
            lane = self.lanes.lane(planned.ref.cluster)
        except LastingError as error:
            return Result.failed(error, str(planned))
        try:
            with lane.admitted(deadline):
                try:
                    found = ask(lane)
                except PipehookError as error:
                    lane.heard(error, deadline.clock())
                    return Result.failed(error, str(planned), within=lane.said)
                lane.heard(None, deadline.clock())
                return found
        except PassingError as error:  # it is not asked
            why = f"{lane.said}{planned}: {error.reason.removeprefix(lane.said)}"
            return replace(Result.failed(error), reason=why)

    def _create(self, work: Work, entry: Planned | Result, deadline: Deadline) -> Result:
        """Create one resource, or find it created."""
        if isinstance(entry, Result):
            return entry

        def create(lane: Lane) -> Result:
            for _ in range(_ROUNDS):
                result = self._create_or_find(lane, work, entry, deadline)
                if result is not None:
                    return result
            raise PassingError(f"{entry}: objects of this name come and go; somebody deletes them")

        return self._at(entry, deadline, create)

    def _create_or_find(self, lane: Lane, work: Work, planned: Planned, deadline: Deadline) -> Result | None:
        resource = lane.api.resource(planned.ref.api_version, planned.ref.kind, deadline=deadline)
        try:
            lane.api.create(planned.manifest, impersonate=_user(work), deadline=deadline)
        except ApiRefusedError as error:
            if error.cause != "AlreadyExists":
                raise
            found = self._find(lane, planned, deadline)
            # A run that has ended was not made a moment ago. Any other object of this delivery that is there after an
            # answer was lost may well be what this very call had asked for.
            if found is None or not error.maybe_done or found.run is Run.ENDED:
                return found
        return Result(state=State.CREATED, ref=_ref(planned, resource))

    def _find(self, lane: Lane, planned: Planned, deadline: Deadline) -> Result | None:
        """Return the result for an object that exists, None when it does not. Raises LastingError for a stranger's."""
        ref = planned.ref
        resource = lane.api.resource(ref.api_version, ref.kind, deadline=deadline)
        namespace = ref.namespace if resource.namespaced else ""
        try:
            # as the kubeconfig's own account: one that a trigger impersonates may have no more than create
            found = lane.api.get(resource, namespace=namespace, name=ref.name, deadline=deadline)
        except ApiRefusedError as error:
            raise LastingError(f"{error.reason}; an object of this name exists, but not seen it is nobody's") from error
        if found is None:
            return None
        if why := stranger(found, planned.manifest):
            raise LastingError(
                f"{planned}: an object of this name exists, and {why}; delete it, or use generateName in the template"
            )
        return Result(state=State.EXISTED, ref=_ref(planned, resource), run=run_of(found, planned.group))


class _Doubts:
    """What is said of one delivery's redeliveries: asked when a trigger needs it, and once for all of them."""

    def __init__(self, redeliveries: Redeliveries | None, deadline: Deadline) -> None:
        self._redeliveries = redeliveries
        self._deadline = deadline
        self._lock = threading.Lock()
        self._said: dict[tuple[Origin, int], str] = {}

    def of(self, work: Work, attempt: int) -> str:
        """Return why a work must not be created again, empty when it may."""
        if self._redeliveries is None or not isinstance(work, SignedWork):
            return ""
        with self._lock:
            asked = work.origin, attempt
            if asked not in self._said:
                self._said[asked] = self._redeliveries.doubt(work.origin, runs=attempt, deadline=self._deadline)
            return self._said[asked]


def _attempt(work: Work, row: Sequence[Planned | Result], attempt: int) -> dict[int, Planned | Result]:
    """Return the resources of an attempt by their positions; after the first, those whose names change with it."""
    if not attempt:
        return dict(enumerate(row))
    again = {position: planned_at(work, position, attempt=attempt) for position in range(len(row))}
    return {
        position: planned
        for position, planned in again.items()
        if isinstance(first := row[position], Planned) and first.ref.name != planned.ref.name
    }


def _user(work: Work) -> str:
    """Return whom to impersonate, as Tekton's sink/auth_override.go: the trigger's ServiceAccount, if it names one."""
    if not work.service_account:
        return ""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", work.service_account):
        raise LastingError("serviceAccountName is no name of a ServiceAccount; correct the trigger")
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", work.trigger_namespace):
        raise LastingError("the trigger's namespace is no name of a namespace, so its ServiceAccount is nobody")
    return f"system:serviceaccount:{work.trigger_namespace}:{work.service_account}"


def _ref(planned: Planned, resource: Resource) -> ResourceRef:
    return planned.ref if resource.namespaced else replace(planned.ref, namespace="")
