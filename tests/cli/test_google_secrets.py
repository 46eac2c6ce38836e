"""What the command line writes to Secret Manager stands nowhere else."""

from __future__ import annotations

import logging

import pytest

from functions.cli import google_secrets
from tests.standins.secret_manager import SecretManager

SECRET = "projects/p/secrets/cluster"
TRANSPORT = "google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc"


def test_a_value_that_is_written_never_reaches_the_librarys_debug_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # as the library itself does at the first client with GOOGLE_SDK_PYTHON_LOGGING_SCOPE=google
    caplog.set_level(logging.DEBUG, logger=TRANSPORT)
    caplog.set_level(logging.DEBUG)
    with SecretManager() as manager:
        monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", manager.host)
        version = google_secrets.add_version(SECRET, b"canary-value")
        assert version == f"{SECRET}/versions/1"
        assert google_secrets.read_value(SECRET) == b"canary-value"
    assert "canary-value" not in caplog.text
    assert not [record for record in caplog.records if hasattr(record, "request") or hasattr(record, "response")]
