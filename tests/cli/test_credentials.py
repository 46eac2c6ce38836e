"""What `doctor` says of stored credentials: which there are and when they end, and never what they are."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.plugins import Credential
from functions.cli.credentials import stored


def token(**claims: Any) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"canary.{encoded}.canary"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": token(exp=1_800_000_000)}, "it holds a token, which ends at 2027-01-15T08:00:00Z"),
        ({"token": token(sub="system:serviceaccount:a:b")}, "it holds a token that never ends"),
        ({"token": "canary"}, "it holds a token, whose end nobody can read"),
        ({"token": "canary.canary.canary"}, "it holds a token, whose end nobody can read"),
        ({"token": token(exp="soon")}, "it holds a token, whose end nobody can read"),
        ({"token": token(exp=1e300)}, "it holds a token, whose end nobody can read"),
        ({"client_certificate_pem": "canary"}, "it holds a client certificate"),
        ({"token": "canary", "credential": Credential("access")}, "no token is stored"),
    ],
)
def test_it_says_what_is_stored_and_when_it_ends(given: dict[str, Any], said: str) -> None:
    assert stored(ClusterAccess(server="https://x", **given)) == said
