"""Settles concurrency groups where no delivery does: when Tekton says that a run has ended, and on a schedule."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from msgspec import Struct

from functions.adapters.kubernetes.groups import ClusterGroups, Home
from functions.adapters.kubernetes.lanes import Lanes
from functions.common.errors import PassingError, PipehookError
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.concurrency.marks import group_of
from functions.concurrency.order import decide
from functions.concurrency.settle import Settled, settle
from functions.entrypoints.accesses import home_namespaces
from functions.entrypoints.parts import Parts
from functions.settings import Settings

_LOG = logging.getLogger(__name__)


class Swept(Struct):
    """What one sweep has done; counts of runs, and of groups that could not be settled."""

    cancelled: int = 0
    released: int = 0
    failed: int = 0
    unlisted: bool = False
    """The runs of a cluster could not be listed."""

    def count(self, done: Settled) -> None:
        """Add what was done with a group."""
        self.cancelled += len(done.cancelled)
        self.released += len(done.released)

    def json(self) -> dict[str, Json]:
        """Return the counts, empty where there was nothing to do."""
        counts: dict[str, Json] = {"cancelled": self.cancelled, "released": self.released, "failed": self.failed}
        return {"groups": counts} if any(counts.values()) else {}


class Settler:
    """Shared by all threads; nothing is kept from one time to the next."""

    def __init__(self, groups: ClusterGroups, homes: Mapping[str, Home]) -> None:
        """`homes` gives, for each cluster, the namespaces to look in where those of all may not be listed."""
        self._groups = groups
        self._homes = homes

    def hinted(self, run: Mapping[str, Json], deadline: Deadline) -> Swept:
        """Settle the group that a run names, in every cluster, since a hint does not say where it is.

        Only what the clusters say is acted on, so a forged hint costs a look. Raises what looking and changing raise,
        once every cluster has had its part of the time: one that is away keeps none of another's runs waiting.
        """
        swept = Swept()
        failures: list[PipehookError] = []
        for left, cluster in zip(range(len(self._homes), 0, -1), self._homes, strict=True):
            group = group_of({**run, "apiVersion": "tekton.dev/v1"}, namespace="", cluster=cluster)
            if group is None or not group.namespace:
                continue
            try:
                swept.count(settle(self._groups, group, deadline.part(left)))
            except PipehookError as error:
                failures.append(error)
        if failures:
            raise next((error for error in failures if error.passing), failures[0])
        return swept

    def sweep(self, deadline: Deadline) -> Swept:
        """Settle every group in which something is to be done. Raises nothing of the family: the log says it.

        Every cluster has its part of the time, as in `hinted`.
        """
        swept = Swept()
        for left, (cluster, home) in zip(range(len(self._homes), 0, -1), self._homes.items(), strict=True):
            within = deadline.part(left)
            try:
                found = self._groups.groups(home, within, cluster=cluster)
            except PipehookError as error:
                swept.failed += 1
                swept.unlisted = True
                _LOG.error("the runs of concurrency groups cannot be listed: %s", error.reason)
                continue
            for group, members in found.items():
                if not decide(members).changes:
                    continue
                try:
                    swept.count(settle(self._groups, group, within))
                except PipehookError as error:
                    swept.failed += 1
                    level = logging.WARNING if isinstance(error, PassingError) else logging.ERROR
                    _LOG.log(level, "concurrency group %s is not settled: %s", group.key, error.reason)
        return swept


def open_settler(settings: Settings, parts: Parts) -> Settler:
    """Return what settles groups in all clusters. Raises ConfigurationError without one."""
    clusters = parts.every_cluster
    homes = {name: home_namespaces(settings, cluster.access) for name, cluster in clusters.items()}
    return Settler(ClusterGroups(Lanes(clusters[""].api, parts.apis)), homes)
