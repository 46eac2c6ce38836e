"""The checks of `pipehook doctor`, from the settings outwards. Each yields what it found and never raises."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import click

from functions import lint
from functions.cli.accounts import Cluster, deadline
from functions.cli.findings import FAIL, OK, WARN, Check, clock, role_remedy, secret_remedy, server_date
from functions.cli.github import Hooks, read_token
from functions.cli.needs import Need, needs, secret_refs
from functions.entrypoints.parts import Parts, put_together
from functions.errors import ConfigurationError, PipehookError
from functions.lint.rules import Severity
from functions.lint.views import Views
from functions.model.load import read_manifests
from functions.numbers import whole
from functions.settings import Settings, read_settings, require_cluster

_TEKTON = "https://storage.googleapis.com/tekton-releases/pipeline/latest/release.yaml"


class Patient:
    """One deployment, as its environment describes it. What an earlier check found missing, later ones pass over."""

    def __init__(self, environment: Mapping[str, str], *, hooks: tuple[str, ...], token_secret: str) -> None:
        self._environment = environment
        self._hooks = hooks
        self._token_secret = token_secret
        self._settings: Settings | None = None
        self._views: Views | None = None
        self._parts: Parts | None = None
        self._cluster: Cluster | None = None

    def settings_checks(self) -> Iterator[Check]:
        """Check the environment."""
        try:
            self._settings = read_settings(self._environment)
            require_cluster(self._settings)
        except ConfigurationError as error:
            for mistake in error.mistakes:
                yield Check("settings", FAIL, mistake, "correct the variable: docs/configuration.md")
            return
        yield Check("settings", OK, "every variable can be read")
        if self._settings.allow_unverified:
            remedy = "unset UNVERIFIED_TRIGGERS, and give every trigger an interceptor with a secretRef"
            yield Check("settings", WARN, "UNVERIFIED_TRIGGERS=allow: whoever finds the URL can start runs", remedy)
        if self._settings.dry_run:
            yield Check("settings", WARN, "DRY_RUN=true: nothing is created", "unset DRY_RUN")

    def manifest_checks(self) -> Iterator[Check]:
        """Check the manifests of a file source."""
        settings = self._settings
        if settings is None:
            return
        self._parts = put_together(settings, namespaces=self._namespaces)
        if settings.triggers_source == "cluster":
            yield from self._cluster_source(settings)
            return
        try:
            texts = read_manifests(settings.triggers_source)
        except ConfigurationError as error:
            yield Check("manifests", FAIL, "; ".join(error.mistakes), "set TRIGGERS_SOURCE")
            return
        found, loaded = lint.check(texts, namespace=settings.namespace, allow_unverified=settings.allow_unverified)
        errors = [finding for finding in found if finding.rule.severity is Severity.ERROR]
        remedy = f"pipehook validate {settings.triggers_source}"
        if errors:
            yield Check("manifests", FAIL, f"{len(errors)} errors, first: {errors[0]}", remedy)
        if loaded is not None:
            self._views = Views(loaded.registry, settings.outbound_hosts)
            names = ", ".join(listener.path for _, listener in self._views.listeners) or "none"
            if not errors:
                yield Check("manifests", OK if self._views.listeners else FAIL, f"listeners: {names}", remedy)

    def _cluster_source(self, settings: Settings) -> Iterator[Check]:
        from functions.adapters.cluster_source_objects import Objects  # noqa: PLC0415 -- for this source alone
        from functions.adapters.cluster_source_reader import Reader  # noqa: PLC0415 -- as above
        from functions.entrypoints.parts import home_namespaces  # noqa: PLC0415 -- as above

        parts = self._parts
        if parts is None or parts.api is None or parts.access is None:
            return
        try:
            reader = Reader(parts.api, home_namespaces(settings, parts.access), clock=time.monotonic)
            reading = reader.read(deadline())
        except PipehookError as error:
            yield Check("manifests", FAIL, f"triggers cannot be read: {error.reason}", "kubectl apply -k infra/cluster")
            return
        for remark in reading.remarks:
            yield Check("manifests", WARN, remark, "kubectl apply -k infra/cluster/everything-from-cluster")
        registry = Objects().update(reading.objects)
        self._views = Views(registry, settings.outbound_hosts)
        broken = [f"{kind} {namespace}/{name}: {why}" for (kind, namespace, name), why in registry.invalid.items()]
        for text in broken:
            yield Check("manifests", FAIL, text, "correct the object in the cluster")
        names = ", ".join(listener.path for _, listener in self._views.listeners) or "none"
        yield Check("manifests", OK if self._views.listeners else FAIL, f"listeners: {names}", "make an EventListener")

    def _namespaces(self) -> frozenset[str]:
        return frozenset(view.prepared.namespace for view in self._views.all) if self._views else frozenset()

    def secret_checks(self) -> Iterator[Check]:
        """Check that every secret that a trigger names can be read."""
        if self._views is None or self._parts is None or self._settings is None:
            return
        for ref in secret_refs(self._views):
            name = f"secret {ref.namespace}/{ref.name}, key {ref.key}"
            try:
                values = self._parts.secrets.accepted(ref, deadline())
            except PipehookError as error:
                yield Check(name, FAIL, error.reason, secret_remedy(self._settings, ref))
                continue
            yield Check(name, OK, f"{len(values)} value{'s' * (len(values) != 1)} accepted")
            if any(value != value.strip() for value in values):
                remedy = "add a version without it: printf %s VALUE | gcloud secrets versions add … --data-file=-"
                yield Check(name, WARN, "it begins or ends with a blank or line break, which counts", remedy)

    def cluster_checks(self) -> Iterator[Check]:
        """Check the kubeconfig, the API behind it, its clock and Tekton's kinds."""
        if self._parts is None or self._parts.access is None:
            return
        try:
            access = self._parts.access(refresh=False, deadline=deadline())
        except PipehookError as error:
            mistakes = error.mistakes if isinstance(error, ConfigurationError) else ()
            text = "; ".join([error.reason, *mistakes])
            yield Check(
                "kubeconfig", FAIL, text, "pipehook kubeconfig --namespace NAMESPACE --secret projects/P/secrets/S"
            )
            return
        yield Check("kubeconfig", OK, f"accepted: {access.server}, namespace {access.namespace}")
        cluster = Cluster(access)
        try:
            served = cluster.ask("GET", "/apis/tekton.dev/v1", "discovery of tekton.dev/v1")
        except PipehookError as error:
            remedy = (
                "is the address right, and open to the function? Has the token ended? pipehook kubeconfig … --rotate"
            )
            yield Check("cluster", FAIL, error.reason, remedy)
            return
        self._cluster = cluster
        yield Check("cluster", OK, "the API answers, and accepts the credentials")
        names = {str(entry.get("kind")) for entry in (served or {}).get("resources") or []}
        if "PipelineRun" in names:
            yield Check("Tekton", OK, "tekton.dev/v1 is served")
        else:
            yield Check(
                "Tekton", FAIL, "the cluster serves no PipelineRun of tekton.dev/v1", f"kubectl apply -f {_TEKTON}"
            )
        yield clock("the cluster", server_date(access))

    def right_checks(self) -> Iterator[Check]:
        """Check that the account may create and get what the templates make, and read what the sources say."""
        cluster, views = self._cluster, self._views
        if cluster is None or views is None or self._settings is None:
            return
        for need in needs(views):
            yield from self._rights(cluster, need)
        if self._settings.triggers_source == "cluster":
            yield from self._listing(cluster)

    def _rights(self, cluster: Cluster, need: Need) -> Iterator[Check]:
        name = f"{need.kind} in {need.namespace or 'the namespace that the event names'}"
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
                yield Check(name, OK if verdict.allowed else FAIL, said, role_remedy(need, resource.plural, account))
        except PipehookError as error:
            yield Check(
                name, FAIL, error.reason, "allow the kubeconfig's account to impersonate" if need.account else ""
            )

    def _listing(self, cluster: Cluster) -> Iterator[Check]:
        for plural in ("eventlisteners", "triggers", "triggerbindings", "triggertemplates"):
            verdict = cluster.api.review_access(
                "list",
                group="triggers.tekton.dev",
                resource=plural,
                namespace=cluster.access.namespace,
                deadline=deadline(),
            )
            said = f"the account may {'' if verdict.allowed else 'not '}list {plural} in {cluster.access.namespace}"
            remedy = "kubectl apply -k infra/cluster/everything-from-cluster"
            yield Check("triggers in the cluster", OK if verdict.allowed else FAIL, said, remedy)

    def github_checks(self) -> Iterator[Check]:
        """Check the last deliveries of the hooks, and GitHub's clock."""
        settings = self._settings
        if settings is None:
            return
        names = [name for name in (self._hooks or settings.github_hooks) if name != "app"]
        if not names:
            return
        try:
            token = read_token(self._token_secret or settings.github_token_secret)
        except (click.UsageError, PipehookError) as error:
            text = error.message if isinstance(error, click.UsageError) else error.reason
            yield Check("GitHub", WARN, text, "export GITHUB_TOKEN=…")
            return
        for name in names:
            yield from self._hook(settings, name, token)

    def _hook(self, settings: Settings, name: str, token: str) -> Iterator[Check]:
        scope, _, number = name.rpartition("/hooks/")
        github = Hooks(settings.github_api_url, scope, token)
        try:
            found = github.deliveries(int(number))
        except (PipehookError, ValueError) as error:
            text = error.reason if isinstance(error, PipehookError) else "a hook is named repos/OWNER/REPO/hooks/ID"
            yield Check(name, FAIL, text, "give the token read access to webhooks")
            return
        failed = [entry for entry in found if not 200 <= (whole(entry.get("status_code")) or 0) < 300]  # noqa: PLR2004 -- success
        if not found:
            yield Check(name, WARN, "GitHub has delivered nothing in three days", f"pipehook hooks test {scope}")
        elif failed:
            codes = ", ".join(sorted({str(entry.get("status_code")) for entry in failed}))
            text = f"{len(failed)} of the last {len(found)} deliveries failed, with {codes}"
            newest_fails = found[0] in failed
            yield Check(
                name, FAIL if newest_fails else WARN, text, "the reply on the hook's page says why; Redeliver there"
            )
        else:
            yield Check(name, OK, f"the last {len(found)} deliveries were taken")
        yield clock("GitHub", github.date)
