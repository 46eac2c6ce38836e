"""Finds Google's own Pub/Sub emulator, which comes with the Cloud SDK and runs on Java."""

from __future__ import annotations

import shutil
from pathlib import Path

_SDKS = ("/usr/lib/google-cloud-sdk", "/usr/local/google-cloud-sdk", str(Path.home() / "google-cloud-sdk"))


def emulator_jar() -> Path | None:
    """Return Google's emulator where the Cloud SDK has it and Java is there to run it."""
    if shutil.which("java") is None:
        return None
    found = shutil.which("gcloud")
    roots = [*_SDKS, str(Path(found).resolve().parents[1])] if found else list(_SDKS)
    for root in roots:
        for jar in sorted(Path(root).glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")):
            return jar
    return None


def which() -> str:
    """Say which Pub/Sub the tests use."""
    jar = emulator_jar()
    return f"Google's emulator ({jar.name})" if jar else "the gRPC stand-in (no emulator of the Cloud SDK here)"
