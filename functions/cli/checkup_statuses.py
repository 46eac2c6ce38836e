"""What `pipehook doctor` looks at with statuses: rights to read runs, the token, Tekton's sink, the last event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from functions.adapters.github.checks import GitHubChecks
from functions.adapters.github.pace import Pace
from functions.adapters.github.statuses import GitHubStatuses
from functions.adapters.github.transport import GitHubTransport
from functions.cli import remedies
from functions.cli.accounts import Cluster, deadline
from functions.cli.findings import FAIL, OK, WARN, Check
from functions.cli.needs import Need
from functions.common.errors import PipehookError
from functions.entrypoints.heralds import status_lacks
from functions.entrypoints.identities import github_identity
from functions.entrypoints.parts import Parts
from functions.entrypoints.telling import open_runs, open_teller
from functions.lint.views import Views
from functions.settings import Settings, StatusApi
from functions.status.marks import order_of, place_of, target_of
from functions.status.values import Run, Said, State, Statuses, Target
from functions.status.words import condition

_NO_COMMIT = "0" * 40
"""Git's id of nothing: whoever may write statuses is told that there is no such commit, and nothing is written."""
_MAY_WRITE = re.compile(r"answered 422 when asked for a (status|check run) of the commit")
_REPOSITORIES = 5
_READ = (("list", "pipelineruns", FAIL), ("get", "pipelineruns", FAIL), ("list", "taskruns", WARN))
_SINK = "/api/v1/namespaces/tekton-pipelines/configmaps/config-events"
_SET_UP = "docs/status.md, Setting it up"
_ADMIN = f"pipehook doctor {remedies.ADMIN}  # as somebody who may read that"


class Telling(Struct, frozen=True, kw_only=True):
    """What the checks of statuses look at."""

    settings: Settings
    views: Views
    parts: Parts
    clusters: Mapping[str, Cluster]
    """The function's own access to each, by its name in CLUSTERS; the default one has none."""
    admin: Cluster | None
    """Somebody's who may look into Tekton's namespace, where there is one."""
    user: str
    needs: Sequence[Need]
    hooks: Sequence[str]

    def checks(self) -> Iterator[Check]:
        """Check what a deployment needs whose manifests ask for statuses."""
        yield from self._lacks()
        for cluster, namespace in self._places():
            yield from self._rights(cluster, namespace)
        runs = self._newest()
        yield from self._tokens(runs)
        yield from self._shown(runs)
        yield from self._sink()
        yield from self._events()

    def _lacks(self) -> Iterator[Check]:
        for _, listener in self.views.listeners:
            for trigger, lack in status_lacks(listener, self.settings).items():
                yield Check(f"statuses of {trigger}", FAIL, lack, _SET_UP)

    def _places(self) -> list[tuple[str, str]]:
        """Return cluster and namespace of the runs, where both are known."""
        runs = [need for need in self.needs if need.kind == "PipelineRun" and need.namespace]
        return sorted({(need.cluster, need.namespace) for need in runs if need.cluster in self.clusters})

    def _rights(self, cluster: str, namespace: str) -> Iterator[Check]:
        """Check that runs may be read; TaskRuns only make the words better."""
        name = f"statuses in {namespace}" + (f" of cluster {cluster}" if cluster else "")
        for verb, plural, result in _READ:
            try:
                verdict = self.clusters[cluster].api.review_access(
                    verb, group="tekton.dev", resource=plural, namespace=namespace, deadline=deadline()
                )
            except PipehookError as error:
                yield Check(name, FAIL, error.reason)
                return
            said = f"the account may {'' if verdict.allowed else 'not '}{verb} {plural}"
            resource = "pipelineruns.tekton.dev,taskruns.tekton.dev"
            remedy = remedies.grant(namespace, ["get", "list"], resource, self.user, role="pipehook-statuses")
            yield Check(name, OK if verdict.allowed else result, said, remedy)

    def _newest(self) -> list[Run]:
        """Return the runs that are told of, newest first, as far as they may be listed."""
        try:
            found = list(islice(open_runs(self.settings, self.parts).all(deadline()), 1000))
        except PipehookError:
            return []
        return sorted(found, key=order_of, reverse=True)

    def _tokens(self, runs: Sequence[Run]) -> Iterator[Check]:
        """Check that statuses may be written, by asking for one of a commit that cannot be."""
        checks = self.settings.status_api is StatusApi.CHECKS
        identity = github_identity(self.settings, self.parts.secrets, app_only=checks)
        if identity is None:
            return
        transport, pace = GitHubTransport(self.settings.github_api_url), Pace(by_owner=True)
        statuses: Statuses = (
            GitHubChecks(transport, identity, pace, app_id=self.settings.github_app_id)
            if checks
            else GitHubStatuses(transport, identity, pace)
        )
        targets = {target.repository: target for run in runs if (target := target_of(run))}
        for name in self.hooks:
            repository = name.removeprefix("repos/").rpartition("/hooks/")[0]
            if name.startswith("repos/"):
                none = Target(provider="github", repository=repository, sha=_NO_COMMIT, context="pipehook doctor")
                targets.setdefault(repository, none)
        tried = [target for target in targets.values() if target.provider == "github"][:_REPOSITORIES]
        if not tried:
            text = "no repository is known to try the token with: no hook, and no run that was told of"
            yield Check("GitHub's token", WARN, text, "pipehook doctor --hook repos/OWNER/REPO/hooks/ID")
        for target in tried:
            yield _permission(statuses, target)

    def _shown(self, runs: Sequence[Run]) -> Iterator[Check]:
        """Check that the newest run that has ended is shown as the cluster has it."""
        ended = next((run for run in runs if condition(run).get("status") in ("True", "False")), None)
        target = target_of(ended) if ended else None
        if ended is None or target is None:
            return
        same = [run for run in runs if (own := target_of(run)) and own.key == target.key]
        what = f"{'/'.join(place_of(ended))} ({target.context})"
        try:
            stands = open_teller(self.settings, self.parts).stands(target, same, deadline())
        except PipehookError as error:
            yield Check("last run", FAIL, f"{what}: {error.reason}", _SET_UP)
            return
        if stands:
            yield Check("last run", OK, f"what is shown of {what} is what the cluster says")
        else:
            remedy = "gcloud scheduler jobs run pipehook-reconcile  # and look at the log of report"
            yield Check("last run", WARN, f"{what} has ended, and that is not shown", remedy)

    def _sink(self) -> Iterator[Check]:
        """Check that Tekton sends its events to somebody who has the key."""
        try:
            found = (self.admin or self.clusters[""]).ask("GET", _SINK, "Tekton's ConfigMap config-events")
        except PipehookError as error:
            yield Check("Tekton's sink", WARN, error.reason, _ADMIN)
            return
        sink = str((((found or {}).get("data")) or {}).get("sink") or "")
        if not sink:
            text = "Tekton sends its events nowhere, so an end is shown when reconcile runs"
            yield Check("Tekton's sink", WARN, text, "terraform -chdir=infra output -raw sink_command | sh")
            return
        try:
            parts = urlsplit(sink)
            host, sent = parts.hostname or "", _keys(parts.username, parts.password, parts.path)
        except ValueError:
            yield Check("Tekton's sink", FAIL, "it is no URL", _SET_UP)
            return
        yield self._keyed(host, sent)
        if parts.scheme != "https":
            yield Check("Tekton's sink", WARN, f"events go to {host} in clear, and the key with them", "use https")

    def _keyed(self, host: str, sent: Sequence[str]) -> Check:
        secret = self.settings.report_key_secret
        if not secret:
            text = f"events go to {host}; whether with the right key, REPORT_KEY_SECRET would tell"
            return Check("Tekton's sink", OK if sent else FAIL, text if sent else f"events go to {host} without a key")
        try:
            known = {key.strip() for key in self.parts.secrets.fetch_all(secret, deadline(), refresh=False)}
        except PipehookError as error:
            return Check("Tekton's sink", FAIL, error.reason, f"gcloud secrets versions add {secret} --data-file=-")
        if known & {key.encode() for key in sent}:
            return Check("Tekton's sink", OK, f"events go to {host}, with the key of {secret}")
        text = f"events go to {host}, with none of the keys that {secret} has enabled"
        return Check("Tekton's sink", FAIL, text, "terraform -chdir=infra output -raw sink_command | sh")

    def _events(self) -> Iterator[Check]:
        """Check what Tekton says of the last event that it sent, but for its words: they may hold the sink's key."""
        cluster = self.admin or self.clusters[""]
        for namespace in sorted({namespace for name, namespace in self._places() if not name}):
            path = f"/api/v1/namespaces/{namespace}/events"
            last: list[tuple[str, str]] = []
            try:
                for reason in ("CloudEventSent", "CloudEventFailed"):
                    found = cluster.ask("GET", path, f"events in {namespace}", fieldSelector=f"reason={reason}") or {}
                    last += [(_when(event), reason) for event in found.get("items") or []]
            except PipehookError as error:
                yield Check(f"last event in {namespace}", WARN, error.reason, _ADMIN)
                return
            name = f"last event in {namespace}"
            if not last:
                yield Check(name, WARN, "Tekton has sent none lately", "start a run; events are kept for an hour")
                continue
            when, reason = max(last)
            said = "was sent" if reason == "CloudEventSent" else "was refused, or reached nobody"
            result = OK if reason == "CloudEventSent" else FAIL
            yield Check(name, result, f"it {said}, at {when}", "look at the log of report, and at the sink's URL")


def _permission(statuses: Statuses, found: Target) -> Check:
    name = f"GitHub's token for {found.repository}"
    nowhere = replace(found, sha=_NO_COMMIT, context="pipehook doctor")
    try:
        statuses.tell(nowhere, Said(state=State.PENDING, description="pipehook doctor"), None, deadline())
    except PipehookError as error:
        if _MAY_WRITE.search(error.reason):
            return Check(name, OK, "it may write statuses")
        return Check(name, WARN if error.passing else FAIL, error.reason, _SET_UP)
    return Check(name, WARN, "GitHub took a status of a commit that there cannot be", "is GITHUB_API_URL right?")


def _keys(user: str | None, password: str | None, path: str) -> list[str]:
    """Return what of a sink's URL may be the key."""
    last = path.rstrip("/").rpartition("/")[2]
    return [unquote(part) for part in (password, user, last) if part]


def _when(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")
