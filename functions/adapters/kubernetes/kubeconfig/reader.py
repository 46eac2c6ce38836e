"""Kubeconfigs: parsed into a `ClusterAccess`, strictly where they come from Secret Manager, more laxly from a file.

Own parsing on purpose: `kubernetes.config` ignores `as`, and after an exec plugin that fails sends its requests without
credentials.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.document import load_document
from functions.adapters.kubernetes.kubeconfig.values import is_host, pem_blocks, split_url
from functions.common.errors import mistaken

if TYPE_CHECKING:
    from functions.adapters.kubernetes.kubeconfig.plugins import Credential

_MAX_FILE_BYTES = 256 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REMEDY = "give a ServiceAccount's token in the data instead (`pipehook kubeconfig` writes such a kubeconfig)"
_GOOGLE_HOST = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.gke\.goog|([a-z0-9-]+-)?connectgateway\.googleapis\.com")
_LOG = logging.getLogger(__name__)

_REFUSED_USER = {
    "auth-provider": f"Kubernetes has removed these plugins; {_REMEDY}",
    "username": f"API servers have no basic authentication any more; {_REMEDY}",
    "password": f"API servers have no basic authentication any more; {_REMEDY}",
    "as": "the kubeconfig's own identity must do: give its ServiceAccount the rights, or use that account's token",
    "as-uid": "as `as`: use the token of the identity itself",
    "as-groups": "as `as`: use the token of the identity itself",
    "as-user-extra": "as `as`: use the token of the identity itself",
}
"""Fields of a user that are refused wherever the kubeconfig comes from."""

_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
    "tokenFile": "token",
}
"""Fields that name a file, and the field that holds the same as data."""


def parse_kubeconfig(text: bytes | str, *, trusted_local: bool, directory: Path | None = None) -> ClusterAccess:
    """Return the access that a kubeconfig's current context gives.

    With `trusted_local`, files are read relative to `directory`, the system's authorities may do, and plain http to
    this machine, a user without credentials there (`kubectl proxy` has its own) and insecure-skip-tls-verify pass with
    a warning. Raises ConfigurationError with every mistake.
    """
    reader = _Reader(trusted_local=trusted_local, directory=directory or Path())
    access = reader.access(load_document(text))
    if access is None or reader.mistakes:
        raise mistaken("the kubeconfig", reader.mistakes, ", which the log lists")
    for warning in reader.warnings:
        _LOG.warning("%s", warning)
    return access


def is_google(server: str) -> bool:
    """Say whether a server is one of Google's front ends, whose certificates are public: the file has no authority.

    GKE's DNS endpoints and the Connect gateway, as `gcloud container clusters get-credentials --dns-endpoint` and
    `gcloud container fleet memberships get-credentials` write them.
    """
    parts = split_url(server)
    return parts is not None and parts.port in (None, 443) and bool(_GOOGLE_HOST.fullmatch(parts.hostname or ""))


class _Reader:
    """Reads one kubeconfig and keeps what is wrong with it."""

    def __init__(self, *, trusted_local: bool, directory: Path) -> None:
        self.mistakes: list[str] = []
        self.warnings: list[str] = []
        self._local = trusted_local
        self._directory = directory

    def wrong(self, where: str, what: str) -> None:
        self.mistakes.append(f"kubeconfig: {where}: {what}")

    def access(self, document: Mapping[str, object]) -> ClusterAccess | None:
        """Follow current-context and read what it names."""
        if document.get("kind", "Config") != "Config":
            self.wrong("kind", "must be Config")
        context = self._named(document, "contexts", "context", document.get("current-context"), "current-context")
        if context is None:
            return None
        name = document["current-context"]
        cluster = self._named(document, "clusters", "cluster", context.get("cluster"), f"context {name}: cluster")
        user = self._named(document, "users", "user", context.get("user"), f"context {name}: user")
        if cluster is None or user is None:
            return None
        where, who = f"cluster {context['cluster']}", f"user {context['user']}"
        namespace = self._text(context, "namespace", f"context {name}")
        server, insecure = self._server(cluster, where)
        credential = self._plugin(user, who)
        if credential and self._local and (insecure or not server.startswith("https:")):
            self.wrong(who, "a token of Google's goes to servers alone whose certificates are verified; give a token")
        certificate, key, token = self._credentials(user, who, here=self._is_here(server))
        ca_pem = self._pem(cluster, "certificate-authority", where, "CERTIFICATE")
        given = cluster.keys() & {"certificate-authority", "certificate-authority-data"}
        if not given and not insecure and server.startswith("https:") and not self._local and not is_google(server):
            self.wrong(
                where,
                "certificate-authority-data is missing; give the PEM of the authority that signed the API's "
                "certificate, base64-encoded",
            )
        return ClusterAccess(
            server=server,
            ca_pem=ca_pem,
            token=token,
            credential=credential,
            client_certificate_pem=certificate,
            client_key_pem=key,
            namespace=namespace or "default",
            tls_server_name=self._tls_server_name(cluster, where),
            insecure=insecure,
            proxy_url=self._proxy(cluster, where),
        )

    def _named(
        self, document: Mapping[str, object], plural: str, singular: str, name: object, asker: str
    ) -> Mapping[str, object] | None:
        """Return the entry of a list that carries `name`, or None, a mistake then being noted."""
        entries = document.get(plural)
        if not isinstance(entries, list):
            self.wrong(plural, "missing, or not a list")
            return None
        named: dict[str, object] = {}
        for entry in entries:
            key = entry.get("name") if isinstance(entry, dict) else None
            if isinstance(key, str):
                if key in named:
                    self.wrong(plural, f"{key} stands there twice; remove the one that is not meant")
                named[key] = entry.get(singular)
        known = ", ".join(sorted(named)) or "none"
        if not isinstance(name, str) or not name:
            self.wrong(asker, f"missing; name one of {plural}: {known}")
            return None
        if name not in named:
            self.wrong(asker, f"{name} is not among {plural}: {known}")
            return None
        found = named[name]
        if found is None:
            return {}
        if not isinstance(found, dict):
            self.wrong(f"{singular} {name}", "must be an object")
            return None
        return found

    def _text(self, entry: Mapping[str, object], name: str, where: str) -> str:
        value = entry.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(where, f"{name} must be a string")
            return ""
        return value.strip()

    def _server(self, cluster: Mapping[str, object], where: str) -> tuple[str, bool]:
        """Return the server's URL and whether its certificate goes unverified."""
        server = self._text(cluster, "server", where).rstrip("/")
        insecure = cluster.get("insecure-skip-tls-verify", False)
        if not isinstance(insecure, bool):
            self.wrong(where, "insecure-skip-tls-verify must be true or false")
        elif insecure and not self._local:
            self.wrong(
                where,
                "insecure-skip-tls-verify is refused: anybody on the way could read the token; remove it and give "
                "certificate-authority-data",
            )
        elif insecure:
            self.warnings.append(
                f"kubeconfig: {where}: the API's certificate is not verified; only ever for a cluster on this machine"
            )
        parts = split_url(server)
        if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
            self.wrong(where, "server must be a URL such as https://203.0.113.7:6443, without user, query or fragment")
        elif parts.scheme == "http" and self._is_here(server):
            self.warnings.append(f"kubeconfig: {where}: plain http to this machine; the token travels unencrypted")
        elif parts.scheme != "https":
            only = " (plain http may only go to this machine)" if self._local else ""
            self.wrong(where, f"server must be https: the token would travel unencrypted{only}")
        # HTTPS:// is https as well, and must be seen to be
        return f"{parts.scheme}:{server.partition(':')[2]}" if parts else server, insecure is True

    def _tls_server_name(self, cluster: Mapping[str, object], where: str) -> str:
        name = self._text(cluster, "tls-server-name", where)
        if name and not is_host(name):
            self.wrong(where, "tls-server-name must be a name or an address that stands in the API's certificate")
        return name

    def _is_here(self, server: str) -> bool:
        parts = split_url(server)
        return self._local and parts is not None and parts.hostname in _LOOPBACK

    def _plugin(self, user: Mapping[str, object], who: str) -> Credential | None:
        """Return the token that a credential plugin stands for."""
        plugin = user.get("exec")
        if not plugin:
            return None
        from functions.adapters.kubernetes.kubeconfig.plugins import UnknownPluginError, understood  # noqa: PLC0415 -- most have none

        if not isinstance(plugin, dict):
            self.wrong(who, "exec must be an object")
            return None
        try:
            credential = understood(plugin)
        except UnknownPluginError as error:
            self.wrong(who, str(error))
            return None
        for name in ("client-certificate", "client-certificate-data", "token", "tokenFile"):
            if user.get(name):
                self.wrong(who, f"{name} stands beside exec; which of them is meant? remove the other")
        return credential

    def _credentials(self, user: Mapping[str, object], who: str, *, here: bool) -> tuple[str, str, str]:
        """Return client certificate, its key and token; `here`: of a server on this machine, which may need none."""
        refused = [name for name in _REFUSED_USER if user.get(name)]
        for name in refused:
            self.wrong(who, f"{name} is refused: {_REFUSED_USER[name]}")
        refused += ["exec"] if user.get("exec") else []  # judged already
        before = len(self.mistakes)
        certificate = self._pem(user, "client-certificate", who, "CERTIFICATE")
        key = self._pem(user, "client-key", who, "PRIVATE KEY")
        token = self._text(user, "token", who)
        if path := self._file(user, "tokenFile", who):
            token = path.decode("utf-8", "replace").strip()
        if token and not re.fullmatch(r"[\x21-\x7e]+", token):
            self.wrong(who, "token has blanks or characters that cannot stand in a header; is it cut or encoded twice?")
        if bool(certificate) != bool(key):
            self.wrong(who, "client-certificate-data and client-key-data go together; one of them is missing")
        if "ENCRYPTED" in key:
            self.wrong(who, "client-key-data is encrypted with a passphrase; store it unencrypted")
        if not token and not certificate and not refused and len(self.mistakes) == before:
            if here:
                self.warnings.append(f"kubeconfig: {who}: neither token nor client certificate: requests are anonymous")
            else:
                self.wrong(who, f"neither token nor client-certificate-data: requests would be anonymous; {_REMEDY}")
        return certificate, key, token

    def _pem(self, entry: Mapping[str, object], name: str, where: str, label: str) -> str:
        """Return the PEM behind `name`-data, or in the file that `name` names."""
        field_name = f"{name}-data"
        raw = self._file(entry, name, where)
        if encoded := self._text(entry, field_name, where):
            try:
                raw = base64.b64decode("".join(encoded.split()), validate=True)
            except (binascii.Error, ValueError):
                self.wrong(where, f"{field_name} is not base64; encode the PEM once")
                return ""
        if raw is None:
            return ""
        text = pem_blocks(raw, label)
        if not text:
            self.wrong(where, f"{field_name if encoded else name} holds no PEM with BEGIN {label}")
        return text

    def _file(self, entry: Mapping[str, object], name: str, where: str) -> bytes | None:
        path = self._text(entry, name, where)
        if not path:
            return None
        if not self._local:
            self.wrong(where, f"{name} names a file, which is not there in a function; give {_FILES[name]} instead")
            return None
        try:
            with (self._directory / path).open("rb") as file:
                return file.read(_MAX_FILE_BYTES)
        except OSError as error:
            self.wrong(where, f"{name} cannot be read: {error.strerror}")
            return None

    def _proxy(self, cluster: Mapping[str, object], where: str) -> str:
        proxy = self._text(cluster, "proxy-url", where)
        parts = split_url(proxy)
        if proxy and (parts is None or parts.scheme not in ("http", "https")):
            self.wrong(where, "proxy-url must be a URL such as https://proxy.example.com:3128 (http or https)")
        return proxy
