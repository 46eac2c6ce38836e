"""An administrator's own access to a cluster, as kubectl has it: merged kubeconfigs, a context, credential plugins."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.document import load_document
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.common.errors import ConfigurationError, LastingError
from functions.common.ports import Deadline

PLUGIN_SECONDS = 60.0
"""A plugin may have to ask the identity provider, or the person."""
_LISTS = ("clusters", "contexts", "users")
_FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}


class Given(Struct, frozen=True):
    """An AccessSource of an access that is there already."""

    access: ClusterAccess

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:  # noqa: ARG002 -- the form of a source
        """Return it."""
        return self.access


class OwnKubeconfig:
    """The AccessSource of commands on a laptop: KUBECONFIG as kubectl reads it, credential plugins included.

    What a plugin gave is kept until the cluster refuses it.
    """

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig
        self._lock = threading.Lock()
        self._access: ClusterAccess | None = None

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:  # noqa: ARG002 -- a person may be asked
        """Read it and run its plugin. Raises ConfigurationError for what is wrong in it, LastingError of a plugin."""
        with self._lock:
            if self._access is None or refresh:
                try:
                    self._access = admin_access(self._kubeconfig, "")
                except click.UsageError as error:
                    mistake = f"KUBECONFIG: {error.message}"
                    raise ConfigurationError("the kubeconfig cannot be used; the log says why", [mistake]) from error
            return self._access


def admin_access(kubeconfig: str, context: str) -> ClusterAccess:
    """Return the access of a context (default: the current one) of a kubeconfig, or of KUBECONFIG, or ~/.kube/config.

    Raises click.UsageError when there is no such file or context, ConfigurationError for what is wrong in it, and
    LastingError when a credential plugin fails.
    """
    paths = [Path(path) for path in (kubeconfig or os.environ.get("KUBECONFIG", "")).split(os.pathsep) if path]
    document = _merged(paths or [Path.home() / ".kube" / "config"])
    name = context or document.get("current-context") or ""
    chosen = _entry(document, "contexts", name, "context")
    cluster = dict(_entry(document, "clusters", str(chosen.get("cluster")), "cluster"))
    user = dict(_entry(document, "users", str(chosen.get("user")), "user"))
    if isinstance(user.get("exec"), dict):
        user = _from_plugin(user["exec"])
    minimal = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {**chosen, "cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": cluster}],
        "users": [{"name": "chosen", "user": user}],
    }
    return parse_kubeconfig(json.dumps(minimal), trusted_local=True)


def _merged(paths: Sequence[Path]) -> dict[str, Any]:
    """Merge kubeconfigs as kubectl does: the first that names something wins."""
    merged: dict[str, Any] = {name: {} for name in _LISTS}
    found = False
    for path in paths:
        try:
            document = load_document(path.read_bytes())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
        found = True
        if document.get("current-context"):
            merged.setdefault("current-context", document["current-context"])
        for kind in _LISTS:
            entries = document.get(kind)
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    value = entry.get(kind.removesuffix("s")) or {}
                    merged[kind].setdefault(entry["name"], _absolute(value, kind, path.parent))
    if not found:
        names = ", ".join(map(str, paths))
        raise click.UsageError(f"there is no kubeconfig {names}: give --kubeconfig, or set KUBECONFIG")
    return merged


def _absolute(value: Mapping[str, Any], kind: str, directory: Path) -> dict[str, Any]:
    entry = dict(value)
    for name in _FILES.get(kind, ()):
        if isinstance(entry.get(name), str) and entry[name]:
            entry[name] = str((directory / entry[name]).resolve())
    plugin = entry.get("exec")
    if isinstance(plugin, dict) and "/" in str(plugin.get("command")):
        entry["exec"] = {**plugin, "command": str((directory / str(plugin["command"])).resolve())}
    return entry


def _entry(document: Mapping[str, Any], kind: str, name: str, what: str) -> Mapping[str, Any]:
    entries = document[kind]
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise click.UsageError(f"the kubeconfig has no {what} {name or '(none is current)'}; it has {known}")
    found: Mapping[str, Any] = entries[name]
    return found


def _status(output: bytes) -> dict[str, Any]:
    """Return what a plugin gave: an ExecCredential's status, or the token alone, as gcloud prints it."""
    if re.fullmatch(rb"[\w-]+\.[\w-]+\.[\w-]+\s*", output):
        return {"token": output.decode().strip()}
    found: dict[str, Any] = json.loads(output)["status"]
    return found


def _from_plugin(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a credential plugin, as client-go does.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    command = [str(plugin.get("command", "")), *map(str, plugin.get("args") or [])]
    environment = {str(entry.get("name")): str(entry.get("value")) for entry in plugin.get("env") or []}
    asked = {
        "apiVersion": plugin.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": False},
    }
    try:
        done = subprocess.run(  # noqa: S603 -- the user's own kubeconfig names it, and kubectl runs it as well
            command,
            env={**os.environ, **environment, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
            stdout=subprocess.PIPE,
            timeout=PLUGIN_SECONDS,
            check=True,
        )
        status = _status(done.stdout)
    except FileNotFoundError as error:
        raise LastingError(
            f"the credential plugin {command[0]} is not installed. {plugin.get('installHint', '')}"
        ) from error
    except (subprocess.SubprocessError, OSError, ValueError, KeyError, TypeError) as error:
        raise LastingError(f"the credential plugin {command[0]} gave no credential; does kubectl work?") from error
    import base64  # noqa: PLC0415 -- for certificates alone

    user: dict[str, Any] = {"token": status["token"]} if status.get("token") else {}
    for name, field in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
        if status.get(field):
            user[name] = base64.b64encode(str(status[field]).encode()).decode()
    return user
