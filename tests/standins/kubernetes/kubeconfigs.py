"""Kubeconfig files for the stand-in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.standins.certificates import KeyPair


def kubeconfig(*, url: str, ca_pem: str | None, token: str | None, certificate: KeyPair | None, namespace: str) -> str:
    """Write a kubeconfig (YAML) with everything in its data; `ca_pem` None: the server is not verified."""
    cluster: dict[str, Any] = {"server": url}
    if ca_pem is None:
        cluster["insecure-skip-tls-verify"] = True
    else:
        cluster["certificate-authority-data"] = _encoded(ca_pem.encode())
    user: dict[str, Any] = {}
    if token is not None:
        user["token"] = token
    if certificate is not None:
        user["client-certificate-data"] = _encoded(certificate.certificate)
        user["client-key-data"] = _encoded(certificate.key)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "standin", "cluster": cluster}],
        "users": [{"name": "pipehook", "user": user}],
        "contexts": [
            {
                "name": "pipehook@standin",
                "context": {"cluster": "standin", "user": "pipehook", "namespace": namespace},
            }
        ],
        "current-context": "pipehook@standin",
    }
    return yaml.safe_dump(document, sort_keys=False)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
