"""The Kubernetes API as Pipehook uses it: create, get, list, watch and review, over the official client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from http import HTTPStatus

from functions.adapters import kubernetes_errors as errors
from functions.adapters.kubeconfig import AccessSource
from functions.adapters.kubernetes_calls import Backoff, Calls
from functions.adapters.kubernetes_errors import ApiRefusedError
from functions.adapters.kubernetes_kinds import Kinds, Resource
from functions.adapters.kubernetes_transport import Answer, Request
from functions.dataclass import dataclass
from functions.ports import Deadline
from functions.values import Json

FIELD_MANAGER = "pipehook"


@dataclass(frozen=True, slots=True)
class Access:
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
        earlier attempt of this very call may have made it. With `dry_run` the server admits and stores nothing.
        """
        resource = self.resource(_text(manifest, "apiVersion"), _text(manifest, "kind"), deadline=deadline)
        metadata = manifest.get("metadata")
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        if not resource.namespaced:
            metadata.pop("namespace", None)
        namespace = _text(metadata, "namespace")
        request = Request(
            method="POST",
            path=resource.path(namespace),
            query={"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})},
            body={**manifest, "metadata": metadata},
            impersonate=impersonate,
        )
        subject = describe(resource.kind, namespace, _text(metadata, "name"))
        try:
            return self._calls.json(request, subject, deadline)
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                self._kinds.forget(resource)
            raise

    def server_dry_run(
        self, manifest: Mapping[str, Json], *, impersonate: str = "", deadline: Deadline
    ) -> dict[str, Json]:
        """Let the server admit and validate a manifest without storing it, and return what it would store."""
        return self.create(manifest, impersonate=impersonate, deadline=deadline, dry_run=True)

    def get(
        self, resource: Resource, *, namespace: str = "", name: str, impersonate: str = "", deadline: Deadline
    ) -> dict[str, Json]:
        """Read one object; ApiRefusedError with status 404 when there is none."""
        request = Request(method="GET", path=resource.path(namespace, name), impersonate=impersonate)
        return self._calls.json(request, describe(resource.kind, namespace, name), deadline)

    def list(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_: str = "",
        deadline: Deadline,
    ) -> dict[str, Json]:
        """Return one page of a list (of all namespaces, when none is given): `items`, `metadata.continue`.

        ApiRefusedError with status 410 says that `continue_` is too old: begin anew.
        """
        query = {
            "limit": str(limit),
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "continue": continue_,
        }
        request = Request(
            method="GET", path=resource.path(namespace), query={key: value for key, value in query.items() if value}
        )
        return self._calls.json(request, describe(resource.plural, namespace, ""), deadline)

    def watch(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        resource_version: str,
        label_selector: str = "",
        seconds: int = 240,
        deadline: Deadline,
    ) -> Generator[dict[str, Json], None, None]:
        """Yield events (`type`, `object`) from `resource_version` on, BOOKMARKs among them, for about `seconds`.

        `deadline` bounds the opening alone. A version that is too old is an ApiRefusedError with status 410, whether
        the answer or an ERROR event says so: list anew. Any other end is nothing special: watch again from the last
        version. `close()` closes the connection.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
            "labelSelector": label_selector,
        }
        request = Request(
            method="GET", path=resource.path(namespace), query={key: value for key, value in query.items() if value}
        )
        subject = describe(resource.plural, namespace, "")
        return _events(self._calls.stream(request, subject, deadline, idle_seconds=seconds + 5.0), subject)

    def review_access(
        self,
        verb: str,
        *,
        group: str,
        resource: str,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
        impersonate: str = "",
        deadline: Deadline,
    ) -> Access:
        """Ask whether the kubeconfig's account (or `impersonate`) may do something: a SelfSubjectAccessReview."""
        asked: dict[str, Json] = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "namespace": namespace,
            "name": name,
            "subresource": subresource,
        }
        review: dict[str, Json] = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        request = Request(method="POST", path=path, body=review, impersonate=impersonate)
        status = self._calls.json(request, "SelfSubjectAccessReview", deadline).get("status")
        status = status if isinstance(status, dict) else {}
        return Access(status.get("allowed") is True, _text(status, "reason"))

    def resource(self, api_version: str, kind: str, *, deadline: Deadline) -> Resource:
        """Return how objects of a kind are addressed. Raises LastingError when the cluster serves no such kind."""

        def read(path: str) -> Mapping[str, Json] | None:
            try:
                return self._calls.json(Request(method="GET", path=path), f"discovery of {api_version}", deadline)
            except ApiRefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                raise

        return self._kinds.find(api_version, kind, read)


def describe(kind: str, namespace: str, name: str) -> str:
    """Return how texts name an object: `PipelineRun team/build-1`, `Namespace team`, `PipelineRun team`."""
    return f"{kind} {namespace}/{name}" if namespace and name else f"{kind} {namespace or name}".rstrip()


def _text(entry: Mapping[str, Json], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _events(chunks: Iterator[tuple[int, bytes]], subject: str) -> Generator[dict[str, Json], None, None]:
    """Cut a watch's bytes into its lines, one event each."""
    rest = b""
    for status, chunk in chunks:
        rest += chunk
        if status != HTTPStatus.OK:
            continue
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.strip():
                yield _event(line, subject)
    if status != HTTPStatus.OK:
        raise errors.of_answer(Answer(status, "", rest), subject, None)


def _event(line: bytes, subject: str) -> dict[str, Json]:
    event: dict[str, Json] = json.loads(line)
    if event.get("type") == "ERROR":
        document = event.get("object")
        code = document.get("code") if isinstance(document, dict) else None
        status = code if isinstance(code, int) else HTTPStatus.INTERNAL_SERVER_ERROR
        raise errors.of_answer(Answer(status, "", json.dumps(document).encode()), subject, None)
    return event
