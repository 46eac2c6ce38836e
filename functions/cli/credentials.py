"""What a kubeconfig holds of credentials, and when they end, without showing them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess


def stored(access: ClusterAccess) -> str:
    """Return one clause: that nothing is stored, or what is and when it ends, as far as it says so itself."""
    if access.credential is not None:
        return "no token is stored"
    if not access.token:
        return "it holds a client certificate"
    ends = _ends(access.token)
    if ends is None:
        return "it holds a token, whose end nobody can read"
    return f"it holds a token, which ends at {ends:%Y-%m-%dT%H:%M:%SZ}" if ends else "it holds a token that never ends"


def _ends(token: str) -> datetime | bool | None:
    """Return when a JSON Web Token ends, False for one that does not, None for what is none."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return datetime.fromtimestamp(claims["exp"], UTC) if "exp" in claims else False
    except (ValueError, IndexError, TypeError, OverflowError, OSError):
        return None
