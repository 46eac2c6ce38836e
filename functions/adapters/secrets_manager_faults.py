"""What Secret Manager's refusals mean. Imported with the first of them, since the library's errors import much else."""

from __future__ import annotations

import grpc
from google.api_core import exceptions

from functions.adapters.secrets_manager import DeniedError, DisabledError, NotFoundError
from functions.errors import LastingError, PassingError, PipehookError

_PASSING = (
    exceptions.ServerError,  # UNKNOWN, INTERNAL, UNAVAILABLE, DEADLINE_EXCEEDED and DATA_LOSS
    exceptions.Aborted,
    exceptions.Cancelled,
)


def passing(failure: grpc.RpcError) -> str:
    """Return why the service does not answer, when another attempt may find it well; else an empty string."""
    error = _told(failure)
    if isinstance(error, exceptions.MethodNotImplemented) or not isinstance(error, _PASSING):
        return ""
    return f"Secret Manager does not answer ({_code(error)})"


def refusal(failure: grpc.RpcError, *, resource: str, permission: str, role: str) -> PipehookError:
    """Return what an answer means that another attempt would meet again."""
    error = _told(failure)
    secret, _, _ = resource.partition("/versions/")
    if isinstance(error, exceptions.NotFound):
        identifier = secret.rpartition("/")[2]
        return NotFoundError(f'secrets "{identifier}" not found: Secret Manager has no {resource}')
    if isinstance(error, exceptions.FailedPrecondition):
        return DisabledError(f"{resource} is disabled or destroyed")
    if isinstance(error, exceptions.Forbidden) and error.reason == "SERVICE_DISABLED":
        return LastingError("the project has no Secret Manager: enable secretmanager.googleapis.com in it")
    if isinstance(error, exceptions.Forbidden):
        return DeniedError(
            f"{permission} is denied on {secret}, or it does not exist: grant {role} on this secret to the function's "
            "service account"
        )
    if isinstance(error, exceptions.MethodNotImplemented):
        return DeniedError(f"this Secret Manager, an emulator perhaps, has no {permission}")
    if isinstance(error, exceptions.Unauthorized):
        return PassingError("Secret Manager does not accept the function's credentials")
    if isinstance(error, exceptions.ResourceExhausted):
        return PassingError("Secret Manager's quota for this project is used up")
    return LastingError(f"Secret Manager refuses to read {resource} ({_code(error)})")


def _told(failure: grpc.RpcError) -> exceptions.GoogleAPICallError:
    # the library knows how the reason is wrapped up in an answer's details
    error: exceptions.GoogleAPICallError = exceptions.from_grpc_error(failure)
    return error


def _code(error: exceptions.GoogleAPICallError) -> str:
    return error.grpc_status_code.name if error.grpc_status_code is not None else type(error).__name__
