"""The faults of docs/faults.md and what a delivery that meets one is expected to do; the tests give each its step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from grpc import StatusCode

from functions.adapters import google_calls
from tests.standins.faults import Fault
from tests.support.deliveries import SECRET
from tests.support.production import KUBECONFIG, PROJECT, Production


def status(code: int, reason: str, message: str) -> str:
    """Return a Status object as an API server sends it."""
    return json.dumps({"kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": message})


WEBHOOK_DOWN = status(
    500, "InternalError", "Internal error occurred: failed calling webhook webhook.pipeline.tekton.dev: refused"
)
WEBHOOK_DENIES = "admission webhook validation.webhook.pipeline.tekton.dev denied the request: validation failed"
QUOTA_RACE = status(409, "Conflict", "Operation cannot be fulfilled on resourcequotas runs: it has been modified")
QUOTA_FULL = status(403, "Forbidden", "pipelineruns.tekton.dev is forbidden: exceeded quota: runs")
QUOTA_NEW = status(403, "Forbidden", "pipelineruns.tekton.dev is forbidden: status unknown for quota: runs")
NOT_READY = status(403, "Forbidden", "pipelineruns.tekton.dev is forbidden: not yet ready to handle request")
TERMINATING = status(
    403,
    "Forbidden",
    'pipelineruns.tekton.dev "run" is forbidden: unable to create new content in namespace lab because it is being '
    "terminated",
)
NO_RIGHT = status(
    403,
    "Forbidden",
    'pipelineruns.tekton.dev is forbidden: User "system:serviceaccount:lab:pipehook" cannot create resource '
    '"pipelineruns" in API group "tekton.dev" in the namespace "lab"',
)
NO_NAMESPACE = (
    '{"kind":"Status","reason":"NotFound","code":404,"message":"namespaces \\"gone\\" not found",'
    '"details":{"name":"gone","kind":"namespaces"}}'
)
TAKEN = status(409, "AlreadyExists", "it exists")
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault of the cluster and what is expected of a delivery that meets it for as long as it tries."""

    fault: Fault | None
    """None: connections are refused."""
    http: int = 503
    says: str
    again: bool = True
    """Whether it is tried again within the delivery."""
    confirmed: bool = False
    """Whether it lasts only since it was refused again, some seconds later, by a server that is ready."""
    retry_after: str | None = "30"
    exists: int = 0
    """How many objects exist afterwards, of the one that was to be created."""


PASSING = {
    "408": Case(fault=Fault(status=408), says="408 Request Timeout"),
    "429": Case(fault=Fault(status=429, body=status(429, "TooManyRequests", "later")), says="429 TooManyRequests"),
    "429-retry-after": Case(
        fault=Fault(status=429, headers={"Retry-After": "60"}), says="429", again=False, retry_after="60"
    ),
    "500": Case(fault=Fault(status=500), says="500 InternalError"),
    "500-webhook-down": Case(fault=Fault(status=500, body=WEBHOOK_DOWN), says="failed calling webhook"),
    "502-html": Case(fault=Fault(status=502, body=HTML, content_type="text/html"), says="502 Bad Gateway"),
    "503": Case(fault=Fault(status=503), says="503 ServiceUnavailable"),
    "503-retry-after": Case(
        fault=Fault(status=503, headers={"Retry-After": "60"}), says="503", again=False, retry_after="60"
    ),
    "504": Case(fault=Fault(status=504), says="504 Timeout"),
    "401": Case(fault=Fault(status=401), says="rotate it", again=False),
    "409-of-a-quota": Case(fault=Fault(status=409, body=QUOTA_RACE), says="409 Conflict"),
    "refused": Case(fault=None, says="connection refused"),
    "reset": Case(fault=Fault(action="reset"), says="the connection was closed"),
    "lost": Case(fault=Fault(action="lose"), says="the connection was closed", exists=1),
    "half": Case(fault=Fault(action="half"), says="the connection was closed", exists=1),
    "garbage": Case(fault=Fault(action="garbage"), says="no JSON object"),
}
LASTING = {
    "400": Case(fault=Fault(status=400), http=422, says="400 BadRequest", again=False, retry_after=None),
    "403": Case(fault=Fault(status=403), http=422, says="403 Forbidden", again=False, retry_after=None),
    "403-no-right": Case(
        fault=Fault(status=403, body=NO_RIGHT),
        http=422,
        says="add it to the Role",
        again=False,
        confirmed=True,
        retry_after=None,
    ),
    "404-kind": Case(
        fault=Fault(status=404, body="404 page not found\n", content_type="text/plain"),
        http=422,
        says="install it (its CRD)",
        again=False,
        confirmed=True,
        retry_after=None,
    ),
    "422": Case(fault=Fault(status=422), http=422, says="422 Invalid", again=False, retry_after=None),
    "302": Case(
        fault=Fault(status=302, headers={"Location": "https://login.example.com/"}),
        http=422,
        says="redirects are not followed",
        again=False,
        retry_after=None,
    ),
}
CREATING = {
    **PASSING,
    **LASTING,
    "403-quota": Case(fault=Fault(status=403, body=QUOTA_FULL), says="exceeded quota", again=False),
    "403-quota-new": Case(fault=Fault(status=403, body=QUOTA_NEW), says="status unknown for quota"),
    "403-admission-starting": Case(fault=Fault(status=403, body=NOT_READY), says="not yet ready to handle request"),
    "403-terminating": Case(fault=Fault(status=403, body=TERMINATING), says="being terminated", again=False),
    "422-webhook-down": Case(
        fault=Fault(status=422, body=WEBHOOK_DOWN.replace("500", "422")), says="failed calling webhook"
    ),
    "400-webhook-denies": replace(
        LASTING["400"],
        fault=Fault(status=400, body=status(400, "BadRequest", WEBHOOK_DENIES)),
        says="denied the request",
    ),
    "403-webhook-denies": replace(
        LASTING["403"],
        fault=Fault(status=403, body=status(403, "Forbidden", WEBHOOK_DENIES)),
        says="denied the request",
    ),
    "404-namespace": replace(
        LASTING["404-kind"], fault=Fault(status=404, body=NO_NAMESPACE), says="create the namespace", confirmed=False
    ),
    "405": replace(LASTING["400"], fault=Fault(status=405), says="405 MethodNotAllowed"),
    "413": replace(LASTING["400"], fault=Fault(status=413), says="413 RequestEntityTooLarge"),
    "415": replace(LASTING["400"], fault=Fault(status=415), says="415 UnsupportedMediaType"),
    "500-etcd-too-large": replace(
        LASTING["400"],
        fault=Fault(status=500, body=status(500, "InternalError", "etcdserver: request is too large")),
        says="make the template smaller",
    ),
    # the first attempt has created it, and what answers the next ones is not the API
    "garbage": Case(fault=Fault(action="garbage"), says="409 Conflict: the answer is no Kubernetes Status", exists=1),
}
LOOKING = PASSING | {
    name: replace(case, says="but not seen it is nobody's") for name, case in LASTING.items() if name != "404-kind"
}
DISCOVERING = PASSING | {"404-kind": replace(LASTING["404-kind"], says="install its CRD")}
OF_SEVERAL = {
    name: CREATING[name]
    for name in ("503-retry-after", "500", "reset", "lost", "403", "403-no-right", "403-quota", "422")
}


@dataclass(frozen=True, kw_only=True)
class SecretCase:
    """A fault of Secret Manager, for one secret, and what is expected of a cold instance."""

    arm: Callable[[Production, str], object]
    http: int = 503
    says: str
    """In the log for the webhook's key, in the reply too for the kubeconfig."""
    calls: int
    """How many calls for the secret one delivery makes."""
    mend: Callable[[Production, str], object] = lambda production, secret: None
    """What mends it beside SecretManager.mend()."""


def _code(code: StatusCode) -> Callable[[Production, str], object]:
    return lambda production, secret: production.manager.fail("", code, secret=secret)


def _hang(production: Production, secret: str) -> None:
    # of the calls that hang alone: any other may take its time on a busy machine
    production.monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", 0.3)
    production.manager.hang("", secret=secret)


def _add_good(production: Production, secret: str) -> None:
    if secret == KUBECONFIG:
        production.add_kubeconfig()
    else:
        production.add_key(SECRET)


UNAVAILABLE = SecretCase(arm=_code(StatusCode.UNAVAILABLE), says="does not answer (UNAVAILABLE)", calls=3)
SECRETS_PASSING = {
    "UNAVAILABLE": UNAVAILABLE,
    **{
        code.name: replace(UNAVAILABLE, arm=_code(code), says=f"does not answer ({code.name})")
        for code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.ABORTED)
    },
    "no-answer": replace(
        UNAVAILABLE,
        arm=_hang,
        says="does not answer (DEADLINE_EXCEEDED)",
    ),
    "RESOURCE_EXHAUSTED": SecretCase(
        arm=_code(StatusCode.RESOURCE_EXHAUSTED), says="quota for this project is used up", calls=1
    ),
    "UNAUTHENTICATED": SecretCase(
        arm=_code(StatusCode.UNAUTHENTICATED), says="does not accept the function's credentials", calls=1
    ),
    "checksum": SecretCase(
        arm=lambda production, _: production.manager.corrupt(1000), says="its checksum is wrong", calls=2
    ),
}
SECRETS_LASTING = {
    "NOT_FOUND": SecretCase(arm=_code(StatusCode.NOT_FOUND), http=422, says="not found", calls=1),
    "PERMISSION_DENIED": SecretCase(
        arm=_code(StatusCode.PERMISSION_DENIED), http=422, says="grant roles/secretmanager.secretAccessor", calls=1
    ),
    "INVALID_ARGUMENT": SecretCase(arm=_code(StatusCode.INVALID_ARGUMENT), http=422, says="refuses to read", calls=1),
    "disabled": SecretCase(
        arm=lambda production, secret: production.manager.disable(PROJECT, secret, 1),
        http=422,
        says="has no enabled version",
        calls=2,
        mend=lambda production, secret: production.manager.enable(PROJECT, secret, 1),
    ),
    "destroyed": SecretCase(
        arm=lambda production, secret: production.manager.destroy(PROJECT, secret, 1),
        http=422,
        says="has no enabled version",
        calls=2,
        mend=_add_good,
    ),
}
SECRETS = SECRETS_PASSING | SECRETS_LASTING
