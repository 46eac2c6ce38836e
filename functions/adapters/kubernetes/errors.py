"""What the API server answers, as errors of the family: which pass and which last, in words that are safe to show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from http import HTTPStatus

from functions.adapters.bounded import NoAnswerError
from functions.adapters.kubernetes.answers import Answer
from functions.adapters.kubernetes.phrases import REASONS
from functions.adapters.kubernetes.verdicts import Verdict, crowded, too_large, verdict
from functions.adapters.kubernetes.words import told
from functions.common.errors import LastingError, PassingError
from functions.common.lenient import at, object_at, text_at
from functions.common.numbers import wait
from functions.common.values import Json
from functions.go.status_texts import status_text

_FOREIGN = "the answer is no Kubernetes Status; is something else in between?"
_NO_STATUS = {404: "it knows no such path", 429: "it has too many requests"}
"""API servers themselves answer without a Status where a whole group is unknown to them, or too much is asked."""
ALREADY_EXISTS = "AlreadyExists"
_TAKEN = "The POST operation against "
"""How Kubernetes before 1.23 begins to say so, as a 500, of an object that has a generateName beside its name
(CheckGeneratedNameError, kubernetes/kubernetes#32220). Of its storage it says "The create operation against "."""
_UNKNOWN_FIELD = re.compile(r'(?:unknown|duplicate) field "([\w.\[\]-]{1,200})"')
"""In apimachinery's strict decoding errors (fieldValidation=Strict)."""


class ApiRefusedError(LastingError):
    """The API will refuse this request again: `status` is HTTP's, `cause` the Status object's reason (`NotFound`).

    With `maybe_done`, an earlier attempt of the same call may have been carried out, its answer having been lost.
    `doubted`: a server that has just begun refuses the same, so it is to be confirmed before it is raised.
    `unknown_fields`: what a strict server does not know of the manifest, for its author alone: never in the text.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        cause: str,
        maybe_done: bool = False,
        doubted: bool = False,
        unknown_fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.unknown_fields = unknown_fields
        self.status = status
        self.cause = cause
        self.maybe_done = maybe_done
        self.doubted = doubted

    def unconfirmed(self) -> ApiUnavailableError:
        """Return what a refusal is until it is confirmed."""
        text = f"{self.reason}; not confirmed yet, since an API server that starts says the same"
        return ApiUnavailableError(text, status=self.status, cause=self.cause)


class ApiUnavailableError(PassingError):
    """The API cannot do it now: `status` is HTTP's, or 0 when no answer came.

    `maybe_done`: the request may have been carried out. `again`: trying at once, within the deadline, makes sense.
    `crowded`: it is not this request, but that there are too many.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = 0,
        cause: str = "",
        retry_after: float | None = None,
        maybe_done: bool = False,
        again: bool = True,
        crowded: bool = False,
    ) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.status = status
        self.cause = cause
        self.maybe_done = maybe_done
        self.again = again
        self.crowded = crowded


ApiError = ApiRefusedError | ApiUnavailableError


def of_silence(error: NoAnswerError, subject: str) -> ApiUnavailableError:
    """Return the error for a request that was never answered."""
    text = f"{subject}: the cluster cannot be reached: {error.text}"
    if error.cause == "certificate":
        text += "; compare the kubeconfig's server and certificate-authority-data with your own"
    return ApiUnavailableError(text, cause=error.cause, maybe_done=error.maybe_done)


def of_answer(
    answer: Answer,
    subject: str,
    sent: Mapping[str, Json] | None,
    *,
    doubted: Set[int] = frozenset(),
    lasting: Set[int] = frozenset(),
    impersonated: bool = False,
) -> ApiError:
    """Return the error for an answer that is not 2xx; `sent` is the manifest, if one was sent.

    `impersonated`: it was asked as the trigger's ServiceAccount, and not as the kubeconfig's own account.
    """
    document = answer.document()
    found = object_at(document) if at(document, "kind") == "Status" else {}
    # a refusal without a reason, but not from a stranger: it is empty, or an object of JSON
    bare = not answer.body or (isinstance(document, dict) and not document.get("reason"))
    cause = text_at(found, "reason")
    if answer.status == HTTPStatus.CONFLICT and sent is not None and bare:
        cause = ALREADY_EXISTS  # what else could be in conflict with a new object; its name is looked up next
    cause = cause if cause in REASONS else status_text(answer.status)
    raw = text_at(found, "message")
    if cause == "ServerTimeout" and raw.startswith(_TAKEN):
        cause = ALREADY_EXISTS
    message = told(found, subject) if found else _NO_STATUS.get(answer.status, _FOREIGN)
    text = f"{subject}: the cluster answers {answer.status} {cause}"
    details = object_at(found, "details")
    asked = details.get("retryAfterSeconds")
    found_verdict = verdict(answer.status, cause, raw, details, doubted=doubted)
    if answer.status in lasting or cause == ALREADY_EXISTS:
        found_verdict = Verdict.LASTS
    if found_verdict in (Verdict.PASSES, Verdict.PASSES_SLOWLY):
        if answer.status == HTTPStatus.UNAUTHORIZED:
            message = "the kubeconfig's token or certificate is not accepted, though read anew; rotate it"
        return ApiUnavailableError(
            f"{text}: {message}",
            status=answer.status,
            cause=cause,
            retry_after=wait(answer.retry_after) or wait(asked if isinstance(asked, int) else None),
            maybe_done=answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR,
            again=found_verdict is Verdict.PASSES,
            crowded=crowded(answer.status, raw),
        )
    hint = "make the template smaller"
    if not too_large(raw):
        hint = _hint(answer.status, raw, details, impersonated=impersonated)
    return ApiRefusedError(
        "; ".join(filter(None, (f"{text}: {message}", hint))),
        status=answer.status,
        cause=cause,
        doubted=found_verdict is Verdict.DOUBTED,
        unknown_fields=tuple(_UNKNOWN_FIELD.findall(raw)),
    )


def _hint(status: int, message: str, details: Mapping[str, Json], *, impersonated: bool) -> str:
    if status == HTTPStatus.FORBIDDEN and "cannot impersonate" in message:
        return "allow the kubeconfig's account to impersonate that ServiceAccount, or remove serviceAccountName"
    if status == HTTPStatus.FORBIDDEN and " cannot " in message:
        return f"add it to the Role of the {'trigger' if impersonated else 'kubeconfig'}'s ServiceAccount"
    if status == HTTPStatus.NOT_FOUND and (details.get("kind") == "namespaces" or message.startswith('namespaces "')):
        return "create the namespace, or correct metadata.namespace in the template"
    if status == HTTPStatus.NOT_FOUND and not details.get("name"):
        return "the cluster does not serve this kind at this apiVersion: install it (its CRD), or correct the template"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirects are not followed: the kubeconfig's server must be the API itself"
    return ""
