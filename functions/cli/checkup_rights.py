"""What `pipehook doctor` finds of rights: to create what templates make, to group runs, to read the triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from functions.cli import remedies
from functions.cli.accounts import Cluster, deadline
from functions.cli.admin import Given
from functions.cli.findings import FAIL, OK, WARN, Check
from functions.cli.needs import Need, needs
from functions.common.errors import PipehookError
from functions.lint.views import Views
from functions.model.decode import GROUP
from functions.settings import Settings

LISTED = ("EventListener", "Trigger", "TriggerBinding", "TriggerTemplate")
"""Kinds that the source `cluster` must be able to list."""


class Rights(Struct, frozen=True):
    """What the checks of rights look at."""

    settings: Settings
    views: Views
    clusters: Mapping[str, Cluster]
    """The function's own access to each that can be asked, by its name in CLUSTERS; the default one has none."""
    user: str

    def checks(self) -> Iterator[Check]:
        """Check that the account may do what the manifests ask for, and read what the sources say."""
        for need in needs(self.views):
            if there := self.clusters.get(need.cluster):
                yield from self._rights(there, need)
        yield from self._grouping()
        if self.settings.triggers_source == "cluster":
            yield from self._listing(self.clusters[""])

    def _grouping(self) -> Iterator[Check]:
        from functions.entrypoints.grouping import ordered  # noqa: PLC0415 -- for those who have groups

        for (name, namespace), verbs in ordered(listener for _, listener in self.views.listeners).items():
            if (there := self.clusters.get(name)) is None:
                continue
            where = f"{namespace} of cluster {name}" if name else namespace
            for verb in sorted(verbs):
                yield self._grouping_right(there, verb, sorted(verbs), namespace, where)

    def _grouping_right(self, cluster: Cluster, verb: str, verbs: Sequence[str], namespace: str, where: str) -> Check:
        what = "concurrency groups"
        try:
            verdict = cluster.api.review_access(
                verb, group="tekton.dev", resource="pipelineruns", namespace=namespace, deadline=deadline()
            )
        except PipehookError as error:
            return Check(what, FAIL, error.reason, "mend the cluster first")
        said = f"the account may {'' if verdict.allowed else 'not '}{verb} pipelineruns in {where}"
        role = "pipehook-concurrency"
        remedy = remedies.grant(namespace, verbs, "pipelineruns.tekton.dev", self.user, role=role)
        return Check(what, OK if verdict.allowed else FAIL, said, remedy)

    def _rights(self, cluster: Cluster, need: Need) -> Iterator[Check]:
        name = f"{need.kind} in {need.namespace or 'the namespace that the event names'}"
        name += f" of cluster {need.cluster}" if need.cluster else ""
        if not need.namespace:
            yield Check(
                name, WARN, "the template takes the namespace from the event", "name it, or allow it everywhere"
            )
            return
        try:
            resource = cluster.api.resource(need.api_version, need.kind, deadline=deadline())
            group = need.api_version.rpartition("/")[0]
            for verb, account in (("create", need.account), ("get", "")):
                verdict = cluster.api.review_access(
                    verb,
                    group=group,
                    resource=resource.plural,
                    namespace=need.namespace if resource.namespaced else "",
                    impersonate=account,
                    deadline=deadline(),
                )
                who = account or "the account"
                said = f"{who} may {'' if verdict.allowed else 'not '}{verb} {resource.plural}"
                yield Check(
                    name,
                    OK if verdict.allowed else FAIL,
                    said,
                    remedies.rights(replace(need, account=account), resource.plural, self.user),
                )
        except PipehookError as error:
            yield Check(name, FAIL, error.reason, self._remedy(need, error))

    def _remedy(self, need: Need, error: PipehookError) -> str:
        if need.account and remedies.is_forbidden(error):
            return remedies.impersonation(need.account, self.user)
        tekton = need.api_version.partition("/")[0].endswith("tekton.dev")
        return remedies.TEKTON if tekton else "install the kind's CRD, or correct the template"

    def _listing(self, cluster: Cluster) -> Iterator[Check]:
        from functions.entrypoints.accesses import home_namespaces  # noqa: PLC0415 -- for this source alone

        for namespace in sorted(home_namespaces(self.settings, Given(cluster.access))(deadline())):
            for kind in LISTED:
                plural = f"{kind.lower()}s"
                verdict = cluster.api.review_access(
                    "list", group=GROUP, resource=plural, namespace=namespace, deadline=deadline()
                )
                said = f"the account may {'' if verdict.allowed else 'not '}list {plural} in {namespace}"
                remedy = listing_remedy([kind], namespace, self.user)
                yield Check("triggers in the cluster", OK if verdict.allowed else FAIL, said, remedy)


def listing_remedy(kinds: Sequence[str], namespace: str, user: str) -> str:
    """Return the command that lets an account list kinds of triggers in a namespace."""
    return remedies.listing([f"{kind.lower()}s" for kind in kinds], namespace, user)
