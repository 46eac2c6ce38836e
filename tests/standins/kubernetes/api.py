"""The API itself: from a request to what it does to the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.standins.exchange import Request, Response
from tests.standins.kubernetes import admission, bodies, listing, patches, statuses
from tests.standins.kubernetes.access import forbidden
from tests.standins.kubernetes.discovery import discover, unknown
from tests.standins.kubernetes.kinds import CRD, NAMESPACE, SERVICE_ACCOUNT, from_definition
from tests.standins.kubernetes.paths import Target, parse
from tests.standins.kubernetes.reviews import REVIEWS, issue_token
from tests.standins.kubernetes.starting import Stage
from tests.standins.kubernetes.statuses import Cause, StatusError
from tests.standins.kubernetes.validation import check_fields, check_metadata, check_schema, pruned

if TYPE_CHECKING:
    from tests.standins.kubernetes.access import Access, User
    from tests.standins.kubernetes.kinds import Json, Kind, Registry
    from tests.standins.kubernetes.store import Store

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Api:
    """Serves requests; `strict_namespaces` and `tekton_webhooks` switch these parts of admission.

    `before_1_23`: nobody knows fieldValidation.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        access: Access,
        strict_namespaces: bool,
        tekton_webhooks: bool,
        before_1_23: bool = False,
    ) -> None:
        self._store = store
        self._registry = registry
        self._access = access
        self._strict_namespaces = strict_namespaces
        self._tekton_webhooks = tekton_webhooks
        self._before_1_23 = before_1_23

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            user = self._access.impersonate(self._access.authenticate(request), request)
            target = parse(request.path, self._registry)
            if target is None:
                self._access.check_path(user, request.path)
                if request.path == "/readyz":
                    return self._access.stage.readiness()
                group = request.path.split("/")[2:3] if request.path.startswith("/apis/") else []
                self._access.stage.check_paths("".join(group))
                return discover(request, self._registry)
            return self._serve(request, target, user)
        except StatusError as error:
            asked = (error.details or {}).get("retryAfterSeconds", 1 if error.code == 429 else 0)
            headers = {"Retry-After": str(asked)} if asked else {}
            return Response(error.code, error.body(), headers=headers)

    def _serve(self, request: Request, target: Target, user: User) -> Response:
        if review := REVIEWS.get((target.group, target.plural)):
            # everybody may, by system:basic-user, as soon as that is known
            if self._access.stage is Stage.NO_RBAC:
                raise forbidden(user, target.attempt(request.method), named=False)
            return _json(review(bodies.read(request), self._access, user), 201)
        query = request.query
        watching = query.get("watch") in ("true", "1")
        attempt = target.attempt(request.method, watch=watching)
        self._access.check(user, attempt, named=bool(target.name))
        self._access.stage.check_paths(target.group)
        kind = target.kind
        if kind is None or target.subresource not in ("", "status", "token"):
            return unknown(target, self._registry)
        if target.subresource == "token":
            return self._token(request, target, kind)
        if kind.namespaced and not target.namespace and request.method != "GET":
            raise statuses.method_not_allowed()
        if target.name:
            return self._serve_object(request, target, kind)
        match attempt.verb:
            case "create":
                return self._create(request, target, kind)
            case "list":
                return _json(listing.page(self._store, kind, target, query))
            case "watch":
                return listing.watch(self._store, kind, target, query)
            case "deletecollection":
                return self._delete_all(target, kind, query)
        raise statuses.method_not_allowed()

    def _serve_object(self, request: Request, target: Target, kind: Kind) -> Response:
        match request.method:
            case "GET":
                return _object(kind, target, self._store.get(kind, target.namespace, target.name))
            case "PUT":
                return self._update(request, target, kind)
            case "PATCH":
                return self._patch(request, target, kind)
            case "DELETE" if not target.subresource:
                return self._delete(request, target, kind)
        raise statuses.method_not_allowed()

    def _create(self, request: Request, target: Target, kind: Kind) -> Response:
        entry = bodies.read_object(request, target, kind)
        if request.query.get("fieldValidation") == "Strict" and not self._before_1_23:
            check_fields(kind, target.version, entry)
        return self.create(
            kind,
            target.version,
            entry,
            size=len(request.body),
            dry_run=_dry_run(request),
            strict=self._strict_namespaces,
        )

    def create(
        self,
        kind: Kind,
        version: str,
        entry: Json,
        *,
        size: int = 0,
        dry_run: bool = False,
        strict: bool = False,
    ) -> Response:
        """Admit, validate and store a new object; `strict`: its namespace must exist."""
        metadata = bodies.without_server_fields(entry["metadata"])
        entry = {**entry, "metadata": metadata}
        if kind.custom:
            # Custom resources with a status subresource lose a status that is sent along.
            entry.pop("status", None)
        if strict:
            admission.require_namespace(self._store, metadata.get("namespace", ""))
        check_metadata(kind, metadata)
        if self._tekton_webhooks:
            admission.check_tekton(kind, entry)
        check_schema(kind, version, entry)
        entry = admission.complete(kind, pruned(kind, version, entry))
        bodies.check_stored_size(size)
        created = self._store.create(kind, entry, dry_run=dry_run)
        if not dry_run:
            created = self._after_create(kind, created)
        return _json(listing.view(kind, version, created), 201)

    def _after_create(self, kind: Kind, created: Json) -> Json:
        """Do what the controllers of a cluster do when they see a new object."""
        name = created["metadata"]["name"]
        if kind is NAMESPACE:
            account = {"metadata": {"name": "default", "namespace": name}}
            if not self._store.has(SERVICE_ACCOUNT, name, "default"):
                self._store.create(SERVICE_ACCOUNT, account)
        elif kind is CRD:
            self._registry.register(from_definition(created))
            established = {"conditions": [{"type": "Established", "status": "True"}]}
            created = self._store.replace(kind, {**created, "status": established})
        elif (account_key := admission.account_of_token_secret(kind, created)) is not None:
            data = issue_token(self._access, *account_key).secret_data()
            created = self._store.replace(kind, {**created, "data": {**created.get("data", {}), **data}})
        return created

    def _update(self, request: Request, target: Target, kind: Kind) -> Response:
        entry = bodies.read_object(request, target, kind)
        named = entry["metadata"].setdefault("name", target.name)
        if named != target.name:
            raise StatusError(
                400, f"the name of the object ({named}) does not match the name on the URL ({target.name})"
            )
        if kind.custom and not entry["metadata"].get("resourceVersion"):
            text = "Invalid value: 0: must be specified for an update"
            cause = Cause(reason="FieldValueInvalid", field="metadata.resourceVersion", message=text)
            raise statuses.invalid(kind, target.name, [cause])
        return self._replace(request, target, kind, entry)

    def _patch(self, request: Request, target: Target, kind: Kind) -> Response:
        accepted = (MERGE_PATCH, JSON_PATCH, APPLY_PATCH, *(() if kind.custom else (STRATEGIC_PATCH,)))
        patch = bodies.read(request, accepted=accepted)
        content_type = bodies.media_type(request)
        with self._store.lock:
            missing = not self._store.has(kind, target.namespace, target.name)
            if content_type == APPLY_PATCH and missing:
                request.body = json.dumps(patch).encode()
                request.headers = {**request.headers, "content-type": "application/json"}
                return self._create(request, target, kind)
            before = self._store.get(kind, target.namespace, target.name)
            shown = listing.view(kind, target.version, before)
            if content_type == JSON_PATCH:
                after = patches.apply_operations(json.loads(json.dumps(shown)), patch)
            else:
                after = patches.merge(shown, patch)
            bodies.check_object(after, target, kind)
            entry = {key: value for key, value in after.items() if key not in ("apiVersion", "kind")}
            return self._replace(request, target, kind, entry)

    def _replace(self, request: Request, target: Target, kind: Kind, entry: Json) -> Response:
        with self._store.lock:
            before = self._store.get(kind, target.namespace, target.name)
            if target.subresource == "status":
                metadata = {**before["metadata"]}
                metadata["resourceVersion"] = entry["metadata"].get("resourceVersion")
                entry = {**before, "metadata": metadata, "status": entry.get("status")}
            elif kind.custom:
                kept = {"status": before["status"]} if "status" in before else {}
                entry = {**{key: value for key, value in entry.items() if key != "status"}, **kept}
            check_metadata(kind, entry["metadata"])
            asked = entry["metadata"].get("resourceVersion")
            if asked and asked != before["metadata"]["resourceVersion"]:  # before validating admission, as Store.Update
                raise statuses.changed_meanwhile(kind, target.name)
            if self._tekton_webhooks:
                admission.check_tekton(kind, entry)
                admission.check_tekton_update(kind, before, entry)
            entry = admission.complete(kind, entry)
            bodies.check_stored_size(len(request.body))
            after = self._store.replace(kind, entry, dry_run=_dry_run(request))
            if not after["metadata"].get("finalizers") and "deletionTimestamp" in after["metadata"]:
                self._store.delete(kind, target.namespace, target.name)
        return _object(kind, target, after)

    def _delete(self, request: Request, target: Target, kind: Kind) -> Response:
        options = bodies.read(request) if request.body else {}
        with self._store.lock:
            entry = self._store.get(kind, target.namespace, target.name)
            wanted = ((options or {}).get("preconditions") or {}).get("uid")
            uid = entry["metadata"]["uid"]
            if wanted and wanted != uid:
                why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
                raise statuses.conflict(kind, target.name, why)
            if _dry_run(request) or (options or {}).get("dryRun"):
                return _object(kind, target, entry)
            gone = self._store.delete(kind, target.namespace, target.name)
        if "deletionTimestamp" in gone["metadata"]:
            return _object(kind, target, gone)
        details = {"name": target.name, "group": kind.group, "kind": kind.plural, "uid": uid}
        found = {key: value for key, value in details.items() if value}
        return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": found})

    def _delete_all(self, target: Target, kind: Kind, query: dict[str, str]) -> Response:
        document = listing.page(self._store, kind, target, query)
        for item in document["items"]:
            self._store.delete(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        return _json(document)

    def _token(self, request: Request, target: Target, kind: Kind) -> Response:
        if kind is not SERVICE_ACCOUNT or request.method != "POST":
            return unknown(target, self._registry)
        self._store.get(kind, target.namespace, target.name)
        asked: Any = bodies.read(request)
        return _json(issue_token(self._access, target.namespace, target.name).review(asked or {}), 201)


def _dry_run(request: Request) -> bool:
    return "dryRun=All" in request.target


def _object(kind: Kind, target: Target, entry: Json) -> Response:
    return _json(listing.view(kind, target.version, entry))


def _json(document: Json, status: int = 200) -> Response:
    return Response(status, json.dumps(document, separators=(",", ":")).encode() + b"\n")
