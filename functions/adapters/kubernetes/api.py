"""The Kubernetes API as Pipehook uses it: create, get, list, patch and review, over the official client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

from msgspec import Struct

from functions.adapters.kubernetes.calls import Backoff, Calls
from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.kinds import Kinds, Resource, serves
from functions.adapters.kubernetes.kubeconfig.access import AccessSource
from functions.adapters.kubernetes.refusals import review
from functions.adapters.kubernetes.transport import Request
from functions.common.lenient import at, object_at, objects_at, text_at
from functions.common.ports import Deadline
from functions.common.shown import NAME, shown
from functions.common.values import Json

_NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND})
_FORBIDDEN = frozenset({HTTPStatus.FORBIDDEN})
_CONFLICT = frozenset({HTTPStatus.CONFLICT})


class Access(Struct, frozen=True):
    """An access review's verdict."""

    allowed: bool
    reason: str


class KubernetesApi:
    """One cluster, shared by all threads; nothing is opened or imported before the first call.

    All calls retry passing failures with backoff until the deadline: creating is safe to repeat, names being derived.
    All raise ApiRefusedError for what will be refused again, PassingError (mostly ApiUnavailableError) for what
    passes, ConfigurationError when the kubeconfig is wrong. Texts begin with the object that it is about.
    """

    def __init__(
        self,
        source: AccessSource,
        *,
        backoff: Backoff | None = None,
        connections: int = 32,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = Calls(source, backoff=backoff or Backoff(), connections=connections)
        self._kinds = Kinds(clock)

    def create(
        self, manifest: Mapping[str, Json], *, impersonate: str = "", deadline: Deadline, dry_run: bool = False
    ) -> dict[str, Json]:
        """Create an object from a manifest with kind, name and (where the kind has one) namespace.

        An object of that name is an ApiRefusedError with cause `AlreadyExists`, `maybe_done` telling whether an
        earlier attempt of this very call may have made it. With `dry_run` the server admits and stores nothing, and
        refuses fields that it does not know.
        """
        api_version, kind = text_at(manifest, "apiVersion"), text_at(manifest, "kind")
        resource = self.resource(api_version, kind, deadline=deadline)
        try:
            return self._create(resource, manifest, impersonate=impersonate, deadline=deadline, dry_run=dry_run)
        except ApiRefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND or not error.doubted:
                raise
            self._kinds.forget(resource)
            found = self.resource(api_version, kind, deadline=deadline)
            if found == resource:
                raise
            # its CRD had been replaced since it was discovered
            return self._create(found, manifest, impersonate=impersonate, deadline=deadline, dry_run=dry_run)

    def _create(
        self, resource: Resource, manifest: Mapping[str, Json], *, impersonate: str, deadline: Deadline, dry_run: bool
    ) -> dict[str, Json]:
        metadata = dict(object_at(manifest, "metadata"))
        if not resource.namespaced:
            metadata.pop("namespace", None)
        namespace = text_at(metadata, "namespace")
        request = Request(
            method="POST",
            path=resource.path(namespace),
            # a cluster that drops fields which it does not know would say nothing of them
            query={"dryRun": "All", "fieldValidation": "Strict"} if dry_run else {},
            body={**manifest, "metadata": metadata},
            impersonate=impersonate,
            attributes=resource.attributes("create", namespace),
            doubted=_NOT_FOUND,
        )
        return self._calls.json(request, describe(resource.kind, namespace, text_at(metadata, "name")), deadline)

    def get(self, resource: Resource, *, namespace: str = "", name: str, deadline: Deadline) -> dict[str, Json] | None:
        """Read one object; None when there is none."""
        path, attributes = resource.path(namespace, name), resource.attributes("get", namespace, name)
        try:
            request = Request(method="GET", path=path, attributes=attributes)
            return self._calls.json(request, describe(resource.kind, namespace, name), deadline)
        except ApiRefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def patch(
        self, resource: Resource, change: Mapping[str, Json], *, namespace: str = "", name: str, deadline: Deadline
    ) -> dict[str, Json]:
        """Merge `change` (RFC 7386) into an object.

        With a resourceVersion in it, a conflict is an ApiRefusedError with status 409: the object is another by now.
        """
        request = Request(
            method="PATCH",
            path=resource.path(namespace, name),
            body=change,
            content_type="application/merge-patch+json",
            attributes=resource.attributes("patch", namespace, name),
            lasting=_CONFLICT,
        )
        return self._calls.json(request, describe(resource.kind, namespace, name), deadline)

    def list(
        self, resource: Resource, *, namespace: str = "", selector: str = "", limit: int = 500, deadline: Deadline
    ) -> Iterator[dict[str, Json]]:
        """Yield the objects of a kind (of all namespaces, when none is given), `limit` of them a page.

        Pages are asked for as they are needed; ApiRefusedError with status 410: the list has expired meanwhile.
        """
        query = {"limit": str(limit), "labelSelector": selector}
        while True:
            request = Request(
                method="GET",
                path=resource.path(namespace),
                query={key: value for key, value in query.items() if value},
                attributes=resource.attributes("list", namespace),
                doubted=_FORBIDDEN,
            )
            page = self._calls.json(request, describe(resource.plural, namespace, ""), deadline)
            yield from objects_at(page, "items")
            query["continue"] = text_at(page, "metadata", "continue")
            if not query["continue"]:
                return

    def review_access(
        self, verb: str, *, group: str, resource: str, namespace: str = "", impersonate: str = "", deadline: Deadline
    ) -> Access:
        """Ask whether the kubeconfig's account (or `impersonate`) may do something: a SelfSubjectAccessReview."""
        asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        answer = self._calls.json(review(asked, impersonate=impersonate), "SelfSubjectAccessReview", deadline)
        return Access(at(answer, "status", "allowed") is True, text_at(answer, "status", "reason"))

    def resource(self, api_version: str, kind: str, *, deadline: Deadline) -> Resource:
        """Return how objects of a kind are addressed. Raises LastingError when the cluster serves no such kind."""

        def read(path: str) -> Mapping[str, Json] | None:
            request = Request(method="GET", path=path, doubted=_NOT_FOUND)
            try:
                return self._calls.json(
                    request, f"discovery of {api_version}", deadline, complete=lambda found: serves(found, kind)
                )
            except ApiRefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                raise

        return self._kinds.find(api_version, kind, read, deadline)


def describe(kind: str, namespace: str, name: str) -> str:
    """Return how texts name an object: `PipelineRun team/build-1`, `Namespace team`, `PipelineRun team`."""
    kind, namespace, name = shown(kind), shown(namespace, NAME), shown(name, NAME)
    return f"{kind} {namespace}/{name}" if namespace and name else f"{kind} {namespace or name}".rstrip()
