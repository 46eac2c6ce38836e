"""The whole function as it is deployed: secrets and kubeconfig from Secret Manager, an HTTPS cluster, both turning."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grpc import StatusCode

from tests.standins.kubernetes.access import Rule, User
from tests.support.application import Application
from tests.support.deliveries import SECRET
from tests.support.production import (
    KEY,
    KUBECONFIG,
    NAMESPACE,
    PROJECT,
    Production,
    manifests,
    open_production,
    push,
    pushed,
)
from tests.support.sources import github, inline, listener

NEW = b"the-next-key"
MAX_BODY = 25 * 1024 * 1024


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


class TestFirstDelivery:
    """A cold instance with nothing but names in its environment."""

    def test_a_push_is_created_with_one_read_of_each_secret(self, production: Production) -> None:
        answer = push(production.application(), pushed("c1"))
        assert (answer.status, answer.statuses) == (202, ["created"])
        assert production.revisions() == ["c1"]
        asked = [(call.method, call.resource) for call in production.manager.calls]
        secrets = f"projects/{PROJECT}/secrets"
        assert asked == [
            ("AccessSecretVersion", f"{secrets}/{KEY}/versions/latest"),
            ("AccessSecretVersion", f"{secrets}/{KUBECONFIG}/versions/latest"),
        ]
        assert [(seen.method, seen.status) for seen in production.cluster.requests] == [("POST", 201)]

    def test_starting_asks_nothing(self, production: Production) -> None:
        production.application()
        assert production.calls() == len(production.cluster.requests) == 0

    def test_the_next_one_asks_secret_manager_nothing(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        before = production.calls()
        assert push(function, pushed()).status == 202
        assert production.calls() == before

    def test_a_value_that_is_a_json_object_is_looked_up_by_its_key(self, production: Production) -> None:
        production.manager.add(PROJECT, "json", json.dumps({"token": SECRET.decode(), "other": "x"}).encode())
        production.write(*manifests(interceptors=[github("json")]))
        assert push(production.application(), pushed()).status == 202

    def test_a_json_object_without_the_key_is_lasting_and_named_in_the_log_alone(
        self, production: Production, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production.manager.add(PROJECT, "json", b'{"other": "x"}')
        production.write(*manifests(interceptors=[github("json")]))
        answer = push(production.application(), pushed())
        assert (answer.status, answer.statuses) == (422, ["failed"])
        assert "json" not in answer.text
        assert f"cannot find token key in secret {NAMESPACE}/json" in capsys.readouterr().out

    def test_nothing_is_fetched_for_a_trigger_that_needs_no_secret(self, production: Production) -> None:
        _, written = manifests()
        production.write(listener(inline("open") | {"interceptors": []}), written)
        function = production.application(UNVERIFIED_TRIGGERS="allow")
        assert push(function, pushed(), key=None).statuses == ["created"]
        assert (production.calls(KEY), production.calls(KUBECONFIG)) == (0, 1)

    def test_the_functions_own_kubeconfig_is_no_triggers_secret(self, production: Production) -> None:
        production.write(*manifests(interceptors=[github(KUBECONFIG)]))
        answer = push(production.application(), pushed(), key=production.cluster.kubeconfig().encode())
        assert (answer.status, production.calls(), production.objects()) == (422, 0, [])


class TestKeyRotation:
    """All enabled versions verify; a version that is disabled ends within a minute."""

    def test_no_delivery_is_lost_at_any_moment(self, production: Production) -> None:
        function = production.application()
        sender = SECRET
        for second in range(0, 300, 5):
            if second == 30:
                production.add_key(NEW)
            elif second == 90:
                sender = NEW
            elif second == 120:
                production.manager.disable(PROJECT, KEY, 1)
            assert push(function, pushed(), key=sender).status == 202, second
            if 60 <= second - 30 < 90:
                assert push(function, pushed(), key=SECRET).status == 202, second
            if second >= 120 + 60:
                assert push(function, pushed(), key=SECRET).status == 401, second
            production.pass_by(5)

    def test_a_new_key_is_found_by_the_first_signature_that_needs_it(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        production.pass_by(11)
        production.add_key(NEW)
        assert push(function, pushed(), key=NEW).status == 202
        assert push(function, pushed(), key=SECRET).status == 202

    @pytest.mark.parametrize("end", ["disable", "destroy"])
    def test_a_key_that_ended_is_refused_after_its_life(self, production: Production, end: str) -> None:
        production.add_key(NEW)
        function = production.application()
        assert push(function, pushed(), key=SECRET).status == 202
        getattr(production.manager, end)(PROJECT, KEY, 1)
        production.pass_by(60)
        refused = push(function, pushed(), key=SECRET)
        assert (refused.status, refused.statuses) == (401, ["rejected"])
        assert push(function, pushed(), key=NEW).status == 202

    def test_whoever_may_not_list_versions_loses_no_delivery_either(
        self, production: Production, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production.manager.deny("ListSecretVersions")
        for number in range(4):
            production.add_key(b"between-%d" % number)
        production.add_key(NEW)
        function = production.application()
        for _ in range(3):
            assert push(function, pushed(), key=NEW).status == 202
            assert push(function, pushed(), key=SECRET).status == 202
            production.pass_by(700)
        assert "roles/secretmanager.viewer" not in capsys.readouterr().out

    def test_what_may_be_signed_with_a_key_that_cannot_be_looked_for_is_503_and_then_the_redelivery_runs(
        self, production: Production, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production.manager.deny("ListSecretVersions")
        for number in range(10):
            production.add_key(b"between-%d" % number)
        for version in (5, 6):
            production.manager.disable(PROJECT, KEY, version)
        function = production.application()
        answer = push(function, pushed(), key=SECRET)
        assert (answer.status, answer.statuses) == (503, ["failed"])
        assert KEY not in answer.text, "nobody unverified learns anything"
        assert "roles/secretmanager.viewer" in capsys.readouterr().out
        production.manager.mend()
        production.pass_by(10)
        assert push(function, pushed(), key=SECRET).status == 202
        assert push(function, pushed(), key=NEW).status == 401

    def test_a_quota_that_is_used_up_costs_no_delivery(self, production: Production) -> None:
        production.manager.allow("ListSecretVersions", 0)
        for number in range(4):
            production.add_key(b"between-%d" % number)
        function = production.application()
        assert push(function, pushed(), key=SECRET).status == 202


class TestKubeconfigRotation:
    """The API refuses what a delivery comes with; the kubeconfig is read again once."""

    def test_a_token_that_was_replaced_costs_no_delivery(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        production.pass_by(11)
        production.cluster.rotate_token("the-next-token")
        production.add_kubeconfig()
        assert push(function, pushed("c2")).statuses == ["created"]
        assert production.posts() == [201, 401, 201]
        assert "c2" in production.revisions()

    def test_until_the_new_version_is_there_it_is_503_and_then_the_redelivery_runs(
        self, production: Production
    ) -> None:
        function, body = production.application(), pushed("c1")
        push(function, pushed("c0"))
        production.pass_by(11)
        production.cluster.rotate_token("the-next-token")
        answer = push(function, body)
        assert (answer.status, answer.statuses, answer.headers["Retry-After"]) == (503, ["failed"], "30")
        assert "the cluster answers 401" in answer.reasons[0]
        assert "rotate it" in answer.reasons[0]
        assert len(production.posts()) <= 3
        production.add_kubeconfig()
        production.pass_by(30)
        assert push(function, body).statuses == ["created"]
        assert production.revisions() == ["c0", "c1"]

    def test_a_revoked_token_cannot_drive_calls(self, production: Production) -> None:
        function = production.application()
        production.cluster.revoke_token()
        for _ in range(50):
            assert push(function, pushed()).status == 503
        assert production.calls(KUBECONFIG) <= 2

    def test_another_cluster_is_found_too(self, production: Production, tmp_path: Path) -> None:
        function = production.application()
        push(function, pushed("c0"))
        production.pass_by(11)
        with pytest.MonkeyPatch.context() as patch, open_production(tmp_path / "other", patch) as other:
            production.add_kubeconfig(other.cluster.kubeconfig(namespace=NAMESPACE))
            production.cluster.revoke_token()
            assert push(function, pushed("c1")).statuses == ["created"]
            assert (production.revisions(), other.revisions()) == (["c0"], ["c1"])

    def test_a_newest_version_that_is_disabled_is_passed_over(self, production: Production) -> None:
        production.manager.disable(PROJECT, KUBECONFIG, production.add_kubeconfig("not this one"))
        assert push(production.application(), pushed()).status == 202

    def test_a_version_that_is_named_is_the_one(self, production: Production) -> None:
        production.add_kubeconfig("not this one")
        named = f"projects/{PROJECT}/secrets/{KUBECONFIG}/versions/1"
        assert push(production.application(KUBECONFIG_SECRET=named), pushed()).status == 202


class TestForgeries:
    """What an unverified sender can make the function do."""

    def test_a_flood_makes_a_bounded_number_of_calls(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        before = production.calls()
        for _ in range(6):
            for _ in range(50):
                assert push(function, pushed(), key=b"forged").status == 401
            production.pass_by(10)
        assert production.calls() - before <= 2 * 6 + 2
        assert production.posts() == [201]

    def test_what_carries_no_signature_makes_none(self, production: Production) -> None:
        function = production.application()
        for sent in ({}, {"X_Hub_Signature_256": ""}, {"X_Hub_Signature_256": "sha256=0"}):
            assert push(function, pushed(), key=None, **sent).status == 401
        assert production.calls() == 0

    def test_a_flood_on_a_cold_instance_in_an_outage_is_bounded_too(self, production: Production) -> None:
        production.manager.fail("", StatusCode.UNAVAILABLE)
        function = production.application()
        assert {push(function, pushed(), key=b"forged").status for _ in range(50)} == {503}
        assert production.calls() <= 6


class TestOutageOfSecretManager:
    """Cold instances cannot verify and say so; warm ones go on for ten minutes."""

    def test_a_cold_instance_answers_503_and_tells_nobody_anything(self, production: Production) -> None:
        production.manager.fail("", StatusCode.UNAVAILABLE)
        function = production.application()
        for key in (SECRET, b"forged"):
            answer = push(function, pushed(), key=key)
            assert (answer.status, answer.statuses, answer.headers["Retry-After"]) == (503, ["failed"], "30")
            assert answer.reasons == ["the delivery cannot be verified now; sending it again later will help"]
            for word in (PROJECT, KEY, NAMESPACE, "listener", "UNAVAILABLE", SECRET.decode()):
                assert word not in answer.text.replace("eventListener", "")
        assert production.objects() == []

    def test_once_it_is_back_the_redelivery_runs(self, production: Production) -> None:
        production.manager.fail("", StatusCode.UNAVAILABLE)
        function, body = production.application(), pushed("c1")
        assert push(function, body).status == 503
        production.manager.mend()
        production.pass_by(2)
        assert push(function, body).statuses == ["created"]
        assert production.revisions() == ["c1"]

    def test_a_warm_instance_serves_from_the_last_good_values_for_ten_minutes(
        self, production: Production, capsys: pytest.CaptureFixture[str]
    ) -> None:
        function = production.application()
        push(function, pushed())
        production.manager.fail("", StatusCode.UNAVAILABLE)
        began = production.clock()
        while production.clock() - began < 590:
            assert push(function, pushed()).status == 202
            production.pass_by(20)
        production.pass_by(20)
        answer = push(function, pushed())
        assert (answer.status, answer.json["eventListener"]) == (503, "")
        assert capsys.readouterr().out.count("last good values") == 1

    def test_a_forgery_is_not_told_apart_from_a_newer_key_then(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        production.pass_by(11)
        production.manager.fail("", StatusCode.UNAVAILABLE)
        assert push(function, pushed(), key=b"forged").status == 503
        assert len(production.objects()) == 1

    def test_the_cluster_is_reached_although_the_kubeconfig_cannot_be_read_again(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        production.manager.fail("", StatusCode.UNAVAILABLE, secret=KUBECONFIG)
        production.pass_by(3600)
        assert push(function, pushed()).status == 202


Edit = Callable[[dict[str, Any], dict[str, Any]], object]
"""Changes a kubeconfig's cluster and user."""


def _with(**fields: str) -> Edit:
    return lambda cluster, _: cluster.update(fields)


def _damaged(cluster: dict[str, Any], _: dict[str, Any]) -> None:
    pem = base64.b64decode(cluster["certificate-authority-data"])
    cluster["certificate-authority-data"] = base64.b64encode(pem[:90] + b"\xe9" + pem[91:]).decode()


REFUSED: dict[str, tuple[Edit, str]] = {
    "exec": (lambda _, user: user.update(exec={"command": "tsh"}), "tsh is refused"),
    "auth-provider": (lambda _, user: user.update({"auth-provider": {"name": "gcp"}}), "auth-provider is refused"),
    "password": (lambda _, user: user.update(username="admin", password="canary"), "password is refused"),
    "as": (lambda _, user: user.update({"as": "system:admin"}), "as is refused"),
    "no token": (lambda _, user: user.clear(), "neither token nor client-certificate-data"),
    "tokenFile": (lambda _, user: user.update(tokenFile="/canary/token"), "tokenFile names a file"),
    "client-key": (lambda _, user: user.update({"client-key": "/canary/key"}), "client-key names a file"),
    "insecure-skip-tls-verify": (
        lambda cluster, _: cluster.update({"insecure-skip-tls-verify": True}),
        "insecure-skip-tls-verify is refused",
    ),
    **{
        f"server {host}": (_with(server=f"https://{host}"), "server must be a URL")
        for host in (
            "exa mple",
            "a..b",
            ".a",
            "-a",
            "exämple.com",
            "a" * 64,
            "a\tb",
            "a:99999",
            "[::1",
            "a_%zz",
            "256.1.1.1",
            "127.1",
            "0x7f.1",
            "1",
        )
    },
    **{
        f"tls-server-name {name[:20]!r}": (_with(**{"tls-server-name": name}), "tls-server-name must be a name")
        for name in ("a..b", "a" * 64, "a\0b", ".a", "ä.example", "x." * 128, "*.example.com", "a b", "1.2.3.4.5")
    },
    "proxy-url": (_with(**{"proxy-url": "http://a..b:3128"}), "proxy-url must be a URL"),
    "proxy-url's user": (_with(**{"proxy-url": "http://%C4%80:canary@p:1"}), "proxy-url has a user or password"),
    "no ASCII in a PEM": (_damaged, "certificate-authority-data holds no certificate that can be read"),
    "http": (lambda cluster, _: cluster.update(server="http://127.0.0.1:1"), "server must be https"),
    "no CA": (lambda cluster, _: cluster.pop("certificate-authority-data"), "certificate-authority-data is missing"),
    "CA file": (
        lambda cluster, _: cluster.update({"certificate-authority": "/canary/ca"}),
        "certificate-authority names a file",
    ),
}


class TestInsecureKubeconfigs:
    """What a kubeconfig from Secret Manager may not ask for."""

    @pytest.mark.parametrize("case", REFUSED)
    def test_it_is_refused_with_the_reason_and_nothing_is_sent(
        self, production: Production, capsys: pytest.CaptureFixture[str], case: str
    ) -> None:
        edit, said = REFUSED[case]
        document = yaml.safe_load(production.cluster.kubeconfig(token="canary"))
        edit(document["clusters"][0]["cluster"], document["users"][0]["user"])
        production.add_kubeconfig(yaml.safe_dump(document))
        function, body = production.application(), pushed("c1")
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (422, ["failed"]), answer.text
        assert production.clock.slept == []
        assert said in answer.reasons[0]
        logged = capsys.readouterr().out
        assert said in logged
        assert "canary" not in answer.text + logged
        assert len(production.cluster.requests) == 0
        assert said not in push(function, body, key=b"forged").text
        production.add_kubeconfig()
        production.pass_by(60)
        assert push(function, body).statuses == ["created"]

    def test_what_is_no_kubeconfig_at_all_is_not_quoted(
        self, production: Production, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production.add_kubeconfig("canary: [")
        answer = push(production.application(), pushed())
        assert answer.status == 422
        assert "kubeconfig" in answer.reasons[0]
        assert "canary" not in answer.text + capsys.readouterr().out

    def test_a_client_certificate_in_the_data_will_do(self, production: Production) -> None:
        account = "system:serviceaccount:ci:pipehook"
        production.add_kubeconfig(production.cluster.kubeconfig(client_certificate=True, user=account))
        assert push(production.application(), pushed()).status == 202
        assert [seen.user for seen in production.cluster.requests] == [account]


class TestLeastRights:
    """An account that may create and get what the templates create, and nothing else."""

    def test_they_suffice_for_a_delivery_and_its_redelivery(self, production: Production) -> None:
        rule = Rule(verbs=("create", "get"), groups=("tekton.dev",), resources=("pipelineruns",))
        production.cluster.add_token("narrow", User(name="system:serviceaccount:ci:narrow", rules=(rule,)))
        production.add_kubeconfig(production.cluster.kubeconfig(token="narrow"))
        function, body = production.application(), pushed()
        assert push(function, body).statuses == ["created"]
        assert push(function, body).statuses == ["duplicate"]


def test_nothing_secret_reaches_a_log_or_a_reply(
    production: Production, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    canary = "canary7f3a"
    production.add_key(canary.encode())
    production.cluster.rotate_token(f"{canary}-token")
    production.add_kubeconfig()
    function: Application = production.application()
    replies = [push(function, pushed(), key=key, X_Custom=canary).text for key in (canary.encode(), b"forged", None)]
    assert len(production.objects()) == 1
    production.cluster.revoke_token()
    production.pass_by(61)
    production.manager.corrupt(100)
    replies += [push(function, pushed(), key=key).text for key in (canary.encode(), b"forged")]
    production.manager.mend()
    production.manager.deny("")
    production.pass_by(700)
    replies += [push(function, pushed(), key=canary.encode()).text]
    captured = capfd.readouterr()
    for text in (captured.out, captured.err, *replies):
        assert canary not in text
