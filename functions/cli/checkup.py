"""The checks of `pipehook doctor`, from the settings outwards. Each yields what it found and never raises."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from shlex import quote

import click

from functions import lint
from functions.adapters.kubernetes.errors import ApiUnavailableError
from functions.adapters.kubernetes.kubeconfig.access import AccessSource
from functions.adapters.secrets.damage import damage
from functions.cli import remedies
from functions.cli.accounts import Cluster, deadline
from functions.cli.admin import Given, admin_access
from functions.cli.checkup_rights import LISTED, Rights, listing_remedy
from functions.cli.credentials import stored
from functions.cli.findings import FAIL, OK, WARN, Check, clock, misspelt, server_date
from functions.cli.needs import needs, secret_refs
from functions.common.errors import ConfigurationError, PipehookError
from functions.entrypoints.parts import Parts, put_together
from functions.lint.rules import Severity
from functions.lint.views import Views
from functions.model.load import read_manifests
from functions.settings import Settings, read_settings, require_cluster


class Patient:
    """One deployment, as its environment describes it. What an earlier check found missing, later ones pass over."""

    def __init__(
        self, environment: Mapping[str, str], *, hooks: tuple[str, ...], token_secret: str, kubeconfig: str = ""
    ) -> None:
        """`kubeconfig` is somebody's who may look into Tekton's namespace."""
        self._environment = environment
        self._kubeconfig = kubeconfig
        self._hooks = hooks
        self._token_secret = token_secret
        self._settings: Settings | None = None
        self._views: Views | None = None
        self._parts: Parts | None = None
        self._cluster: Cluster | None = None
        self._others: dict[str, Cluster] = {}
        """Those of CLUSTERS that can be asked."""
        self._user = ""

    def settings_checks(self) -> Iterator[Check]:
        """Check the environment."""
        yield from misspelt(self._environment)
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
        self._parts = put_together(self._settings, namespaces=self._namespaces)

    def file_checks(self) -> Iterator[Check]:
        """Check the manifests of a file source."""
        settings = self._settings
        if settings is None or settings.triggers_source == "cluster":
            return
        try:
            texts = read_manifests(settings.triggers_source)
        except ConfigurationError as error:
            yield Check("manifests", FAIL, "; ".join(error.mistakes), "set TRIGGERS_SOURCE")
            return
        found, loaded = lint.check(
            texts,
            namespace=settings.namespace,
            allow_unverified=settings.allow_unverified,
            clusters=settings.cluster_names,
        )
        errors = [finding for finding in found if finding.rule.severity is Severity.ERROR]
        remedy = f"pipehook validate {quote(settings.triggers_source)}"
        if errors:
            yield Check("manifests", FAIL, f"{len(errors)} errors, first: {errors[0]}", remedy)
        if loaded is not None:
            self._views = Views(loaded.registry, settings.outbound_hosts, settings.cluster_names)
            names = ", ".join(listener.path for _, listener in self._views.listeners) or "none"
            if not errors:
                yield Check("manifests", OK if self._views.listeners else FAIL, f"listeners: {names}", remedy)

    def _objects(self, settings: Settings, cluster: Cluster) -> Iterator[Check]:
        from functions.adapters.kubernetes.source.objects import Objects  # noqa: PLC0415 -- for this source alone
        from functions.adapters.kubernetes.source.reader import Reader  # noqa: PLC0415 -- as above
        from functions.entrypoints.accesses import home_namespaces  # noqa: PLC0415 -- as above

        home = home_namespaces(settings, Given(cluster.access))
        try:
            reading = Reader(cluster.api, home, clock=time.monotonic).read(deadline())
        except PipehookError as error:
            remedy = " && ".join(listing_remedy(LISTED, where, self._user) for where in sorted(home(deadline())))
            yield Check("manifests", FAIL, f"triggers cannot be read: {error.reason}", remedy)
            return
        denied = {where: [kind for kind, there in reading.denied if there == where] for _, where in reading.denied}
        remedy = " && ".join(listing_remedy(kinds, where, self._user) for where, kinds in denied.items())
        for remark in reading.remarks:
            yield Check("manifests", WARN, remark, remedy or remedies.TRIGGERS)
        registry = Objects().update(reading.objects)
        self._views = Views(registry, settings.outbound_hosts, settings.cluster_names)
        broken = [f"{kind} {namespace}/{name}: {why}" for (kind, namespace, name), why in registry.invalid.items()]
        for text in broken:
            yield Check("manifests", FAIL, text, "correct the object in the cluster")
        names = ", ".join(listener.path for _, listener in self._views.listeners) or "none"
        yield Check("manifests", OK if self._views.listeners else FAIL, f"listeners: {names}", "make an EventListener")

    def _namespaces(self) -> frozenset[str]:
        return frozenset(view.prepared.namespace for view in self._views.all) if self._views else frozenset()

    def secret_checks(self) -> Iterator[Check]:
        """Check that every secret that a trigger names can be read."""
        settings = self._settings
        if self._views is None or self._parts is None or settings is None:
            return
        if settings.secrets_source.kind == "cluster" and self._cluster is None:
            return
        for ref in secret_refs(self._views):
            name = f"secret {ref.namespace}/{ref.name}, key {ref.key}"
            try:
                values = self._parts.secrets.accepted(ref, deadline())
            except PipehookError as error:
                yield Check(name, FAIL, error.reason, remedies.secret(settings, ref, error, self._user))
                if error.passing:
                    return  # it will not be better with the next
                continue
            yield Check(name, OK, f"{len(values)} value{'s' * (len(values) != 1)} accepted")
            found = damage(*values)
            if not found and any(value.endswith(b"\n") for value in values):
                found = ["it ends in a line break, without which it is accepted as well"]
            if found:
                remedy = "store it again as the sender has it: printf %s adds no line break, echo and editors do"
                yield Check(name, WARN, f"as it is stored {'; '.join(found)}", remedy)

    def cluster_checks(self) -> Iterator[Check]:
        """Check the kubeconfig, the API behind it, its clock, Tekton's kinds, and the manifests of a cluster source."""
        settings = self._settings
        if settings is None or self._parts is None or self._parts.access is None:
            return
        yield from self._reached("", self._parts.access, settings)
        if self._cluster is not None and settings.triggers_source == "cluster":
            yield from self._objects(settings, self._cluster)
        for name, cluster in self._parts.clusters.items():
            yield from self._reached(name, cluster.access, settings)

    def _reached(self, name: str, source: AccessSource, settings: Settings) -> Iterator[Check]:
        """Check one cluster, by its name in CLUSTERS; the default one has none."""
        said = f" {name}" if name else ""
        remedy = remedies.new_kubeconfig(settings, self._account_namespace(settings), name)
        try:
            access = source(refresh=False, deadline=deadline())
        except PipehookError as error:
            mistakes = error.mistakes if isinstance(error, ConfigurationError) else ()
            yield Check(f"kubeconfig{said}", FAIL, "; ".join([error.reason, *mistakes]), remedy)
            return
        yield Check(
            f"kubeconfig{said}", OK, f"accepted: {access.server}, namespace {access.namespace}; {stored(access)}"
        )
        cluster = Cluster(access)
        try:
            cluster.reach()
            served = cluster.ask("GET", "/apis/tekton.dev/v1", "discovery of tekton.dev/v1")
        except PipehookError as error:
            unreached = isinstance(error, ApiUnavailableError) and not (error.status or error.cause)
            address = "is the kubeconfig's address right, and open to whoever asks?"
            yield Check(f"cluster{said}", FAIL, error.reason, address if unreached else remedy)
            return
        if name:
            self._others[name] = cluster
        else:
            self._cluster, self._user = cluster, cluster.user()
        yield Check(f"cluster{said}", OK, "the API answers, and accepts the credentials")
        names = {str(entry.get("kind")) for entry in (served or {}).get("resources") or []}
        if "PipelineRun" in names:
            yield Check(f"Tekton{said}", OK, "tekton.dev/v1 is served")
        else:
            yield Check(f"Tekton{said}", FAIL, "the cluster serves no PipelineRun of tekton.dev/v1", remedies.TEKTON)
        yield clock(f"the cluster{said}", server_date(access))

    def _account_namespace(self, settings: Settings) -> str:
        """Return where the function's account belongs: with its triggers, as far as they are known."""
        return min(self._namespaces(), default=settings.event_listener.rpartition("/")[0] or settings.namespace)

    def right_checks(self) -> Iterator[Check]:
        """Check that the account may create and get what the templates make, and read what the sources say."""
        cluster, views = self._cluster, self._views
        if cluster is None or views is None or self._settings is None:
            return
        yield from Rights(self._settings, views, {"": cluster, **self._others}, self._user).checks()

    def status_checks(self) -> Iterator[Check]:
        """Check what statuses need, where the manifests ask for them."""
        settings, views, parts, cluster = self._settings, self._views, self._parts, self._cluster
        if settings is None or views is None or parts is None or cluster is None:
            return
        if not any(view.prepared.status for view in views.all):
            return
        from functions.cli.checkup_statuses import Telling  # noqa: PLC0415 -- for those who ask for them

        try:
            admin = Cluster(admin_access(self._kubeconfig, "")) if self._kubeconfig else None
        except (click.UsageError, PipehookError) as error:
            text = error.message if isinstance(error, click.UsageError) else error.reason
            yield Check("--kubeconfig", FAIL, text, "give one that kubectl takes")
            return
        yield from Telling(
            settings=settings,
            views=views,
            parts=parts,
            clusters={"": cluster, **self._others},
            admin=admin,
            user=self._user,
            needs=list(needs(views)),
            hooks=self._hooks or settings.github_hooks,
        ).checks()

    def github_checks(self) -> Iterator[Check]:
        """Check the last deliveries of the hooks, and GitHub's clock."""
        settings = self._settings
        if settings is None:
            return
        from functions.cli.checkup_github import hook_checks  # noqa: PLC0415 -- for those who have hooks

        names = [name for name in (self._hooks or settings.github_hooks) if name != "app"]
        yield from hook_checks(settings, names, self._token_secret)
