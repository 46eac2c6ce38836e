"""Secret Manager through the real client over gRPC: rotation, faults, outages, floods."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import grpc
import pytest
from grpc import StatusCode

from functions.adapters import google_calls
from functions.adapters.secrets.manager import LISTS, MAX_VERSIONS
from functions.common.errors import LastingError, PassingError, VerificationSetupError
from functions.common.values import Refusal, SecretRef
from functions.interceptors.base import Assurance
from tests.adapters.secrets.support import (
    HANGING_SECONDS,
    HOOK,
    NAMESPACE,
    OTHER,
    PROJECT,
    ManagedSecrets,
    accepted,
    counts,
    verdict,
)
from tests.adapters.secrets.support import within as deadline
from tests.standins.secret_manager import SecretManager

SECRET = f"projects/{PROJECT}/secrets/{HOOK.name}"
KUBECONFIG = f"projects/{PROJECT}/secrets/kubeconfig"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as running:
        yield running


@pytest.fixture
def managed(manager: SecretManager, monkeypatch: pytest.MonkeyPatch) -> ManagedSecrets:
    return ManagedSecrets(manager, monkeypatch)


def setup_error(managed: ManagedSecrets, ref: SecretRef = HOOK) -> str:
    with pytest.raises(VerificationSetupError) as caught:
        managed.open().accepted(ref, deadline())
    return caught.value.reason


class TestValues:
    def test_a_plain_value_is_the_value(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"plain")
        assert managed.open().accepted(HOOK, deadline()) == (b"plain",)

    def test_a_json_object_is_looked_up_by_the_key(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, json.dumps({"secretkey": "käse", "other": "x"}).encode())
        assert managed.open().accepted(HOOK, deadline()) == ("käse".encode(),)

    def test_a_missing_key_is_named(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b'{"other": "hidden-value"}')
        reason = setup_error(managed)
        assert "cannot find secretkey key in secret goldstine-lab/github-webhook, which has others" in reason
        assert "hidden-value" not in reason

    @pytest.mark.parametrize("payload", [b"", b"\n", b"\r\n", b"  \n", b'{"secretkey": ""}', b'{"secretkey": "\\n"}'])
    def test_an_empty_value_is_never_accepted(
        self, managed: ManagedSecrets, manager: SecretManager, payload: bytes
    ) -> None:
        manager.add(PROJECT, HOOK.name, payload)
        assert "empty" in setup_error(managed)

    def test_the_largest_payload(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        value = b"k" * 64 * 1024
        manager.add(PROJECT, HOOK.name, value)
        assert managed.open().accepted(HOOK, deadline()) == (value,)


class TestRotation:
    def test_no_delivery_is_lost(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        store = managed.open()
        assert accepted(store, b"old")
        managed.clock.pass_by(30)
        manager.add(PROJECT, HOOK.name, b"new")
        assert accepted(store, b"new"), "the sender uses the new key at once, the cache had the old one alone"
        assert accepted(store, b"old"), "deliveries signed before the switch are on their way"
        manager.disable(PROJECT, HOOK.name, 1)
        managed.clock.pass_by(60)
        assert not accepted(store, b"old")
        assert accepted(store, b"new")

    @pytest.mark.parametrize("end", ["disable", "destroy"])
    def test_an_ended_version_is_refused_within_the_life(
        self, managed: ManagedSecrets, manager: SecretManager, end: str
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.add(PROJECT, HOOK.name, b"new")
        store = managed.open()
        assert store.accepted(HOOK, deadline()) == (b"new", b"old")
        getattr(manager, end)(PROJECT, HOOK.name, 1)
        managed.clock.pass_by(60)
        assert store.accepted(HOOK, deadline()) == (b"new",)

    def test_a_newest_version_that_is_disabled_leaves_the_older(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.add(PROJECT, HOOK.name, b"bad")
        store = managed.open()
        assert store.accepted(HOOK, deadline()) == (b"bad", b"old")
        manager.disable(PROJECT, HOOK.name, 2)
        managed.clock.pass_by(60)
        assert store.accepted(HOOK, deadline()) == (b"old",)

    @pytest.mark.parametrize("newer", [0, 3], ids=["found-by-number", "listed"])
    def test_a_version_that_is_enabled_again_is_found_by_the_signature_that_needs_it(
        self, managed: ManagedSecrets, manager: SecretManager, newer: int
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        for number in range(newer + 1):
            manager.add(PROJECT, HOOK.name, b"new-%d" % number)
        manager.disable(PROJECT, HOOK.name, 1)
        store = managed.open()
        assert not accepted(store, b"old")
        manager.enable(PROJECT, HOOK.name, 1)
        managed.clock.pass_by(599)
        assert not accepted(store, b"old"), "not looked for again so soon, whatever is sent"
        managed.clock.pass_by(10)
        assert accepted(store, b"old")
        assert accepted(store, b"new-0")

    def test_two_versions_added_between_two_reads(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"one")
        store = managed.open()
        store.accepted(HOOK, deadline())
        manager.add(PROJECT, HOOK.name, b"two")
        manager.add(PROJECT, HOOK.name, b"three")
        managed.clock.pass_by(60)
        assert store.accepted(HOOK, deadline()) == (b"three", b"two", b"one")

    def test_versions_are_listed_once_as_long_as_signatures_match(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        for number in range(6):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        for version in (1, 2, 3, 5):
            manager.disable(PROJECT, HOOK.name, version)
        store = managed.open()
        for _ in range(60):
            assert accepted(store, b"key-3")
            managed.clock.pass_by(60)
        assert counts(manager) == {"ListSecretVersions": 1, "AccessSecretVersion": 120}

    @pytest.mark.parametrize("versions", [1, 2, 3])
    def test_a_few_versions_are_never_listed(
        self, managed: ManagedSecrets, manager: SecretManager, versions: int
    ) -> None:
        for number in range(versions):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        store = managed.open()
        assert store.accepted(HOOK, deadline()) == tuple(b"key-%d" % number for number in range(versions))[::-1]
        assert counts(manager) == {"AccessSecretVersion": versions}
        managed.clock.pass_by(700)
        assert not accepted(store, b"forged")
        assert "ListSecretVersions" not in counts(manager)

    def test_a_newest_version_that_stays_disabled_has_nothing_listed_again(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.add(PROJECT, HOOK.name, b"bad")
        manager.disable(PROJECT, HOOK.name, 2)
        store = managed.open()
        for _ in range(30):
            assert store.accepted(HOOK, deadline()) == (b"old",)
            managed.clock.pass_by(60)
        assert counts(manager)["ListSecretVersions"] == 1
        manager.add(PROJECT, HOOK.name, b"good")
        assert accepted(store, b"good")
        assert accepted(store, b"old")

    @pytest.mark.parametrize("later", [1, 2])
    def test_a_new_version_below_a_newest_one_that_is_disabled_is_found(
        self, managed: ManagedSecrets, manager: SecretManager, later: int
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        store = managed.open()
        assert accepted(store, b"old")
        manager.add(PROJECT, HOOK.name, b"new")
        for number in range(later):
            manager.disable(PROJECT, HOOK.name, manager.add(PROJECT, HOOK.name, b"slip-%d" % number))
        managed.clock.pass_by(60)
        assert accepted(store, b"new")
        assert accepted(store, b"old")
        assert not accepted(store, b"slip-0")
        assert "ListSecretVersions" not in counts(manager)

    def test_the_newest_versions_count_and_the_log_says_so(
        self, managed: ManagedSecrets, manager: SecretManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(MAX_VERSIONS + 20):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        values = managed.open().accepted(HOOK, deadline())
        assert values == tuple(b"key-%d" % number for number in range(MAX_VERSIONS + 19, 19, -1))
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    def test_without_an_enabled_version_they_are_listed_once_a_minute(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.add(PROJECT, HOOK.name, b"new")
        manager.disable(PROJECT, HOOK.name, 1)
        manager.disable(PROJECT, HOOK.name, 2)
        store = managed.open()
        for _ in range(6):
            with pytest.raises(VerificationSetupError, match="no enabled version"):
                store.accepted(HOOK, deadline())
            managed.clock.pass_by(10)
        assert counts(manager) == {"AccessSecretVersion": 6, "ListSecretVersions": 1}
        manager.enable(PROJECT, HOOK.name, 1)
        assert store.accepted(HOOK, deadline()) == (b"old",)

    def test_a_newest_version_that_is_enabled_again_is_found_at_once(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.disable(PROJECT, HOOK.name, 1)
        store = managed.open()
        with pytest.raises(VerificationSetupError):
            store.accepted(HOOK, deadline())
        manager.add(PROJECT, HOOK.name, b"new")
        managed.clock.pass_by(10)
        assert store.accepted(HOOK, deadline()) == (b"new",)

    def test_no_enabled_version(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.disable(PROJECT, HOOK.name, 1)
        assert f"{SECRET} has no enabled version: add one, or enable one" in setup_error(managed)


class TestQuota:
    """Of lists, 600 a minute and project; the instance that asks is not the only one."""

    def test_what_may_not_be_listed_now_is_read_by_number(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        for number in range(5):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        manager.disable(PROJECT, HOOK.name, 4)
        manager.allow("ListSecretVersions", 0)
        store = managed.open()
        for number in (0, 1, 2, 4):
            assert accepted(store, b"key-%d" % number)
        assert not accepted(store, b"key-3")
        assert [call.code for call in manager.calls if call.method == "ListSecretVersions"] == ["RESOURCE_EXHAUSTED"]

    def test_beyond_the_newest_ten_the_list_is_asked_for_until_it_comes(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        for number in range(MAX_VERSIONS + 2):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        for version in range(2, MAX_VERSIONS + 2):
            manager.disable(PROJECT, HOOK.name, version)
        manager.allow("ListSecretVersions", 0)
        store = managed.open()
        assert accepted(store, b"key-11")
        for _ in range(2):
            with pytest.raises(PassingError, match="older ones cannot be listed"):
                verdict(store, b"key-0")
        manager.mend()
        managed.clock.pass_by(10)
        assert accepted(store, b"key-0")

    def test_an_old_key_that_was_listed_stays_while_a_forgery_has_the_list_asked_for_in_vain(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        for number in range(MAX_VERSIONS + 2):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        for version in range(2, MAX_VERSIONS + 2):
            manager.disable(PROJECT, HOOK.name, version)
        store = managed.open()
        manager.allow("ListSecretVersions", 1)
        for seconds in (300, 300, 20):
            assert accepted(store, b"key-0")
            managed.clock.pass_by(seconds)
        with pytest.raises(PassingError, match="older ones cannot be listed"):
            verdict(store, b"forged")
        assert accepted(store, b"key-0")
        manager.disable(PROJECT, HOOK.name, 1)
        managed.clock.pass_by(60)
        with pytest.raises(PassingError):
            verdict(store, b"key-0")

    def test_one_instance_lists_so_many_secrets_at_once_and_reads_the_others_by_number(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        refs = [SecretRef(NAMESPACE, f"hook-{number}", "k") for number in range(LISTS + 10)]
        store = managed.open()
        for ref in refs:
            for number in range(4):
                manager.add(PROJECT, ref.name, b"key-%d" % number)
            assert accepted(store, b"key-0", ref)
        assert counts(manager)["ListSecretVersions"] == LISTS
        managed.clock.pass_by(700)
        manager.calls.clear()
        for ref in refs[:15]:
            assert isinstance(verdict(store, b"forged", ref), Refusal)
        assert counts(manager)["ListSecretVersions"] <= LISTS, "forgeries drive no more"


class TestPermissions:
    def test_without_listing_the_newest_are_read_by_number(
        self, managed: ManagedSecrets, manager: SecretManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        manager.deny("ListSecretVersions")
        for number in range(MAX_VERSIONS):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        store = managed.open()
        values = tuple(b"key-%d" % number for number in range(MAX_VERSIONS))[::-1]
        for seconds in (60, 540, 600):
            assert store.accepted(HOOK, deadline()) == values
            managed.clock.pass_by(seconds)
        assert counts(manager)["ListSecretVersions"] == 1
        assert not caplog.records

    def test_without_listing_what_is_older_is_not_found_and_the_log_says_so_once(
        self, managed: ManagedSecrets, manager: SecretManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        manager.deny("ListSecretVersions")
        for number in range(MAX_VERSIONS + 1):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        store = managed.open()
        for _ in range(3):
            assert not accepted(store, b"key-0")
            managed.clock.pass_by(600)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "roles/secretmanager.viewer" in caplog.text
        assert SECRET in caplog.text
        manager.mend()
        manager.disable(PROJECT, HOOK.name, 5)
        managed.clock.pass_by(600)
        assert accepted(store, b"key-0")

    def test_without_listing_what_none_of_the_newest_verifies_may_be_right_and_is_once_the_right_is_there(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.deny("ListSecretVersions")
        for number in range(MAX_VERSIONS + 1):
            manager.add(PROJECT, HOOK.name, b"key-%d" % number)
        for version in (5, 6):
            manager.disable(PROJECT, HOOK.name, version)
        store = managed.open()
        for key in (b"key-0", b"forged"):
            with pytest.raises(PassingError, match="older ones cannot be listed"):
                verdict(store, key)
        assert not isinstance(verdict(store, b"key-1"), Refusal)
        manager.add(PROJECT, HOOK.name, b"newest")
        managed.clock.pass_by(60)
        with pytest.raises(PassingError):
            verdict(store, b"key-0")
        assert accepted(store, b"newest")
        manager.mend()
        managed.clock.pass_by(10)
        assert accepted(store, b"key-0")
        assert isinstance(verdict(store, b"forged"), Refusal)

    def test_an_emulator_that_cannot_list_gives_the_latest(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.fail("ListSecretVersions", StatusCode.UNIMPLEMENTED)
        manager.add(PROJECT, HOOK.name, b"key")
        assert managed.open().accepted(HOOK, deadline()) == (b"key",)
        assert counts(manager) == {"AccessSecretVersion": 1}

    def test_without_listing_a_disabled_latest_is_named(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.deny("ListSecretVersions")
        manager.add(PROJECT, HOOK.name, b"old")
        manager.disable(PROJECT, HOOK.name, 1)
        assert "the newest version" in setup_error(managed)
        assert "is disabled" in setup_error(managed)

    def test_a_denied_access_names_role_and_secret(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        manager.deny("AccessSecretVersion")
        reason = setup_error(managed)
        assert f"secretmanager.versions.access is denied on {SECRET}, or it does not exist" in reason
        assert "grant roles/secretmanager.secretAccessor on this secret" in reason

    def test_a_missing_secret_is_named_in_tektons_words(self, managed: ManagedSecrets) -> None:
        reason = setup_error(managed)
        assert reason.startswith('error getting secret: secrets "github-webhook" not found')
        assert "secret goldstine-lab/github-webhook, key secretkey" in reason

    def test_a_missing_secret_is_asked_for_once_in_ten_seconds(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        store = managed.open()
        for _ in range(50):
            with pytest.raises(VerificationSetupError):
                store.accepted(HOOK, deadline())
        assert counts(manager) == {"AccessSecretVersion": 1}
        manager.add(PROJECT, HOOK.name, b"key")
        managed.clock.pass_by(10)
        assert accepted(store, b"key")


def add_key_behind(manager: SecretManager, method: str) -> None:
    """Add a key that cannot be read without a method: versions are listed below a disabled one."""
    manager.add(PROJECT, HOOK.name, b"key")
    if method == "ListSecretVersions":
        manager.add(PROJECT, HOOK.name, b"bad")
        manager.disable(PROJECT, HOOK.name, 2)


class TestFaults:
    @pytest.mark.parametrize("method", ["ListSecretVersions", "AccessSecretVersion"])
    @pytest.mark.parametrize(
        "code", [StatusCode.UNAVAILABLE, StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.ABORTED]
    )
    def test_a_passing_fault_is_tried_again(
        self, managed: ManagedSecrets, manager: SecretManager, method: str, code: StatusCode
    ) -> None:
        add_key_behind(manager, method)
        manager.fail(method, code, times=2)
        assert accepted(managed.open(), b"key")
        assert counts(manager)[method] >= 3

    @pytest.mark.parametrize("method", ["ListSecretVersions", "AccessSecretVersion"])
    @pytest.mark.parametrize(
        "code", [StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAUTHENTICATED]
    )
    def test_a_cold_outage_is_passing(
        self, managed: ManagedSecrets, manager: SecretManager, method: str, code: StatusCode
    ) -> None:
        add_key_behind(manager, method)
        manager.fail(method, code)
        store = managed.open()
        for _ in range(20):
            with pytest.raises(PassingError, match="cannot be read now: Secret Manager"):
                store.accepted(HOOK, deadline())
        assert counts(manager)[method] == (3 if code is StatusCode.UNAVAILABLE else 1)
        manager.mend()
        managed.clock.pass_by(1)
        assert accepted(store, b"key")

    def test_one_unreadable_version_is_an_outage_not_a_shorter_list(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        manager.add(PROJECT, HOOK.name, b"new")
        manager.fail("AccessSecretVersion", StatusCode.UNAVAILABLE, secret="versions/1$")
        with pytest.raises(PassingError):
            verdict(managed.open(), b"old")

    def test_a_silent_connection_is_left_for_a_new_one(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        add_key_behind(manager, "ListSecretVersions")
        manager.hang("ListSecretVersions", times=1)
        managed.first_attempt = HANGING_SECONDS
        assert managed.open().accepted(HOOK, deadline()) == (b"key",)

    def test_no_server_at_all(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        store = managed.open(SECRET_MANAGER_EMULATOR_HOST="127.0.0.1:1")
        with pytest.raises(PassingError, match="UNAVAILABLE"):
            store.accepted(HOOK, deadline())

    def test_an_idle_connection_is_replaced(
        self, managed: ManagedSecrets, manager: SecretManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        opened = mock.Mock(wraps=grpc.insecure_channel)
        monkeypatch.setattr(grpc, "insecure_channel", opened)
        monkeypatch.setattr(google_calls, "LIFE_CLOCK", managed.clock)
        store = managed.open()
        for seconds in (60, 60, 241):
            assert accepted(store, b"key")
            managed.clock.pass_by(seconds)
        assert opened.call_count == 1
        assert accepted(store, b"key")
        assert opened.call_count == 2

    def test_a_damaged_payload_is_read_again(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        manager.corrupt(1)
        assert accepted(managed.open(), b"key")
        assert counts(manager)["AccessSecretVersion"] == 2

    def test_a_payload_that_stays_damaged_is_never_used(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        manager.corrupt(1000)
        with pytest.raises(PassingError, match="checksum"):
            verdict(managed.open(), b"key")
        assert counts(manager)["AccessSecretVersion"] == 2

    def test_an_unexpected_refusal_is_lasting(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.fail("", StatusCode.INVALID_ARGUMENT, message="quotes the request")
        reason = setup_error(managed)
        assert f"Secret Manager refuses to read {SECRET}/versions/latest (INVALID_ARGUMENT)" in reason
        assert "quotes" not in reason


class TestOutageWithLastGood:
    def test_last_good_values_serve_for_ten_minutes(
        self, managed: ManagedSecrets, manager: SecretManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        store = managed.open()
        assert accepted(store, b"key")
        manager.fail("", StatusCode.UNAVAILABLE)
        for _ in range(9):
            managed.clock.pass_by(61)
            assert accepted(store, b"key")
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        managed.clock.pass_by(52)
        with pytest.raises(PassingError):
            verdict(store, b"key")
        manager.mend()
        managed.clock.pass_by(1)
        assert accepted(store, b"key")

    def test_calls_in_an_outage_are_bounded(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        store = managed.open()
        assert accepted(store, b"key")
        managed.clock.pass_by(60)
        manager.calls.clear()
        manager.fail("", StatusCode.UNAVAILABLE)
        for _ in range(100):
            assert accepted(store, b"key")
        assert len(manager.calls) == 3, "the attempts of one read"

    def test_a_wrong_signature_in_an_outage_may_be_a_newer_key(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        store = managed.open()
        assert accepted(store, b"old")
        managed.clock.pass_by(30)
        manager.fail("", StatusCode.UNAVAILABLE)
        manager.add(PROJECT, HOOK.name, b"new")
        for _ in range(2):
            with pytest.raises(PassingError):
                verdict(store, b"new")
        assert accepted(store, b"old")

    def test_a_lasting_fault_ends_last_good_values(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        store = managed.open()
        assert accepted(store, b"key")
        manager.deny("AccessSecretVersion")
        managed.clock.pass_by(60)
        with pytest.raises(VerificationSetupError):
            verdict(store, b"key")


class TestFloods:
    def test_forgeries_drive_one_call_in_ten_seconds(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        store = managed.open()
        assert accepted(store, b"key")
        manager.calls.clear()
        for _ in range(44):
            for _ in range(20):
                assert isinstance(verdict(store, b"forged"), Refusal)
            managed.clock.pass_by(1)
        assert counts(manager) == {"AccessSecretVersion": 4}

    def test_forgeries_for_many_secrets_are_bounded_together(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        refs = [SecretRef(NAMESPACE, f"hook-{number}", "k") for number in range(60)]
        store = managed.open()
        for ref in refs:
            manager.add(PROJECT, ref.name, b"key")
            assert accepted(store, b"key", ref)
        managed.clock.pass_by(20)
        manager.calls.clear()
        for ref in refs:
            assert isinstance(verdict(store, b"forged", ref), Refusal)
        assert counts(manager) == {"AccessSecretVersion": 20}

    def test_names_chosen_by_a_sender_are_bounded(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        store = managed.open()
        for number in range(520):
            with pytest.raises((VerificationSetupError, PassingError)):
                store.accepted(SecretRef(NAMESPACE, f"guess-{number}", "k"), deadline())
        assert len(manager.calls) == 500

    def test_64_threads_read_once(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"key")
        store = managed.open()
        together = threading.Barrier(64)

        def deliver(_: int) -> object:
            together.wait()
            return verdict(store, b"key")

        with ThreadPoolExecutor(64) as pool:
            assert set(pool.map(deliver, range(64))) == {Assurance.SIGNED}
        assert counts(manager) == {"AccessSecretVersion": 1}

    def test_64_threads_find_a_new_key_with_one_call(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, HOOK.name, b"old")
        store = managed.open()
        assert accepted(store, b"old")
        managed.clock.pass_by(20)
        manager.add(PROJECT, HOOK.name, b"new")
        manager.calls.clear()
        together = threading.Barrier(64)

        def deliver(_: int) -> object:
            together.wait()
            return verdict(store, b"new")

        with ThreadPoolExecutor(64) as pool:
            assert set(pool.map(deliver, range(64))) == {Assurance.SIGNED}
        assert counts(manager) == {"AccessSecretVersion": 2}, "latest, and the old version"


class TestTenants:
    def test_a_tenant_reads_its_own(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, "team-a-hook", b"of team-a")
        manager.add(PROJECT, "team-b-hook", b"of team-b")
        store = managed.open(namespaces=("team", "team-a", "team-b"), SECRET_ID_FORMAT="{namespace}-{name}")
        assert store.accepted(SecretRef("team-a", "hook", "k"), deadline()) == (b"of team-a",)
        with pytest.raises(VerificationSetupError, match="belongs to namespace team-a"):
            store.accepted(SecretRef("team", "a-hook", "k"), deadline())

    @pytest.mark.parametrize("variable", ["KUBECONFIG_SECRET", "GITHUB_TOKEN_SECRET"])
    @pytest.mark.parametrize("resource", [KUBECONFIG, f"{KUBECONFIG}/versions/3", "projects/123/secrets/kubeconfig"])
    def test_no_trigger_reads_the_functions_own_credentials(
        self, managed: ManagedSecrets, manager: SecretManager, variable: str, resource: str
    ) -> None:
        manager.add(PROJECT, "kubeconfig", b"credentials")
        store = managed.open(**{variable: resource})
        with pytest.raises(VerificationSetupError, match="the function's own credentials"):
            store.accepted(SecretRef(NAMESPACE, "kubeconfig", "k"), deadline())
        assert not manager.calls

    def test_another_projects_secret_of_that_name_is_another_secret(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, "kubeconfig", b"key")
        store = managed.open(KUBECONFIG_SECRET="projects/infrastructure/secrets/kubeconfig")
        assert store.accepted(SecretRef(NAMESPACE, "kubeconfig", "k"), deadline()) == (b"key",)


class TestOwnCredentials:
    def test_the_newest_enabled_version_with_one_call(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, "kubeconfig", b'{"json": "is no lookup here"}\n')
        store = managed.open()
        for _ in range(3):
            assert store.fetch_secret(KUBECONFIG, deadline()) == b'{"json": "is no lookup here"}\n'
        assert counts(manager) == {"AccessSecretVersion": 1}

    def test_a_disabled_newest_version_is_passed_over(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, "kubeconfig", b"one")
        manager.add(PROJECT, "kubeconfig", b"two")
        manager.disable(PROJECT, "kubeconfig", 2)
        store = managed.open()
        assert store.fetch_secret(KUBECONFIG, deadline()) == b"one"
        manager.disable(PROJECT, "kubeconfig", 1)
        managed.clock.pass_by(60)
        with pytest.raises(LastingError, match="no enabled version"):
            store.fetch_secret(KUBECONFIG, deadline())

    def test_a_disabled_newest_version_without_listing(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, "kubeconfig", b"one")
        manager.disable(PROJECT, "kubeconfig", 1)
        manager.deny("ListSecretVersions")
        with pytest.raises(LastingError, match=r"roles/secretmanager\.viewer"):
            managed.open().fetch_secret(KUBECONFIG, deadline())

    def test_a_version_that_is_named(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        manager.add(PROJECT, "kubeconfig", b"one")
        manager.add(PROJECT, "kubeconfig", b"two")
        store = managed.open()
        assert store.fetch_secret(f"{KUBECONFIG}/versions/1", deadline()) == b"one"
        manager.disable(PROJECT, "kubeconfig", 1)
        managed.clock.pass_by(60)
        with pytest.raises(LastingError, match="versions/1 is disabled or destroyed"):
            store.fetch_secret(f"{KUBECONFIG}/versions/1", deadline())

    def test_it_is_read_anew_on_demand_but_not_on_every_one(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, "kubeconfig", b"one")
        store = managed.open()
        assert store.fetch_secret(KUBECONFIG, deadline()) == b"one"
        manager.add(PROJECT, "kubeconfig", b"two")
        managed.clock.pass_by(11)
        assert store.fetch_secret(KUBECONFIG, deadline()) == b"one"
        for _ in range(5):
            assert store.fetch_secret(KUBECONFIG, deadline(), refresh=True) == b"two"
        assert counts(manager) == {"AccessSecretVersion": 2}

    def test_guesses_at_triggers_secrets_do_not_crowd_them_out(
        self, managed: ManagedSecrets, manager: SecretManager
    ) -> None:
        manager.add(PROJECT, "kubeconfig", b"one")
        store = managed.open()
        for number in range(501):
            with pytest.raises((VerificationSetupError, PassingError)):
                store.accepted(SecretRef(NAMESPACE, f"guess-{number}", "k"), deadline())
        assert store.fetch_secret(KUBECONFIG, deadline()) == b"one"

    def test_faults(self, managed: ManagedSecrets, manager: SecretManager) -> None:
        store = managed.open()
        with pytest.raises(LastingError, match='secrets "kubeconfig" not found'):
            store.fetch_secret(KUBECONFIG, deadline())
        manager.add(PROJECT, "kubeconfig", b"\n")
        managed.clock.pass_by(10)
        with pytest.raises(LastingError, match="kubeconfig is empty"):
            store.fetch_secret(KUBECONFIG, deadline())
        manager.fail("", StatusCode.UNAVAILABLE)
        with pytest.raises(PassingError, match="kubeconfig2 cannot be read now"):
            store.fetch_secret(f"{KUBECONFIG}2", deadline())


def test_no_value_stands_in_a_repr_a_log_or_an_error(
    managed: ManagedSecrets, manager: SecretManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("google").setLevel(logging.DEBUG)
    canary = b"canary-value"
    manager.add(PROJECT, HOOK.name, canary)
    manager.add(PROJECT, OTHER.name, b'{"secretkey": {"nested": "canary-value"}, "canary-value": ["canary-value"]}')
    manager.add(PROJECT, "broken", b'{"secretkey": "\\ud800canary-value"}')
    store = managed.open()
    assert accepted(store, canary)
    said = [repr(store), repr(store._cache), repr(store._cache._entries)]
    for ref in (OTHER, SecretRef(NAMESPACE, "broken", "secretkey")):
        with pytest.raises(VerificationSetupError, match="not a string") as caught:
            store.accepted(ref, deadline())
        error: BaseException | None = caught.value
        while error is not None:
            said += [repr(error), repr(vars(error))]
            error = error.__cause__ or error.__context__
    manager.fail("", StatusCode.UNAVAILABLE)
    managed.clock.pass_by(61)
    assert accepted(store, canary)
    assert caplog.records
    assert "canary" not in "".join([*said, caplog.text, *(repr(vars(record)) for record in caplog.records)])
