"""Opening secrets: which source, what is warned of, and that nothing is imported or asked before it is needed."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import pytest

from functions.adapters.secrets.sources import open_secrets
from functions.common.errors import VerificationSetupError
from functions.common.ports import Secrets
from functions.settings import read_settings
from tests.adapters.secrets.support import HOOK
from tests.adapters.secrets.support import within as deadline
from tests.standins.secret_manager import SecretManager

LAZY = """
import sys
from functions.adapters.secrets.sources import open_secrets
from functions.settings import read_settings
for source in ("secret-manager://p", "file:///nowhere", "cluster", ""):
    open_secrets(read_settings({"SECRETS_SOURCE": source}), read_cluster=lambda *_: 1 / 0)
heavy = {"google.cloud.secretmanager_v1", "google.auth", "google.api_core", "grpc", "kubernetes", "urllib3", "yaml"}
print(*sorted(heavy & sys.modules.keys()))
"""


def test_without_a_source_the_remedy_is_named() -> None:
    store: Secrets = open_secrets(read_settings({}), read_cluster=mock.Mock())
    for ask in (store.accepted, store.renewed):
        with pytest.raises(VerificationSetupError, match="set SECRETS_SOURCE to secret-manager://PROJECT, file:///DIR"):
            ask(HOOK, deadline())


def test_opening_imports_and_asks_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("source", "template", "warnings"),
    [
        ("secret-manager://p", "{namespace}-{name}", 1),
        ("file:///d", "{namespace}-{name}", 1),
        ("secret-manager://p", "{namespace}_{name}", 0),
        ("secret-manager://p", "{name}", 0),
        ("cluster", "{namespace}-{name}", 0),
    ],
)
def test_an_ambiguous_format_is_warned_of(
    source: str, template: str, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = read_settings({"SECRETS_SOURCE": source, "SECRET_ID_FORMAT": template})
    open_secrets(settings, read_cluster=mock.Mock())
    assert [record.levelname for record in caplog.records] == ["WARNING"] * warnings
    assert ("{namespace}_{name} cannot" in caplog.text) == bool(warnings)


def test_the_real_client_is_opened_by_the_first_secret() -> None:
    with SecretManager() as manager:
        manager.add("p", HOOK.name, b"key")
        environment = {"SECRETS_SOURCE": "secret-manager://p", "SECRET_MANAGER_EMULATOR_HOST": manager.host}
        store = open_secrets(read_settings(environment), read_cluster=mock.Mock())
        assert not manager.calls
        assert store.accepted(HOOK, deadline()) == (b"key",)
