"""What a check of `pipehook doctor` says: its result and its remedy; and the two clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from functions.adapters.kubeconfig import ClusterAccess
from functions.cli.needs import Need
from functions.settings import Settings
from functions.values import SecretRef

OK, WARN, FAIL = 0, 1, 2
MAX_SKEW = 30.0
"""Seconds: tokens are good for a minute around their times, Slack's signatures for five."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found."""

    name: str
    result: int
    detail: str
    remedy: str = ""

    def plain(self, word: str) -> dict[str, str]:
        """Return it as plain values, the result as a word."""
        return {"check": self.name, "result": word, "detail": self.detail, "remedy": self.remedy}


def secret_remedy(settings: Settings, ref: SecretRef) -> str:
    """Return the commands that store a secret where the settings look for it."""
    identifier = settings.secret_id_format.format(name=ref.name, namespace=ref.namespace)
    where = settings.secrets_source
    if where.kind == "file":
        return f"openssl rand -hex 32 | tr -d '\\n' > {where.location}/{identifier}/{ref.key}"
    if where.kind == "cluster":
        key = f"--from-literal={ref.key}=$(openssl rand -hex 32)"
        return f"kubectl create secret generic {ref.name} -n {ref.namespace} {key}; the account needs get on it"
    if where.kind == "none":
        return "set SECRETS_SOURCE to secret-manager://PROJECT, file:///DIR or cluster"
    project = f"--project={where.location}"
    return (
        f"gcloud secrets create {identifier} {project}; openssl rand -hex 32 | tr -d '\\n' | gcloud secrets versions "
        f"add {identifier} {project} --data-file=-; gcloud secrets add-iam-policy-binding {identifier} {project} "
        "--role=roles/secretmanager.secretAccessor --member=serviceAccount:…"
    )


def role_remedy(need: Need, plural: str, account: str) -> str:
    """Return the command that allows what is missing."""
    group = need.api_version.rpartition("/")[0]
    kind = f"{plural}.{group}" if group else plural
    if account:
        namespace, name = account.split(":")[2:]
        return (
            f"kubectl create role {name} -n {need.namespace} --verb=create --resource={kind}; kubectl create "
            f"rolebinding {name} -n {need.namespace} --role={name} --serviceaccount={namespace}:{name}"
        )
    return (
        f"kubectl create role pipehook -n {need.namespace} --verb=create,get --resource={kind}; kubectl create "
        f"rolebinding pipehook -n {need.namespace} --role=pipehook --serviceaccount={need.namespace}:pipehook"
    )


def clock(whose: str, date: float | None) -> Check:
    """Return what another clock (seconds since 1970, None when it is not told) says of this one."""
    if date is None:
        return Check("clock", OK, f"{whose} does not tell the time")
    skew = abs(time.time() - date)
    result = OK if skew <= MAX_SKEW else WARN
    return Check("clock", result, f"this clock and that of {whose} differ by {skew:.0f} s", "timedatectl set-ntp true")


def server_date(access: ClusterAccess) -> float | None:
    """Return the API server's time, from the Date of an answer, whatever it answers."""
    import ssl  # noqa: PLC0415 -- for this question alone

    import urllib3  # noqa: PLC0415 -- as above

    context: Any = ssl.create_default_context(cadata=access.ca_pem or None)
    if access.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
            answer = pool.request("GET", f"{access.server}/version", timeout=5.0, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return None
    date = answer.headers.get("Date")
    return parsedate_to_datetime(date).timestamp() if date else None
