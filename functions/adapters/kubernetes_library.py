"""The narrow way into the `kubernetes` package: its HTTP layer, without what its packages import eagerly.

`import kubernetes` executes eight sub-packages; `kubernetes.config` alone brings google-auth, requests,
requests-oauthlib and a dozen more, and `kubernetes.client.api_client` brings pydantic and dateutil for generated models
that a function which sends plain dictionaries never sees. Creating objects takes `kubernetes.client.rest` and
`.configuration`; what `ApiClient.call_api` adds to them is one call handed on.

The `__init__.py` of the packages on the way are deferred (see `deferred`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.adapters.deferred import defer

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject

_DEFERRED = ("kubernetes", "kubernetes.client", "kubernetes.utils")


def load() -> tuple[type[Configuration], type[RESTClientObject]]:
    """Import the client's HTTP layer and return its two classes."""
    defer(*_DEFERRED)
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415 -- only when the cluster is first used
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 -- as above

    return Configuration, RESTClientObject
