"""Secrets from files, DIR/<id>/<secretKey>, as Kubernetes and Cloud Run mount them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from functions.adapters.secrets.ids import SecretIds
from functions.adapters.secrets.limits import Limits
from functions.adapters.secrets.values import MAX_BYTES, Secret, SecretValue
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from functions.common.values import SecretRef

LIMITS = Limits(fresh=5.0, ahead=5.0, renewal=1.0, lasting=1.0, retry=1.0)
"""A changed file counts after five seconds at the latest, and after one when a signature does not match. Not read
each time, since Cloud Run answers each read of a mounted secret by asking Secret Manager."""

_MISSING = (errno.ENOENT, errno.ENOTDIR)


class FileSecrets:
    """Reads secrets for the cache. A location is a file's path.

    Nothing that a manifest names leads out of the directory: names and keys are held to Kubernetes' rules, which know
    no separator. Symbolic links are followed, since mounted secrets are made of them (`..data`).
    """

    def __init__(self, directory: str, ids: SecretIds, *, protected: Sequence[str] = ()) -> None:
        self._directory = str(Path(directory))
        self._ids = ids
        self._protected = tuple(filter(None, protected))

    def locate(self, ref: SecretRef) -> str:
        """Return the path of a reference's file. Raises LastingError when the reference may not be read."""
        # joined by hand, for every delivery: neither of the two holds a separator
        return f"{self._directory}/{self._ids.directory(ref)}/{ref.key}"

    def load(self, location: str, known: Secret | None, deadline: Deadline) -> Secret:  # noqa: ARG002 -- the cache's form
        """Read the file. Raises LastingError when it cannot or may not be read, PassingError when the mount fails."""
        path = Path(location)
        try:
            data = _read(location, self._protected)
        except OSError as error:
            if error.errno in _MISSING and path.parent.is_dir():
                raise LastingError(
                    f"cannot find {path.name} key in secret {path.parent.name}: there is no file {path}"
                ) from error
            if error.errno in _MISSING:
                raise LastingError(
                    f'secrets "{path.parent.name}" not found: there is no directory {path.parent}'
                ) from error
            if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP):
                raise LastingError(f"the file {path} cannot be read: {error.strerror}") from error
            raise PassingError(f"the file {path} cannot be read now: {error.strerror}") from error
        return Secret((SecretValue(data),))


def _read(path: str, protected: Sequence[str]) -> bytes:
    # without waiting: opening a named pipe would wait for somebody who writes
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise LastingError(f"{path} is no file")
        if any(_is_file(found, own) for own in protected):
            raise LastingError(f"the file {path} is the function's own kubeconfig, which no trigger may use")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _is_file(found: os.stat_result, path: str) -> bool:
    # by device and inode: true of symbolic and hard links as well, and of what was opened, whatever becomes of the path
    try:
        return os.path.samestat(found, Path(path).stat())
    except OSError:  # the path leads nowhere
        return False
