"""A kubeconfig in a file, for local work."""

from __future__ import annotations

from pathlib import Path

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.document import MAX_BYTES
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.common.errors import ConfigurationError
from functions.common.ports import Deadline


class KubeconfigFile:
    """The AccessSource of local work: a file, read anew when the API refuses what it held."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:  # noqa: ARG002 -- a file is read at once
        """Read the file, whether asked for the first time or again."""
        try:
            with self._path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
        except OSError as error:
            mistake = f"KUBECONFIG: {self._path} cannot be read: {error.strerror}; it must name one kubeconfig file"
            raise ConfigurationError("the kubeconfig cannot be read; the log says why", [mistake]) from error
        return parse_kubeconfig(text, trusted_local=True, directory=self._path.parent)
