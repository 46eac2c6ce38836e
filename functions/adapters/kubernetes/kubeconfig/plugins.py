"""Credential plugins that a kubeconfig may name: understood as a token that is made here, never executed.

What is not understood to the last argument is refused: it might stand for another identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

GOOGLE = "https://accounts.google.com"
_SHOWN = re.compile(r"[\w./:@+-]{1,64}")
_AUDIENCE = re.compile(r"[!-~]{1,1024}")
_IDENTITY = (
    "the way that works: have the cluster trust https://accounts.google.com, and name `gcloud` with the args auth, "
    "print-identity-token and --audiences=AUDIENCE (docs/clusters.md)"
)
_ELSE = (
    "no plugin is executed here, and understood are gke-gcloud-auth-plugin, `gcloud auth print-identity-token` and "
    "kubelogin with the issuer https://accounts.google.com; give one of them, or a ServiceAccount's token "
    "(`pipehook kubeconfig` writes either)"
)


class Credential(Struct, frozen=True):
    """Which of Google's tokens of the function's own identity is sent; an identity token is for one `audience`."""

    kind: Literal["access", "identity"]
    audience: str = ""


class UnknownPluginError(Exception):
    """The plugin is refused; the text says which, why and what to do."""


def understood(plugin: Mapping[str, object]) -> Credential:
    """Return what a user's `exec` stands for. Raises UnknownPluginError."""
    command, arguments = plugin.get("command"), plugin.get("args") or []
    if not isinstance(command, str) or not command:
        raise UnknownPluginError("exec names no command")
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        raise UnknownPluginError("exec.args must be a list of strings")
    name = command.replace("\\", "/").rpartition("/")[2].removesuffix(".exe").removesuffix(".cmd")
    credential = _read(name, [str(argument) for argument in arguments])
    if plugin.get("env"):
        raise UnknownPluginError(
            "exec.env is refused: it would change whose token is sent, and here it is always the function's; remove it"
        )
    return credential


def _read(name: str, arguments: list[str]) -> Credential:
    match name, arguments:
        case "gke-gcloud-auth-plugin", _:
            return _gke(arguments)
        case "gcloud", ["auth", "print-identity-token", *flags]:
            return _gcloud(flags)
        case "kubectl", ["oidc-login", "get-token", *flags]:
            return _kubelogin(flags)
        case (("kubectl-oidc_login" | "kubectl-oidc-login" | "kubelogin"), ["get-token", *flags]) if _is_oidc(flags):
            return _kubelogin(flags)
        case "kubelogin", _:
            raise _refused("kubelogin", f"this is Azure's, whose tokens are not made here; {_IDENTITY}")
        case (("aws" | "aws-iam-authenticator"), _):
            raise _refused(name, f"AWS's tokens are not made here; {_IDENTITY}")
    raise _refused(name, _ELSE)


def _gke(arguments: list[str]) -> Credential:
    for flag, value in _flags(arguments):
        if flag != "--use_application_default_credentials" or value != "true":
            raise _refused("gke-gcloud-auth-plugin", f"{_cut(flag)} means nothing here; remove it")
    return Credential("access")


def _gcloud(arguments: list[str]) -> Credential:
    audience = ""
    for flag, value in _flags(arguments):
        if flag == "--audiences":
            audience = value
        elif flag == "--impersonate-service-account":
            raise _refused("gcloud", "the token is the function's own; remove --impersonate-service-account")
        elif flag not in ("--include-email", "--token-format", "--quiet", "-q", "--verbosity"):
            raise _refused("gcloud", f"{_cut(flag)} means nothing here; remove it")
        elif flag == "--token-format" and value != "full":
            raise _refused("gcloud", "the token's format is always full; remove --token-format")
    return _for_audience("gcloud", audience, "--audiences=AUDIENCE")


def _kubelogin(arguments: list[str]) -> Credential:
    """Return what int128/kubelogin would get; its other flags say how a person logs in, which nobody does here."""
    found = dict(_flags(arguments))
    issuer = found.get("--oidc-issuer-url", "").rstrip("/")
    if issuer != GOOGLE:
        raise _refused("oidc-login", f"the function gets tokens of the issuer {GOOGLE} alone; {_IDENTITY}")
    if found.get("--oidc-use-access-token", "false") != "false":
        raise _refused("oidc-login", "the function sends an identity token; remove --oidc-use-access-token")
    return _for_audience("oidc-login", found.get("--oidc-client-id", ""), "--oidc-client-id=AUDIENCE")


def _for_audience(name: str, audience: str, flag: str) -> Credential:
    if not _AUDIENCE.fullmatch(audience) or "," in audience:
        raise _refused(name, f"{flag} must name the one audience that the cluster takes")
    return Credential("identity", audience)


def _is_oidc(arguments: list[str]) -> bool:
    return any(flag == "--oidc-issuer-url" for flag, _ in _flags(arguments))


def _flags(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yield flags and their values, `--flag=value` or `--flag value`; a flag alone is true."""
    rest = list(arguments)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag.startswith("--") and not equals:
            value = "true" if not rest or rest[0].startswith("-") else rest.pop(0)
        yield flag, value


def _refused(name: str, why: str) -> UnknownPluginError:
    return UnknownPluginError(f"the credential plugin {_cut(name)} is refused: {why}")


def _cut(name: str) -> str:
    # a path or a flag is no secret; what looks like anything else is not repeated
    return name if _SHOWN.fullmatch(name) else "that is named"
