"""axe-core, which looks for what keeps people out of a page: fetched once with npm, checked, and kept in .cache."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.support.function import ROOT

VERSION = "4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""The sha512 of the registry's tarball. Its licence, MPL-2.0, is no matter: it is neither vendored nor shipped."""
_KEPT = ROOT / ".cache" / f"axe-core-{VERSION}.js"


@functools.cache
def axe() -> str:
    """Return its source, empty where it is neither kept nor to be had."""
    if not _KEPT.is_file() and shutil.which("npm"):
        _fetch()
    return _KEPT.read_text(encoding="utf-8") if _KEPT.is_file() else ""


def _fetch() -> None:
    with tempfile.TemporaryDirectory() as name:
        pack = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--fetch-retries=0", "--fetch-timeout=20000"]
        try:
            done = subprocess.run(pack, cwd=name, capture_output=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return
        if done.returncode:
            return
        packed = next(Path(name).glob("*.tgz")).read_bytes()
    found = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != INTEGRITY:
        raise RuntimeError(f"axe-core {VERSION} is not what it was: sha512 {found}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile("package/axe.min.js")
        text = file.read() if file else b""
    _KEPT.parent.mkdir(exist_ok=True)
    _KEPT.write_bytes(text)
