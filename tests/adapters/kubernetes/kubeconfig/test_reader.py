"""Kubeconfigs: what is accepted, what is refused and how every refusal says what to do."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.document import MAX_BYTES
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.kubernetes.kubeconfig.plugins import Credential
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.kubernetes.tokens import Token
from functions.cli import accounts
from functions.common.errors import ConfigurationError
from functions.common.ports import Deadline

CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"
NEVER = Deadline(8.0, lambda: 0.0)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **document: Any
) -> dict[str, Any]:
    """Return a good kubeconfig; entries given replace its own, None removes them."""
    parts: dict[str, dict[str, Any]] = {
        "cluster": {"server": "https://203.0.113.7:6443", "certificate-authority-data": encoded(CA)} | (cluster or {}),
        "user": {"token": "t0ken"} | (user or {}),
    }
    parts = {name: {key: value for key, value in part.items() if value is not None} for name, part in parts.items()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "remote", "cluster": parts["cluster"]}],
        "users": [{"name": "pipehook", "user": parts["user"]}],
        "contexts": [{"name": "main", "context": {"cluster": "remote", "user": "pipehook", "namespace": "team"}}],
        "current-context": "main",
    } | document


def parse(
    document: dict[str, Any] | str | bytes, *, local: bool = False, directory: Path | None = None
) -> ClusterAccess:
    text = document if isinstance(document, str | bytes) else yaml.safe_dump(document)
    return parse_kubeconfig(text, trusted_local=local, directory=directory)


def mistakes(
    document: dict[str, Any] | str | bytes, *, local: bool = False, directory: Path | None = None
) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parse(document, local=local, directory=directory)
    count = len(caught.value.mistakes)
    assert caught.value.reason.startswith(f"the kubeconfig has {'one mistake' if count == 1 else f'{count} mistakes'},")
    return caught.value.mistakes


def test_a_token_kubeconfig_gives_the_access() -> None:
    assert parse(kubeconfig()) == ClusterAccess(
        server="https://203.0.113.7:6443", ca_pem=CA, token="t0ken", namespace="team"
    )


def test_a_client_certificate_will_do_instead_of_a_token() -> None:
    pair = {"token": None, "client-certificate-data": encoded(CA), "client-key-data": encoded(KEY)}
    access = parse(kubeconfig(user=pair))
    assert (access.client_certificate_pem, access.client_key_pem, access.token) == (CA, KEY, "")


def test_server_name_proxy_and_path_of_the_server_are_kept() -> None:
    access = parse(
        kubeconfig(
            cluster={
                "server": "https://rancher.example.com/k8s/clusters/c-1/",
                "tls-server-name": "kube.example.com",
                "proxy-url": "http://proxy.example.com:3128",
            }
        )
    )
    assert access.server == "https://rancher.example.com/k8s/clusters/c-1"
    assert (access.tls_server_name, access.proxy_url) == ("kube.example.com", "http://proxy.example.com:3128")


def test_json_is_yaml_and_bytes_are_text() -> None:
    assert parse(json.dumps(kubeconfig()).encode()) == parse(kubeconfig())


def test_blanks_around_a_token_and_lines_in_base64_do_no_harm() -> None:
    wrapped = "\n".join(encoded(CA)[at : at + 20] for at in range(0, len(encoded(CA)), 20))
    document = kubeconfig(cluster={"certificate-authority-data": wrapped}, user={"token": " t0ken\n"})
    assert (parse(document).token, parse(document).ca_pem) == ("t0ken", CA)


def test_secrets_do_not_show_in_the_representation() -> None:
    pair = {"client-certificate-data": encoded(CA), "client-key-data": encoded(KEY)}
    access = parse(kubeconfig(cluster={"proxy-url": "http://u:pass@proxy:1"}, user=pair))
    shown = repr([access, Token("t0ken", ends=0.0), accounts.Token("t0ken")])
    assert not [secret for secret in ("t0ken", "MHcC", "pass") if secret in shown]


@pytest.mark.parametrize("plural", ["clusters", "users", "contexts"])
def test_two_entries_of_one_name_are_refused(plural: str) -> None:
    document = kubeconfig()
    document[plural] *= 2
    text = json.dumps(document)  # YAML would write an alias
    name = document[plural][0]["name"]
    assert mistakes(text) == (f"kubeconfig: {plural}: {name} stands there twice; remove the one that is not meant",)


def test_what_stands_around_a_pem_is_a_comment_in_any_language() -> None:
    bundle = f"# Zertifikat von Zürich\n{CA}\n# ein zweites\n{CA}".encode()
    given = {"certificate-authority-data": base64.b64encode(bundle).decode()}
    assert parse(kubeconfig(cluster=given)).ca_pem == CA * 2


@pytest.mark.parametrize("server", ["https://[::1]:6443", "https://api.a-b.example.:443/k8s", "https://10_1.internal"])
def test_hosts_that_are_right(server: str) -> None:
    assert parse(kubeconfig(cluster={"server": server, "tls-server-name": "10.0.0.1"})).server == server


def test_an_access_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        parse(kubeconfig()).token = "other"  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("cluster", "user", "expected"),
    [
        ({"server": "http://203.0.113.7"}, {}, "cluster remote: server must be https: the token would travel unencr"),
        ({"server": "http://localhost:8080"}, {}, "cluster remote: server must be https"),
        ({"server": None}, {}, "cluster remote: server must be a URL such as https://203.0.113.7:6443"),
        ({"server": "203.0.113.7:6443"}, {}, "cluster remote: server must be a URL"),
        ({"server": "https://me:pw@host"}, {}, "cluster remote: server must be a URL"),
        ({"server": "https://host:port"}, {}, "cluster remote: server must be a URL"),
        ({"certificate-authority-data": None}, {}, "cluster remote: certificate-authority-data is missing; give the"),
        ({"certificate-authority-data": "%%%"}, {}, "certificate-authority-data is not base64; encode the PEM once"),
        ({"certificate-authority-data": encoded("x")}, {}, "holds no PEM with BEGIN CERTIFICATE"),
        (
            {"certificate-authority-data": None, "certificate-authority": "/etc/ca.crt"},
            {},
            "certificate-authority names a file, which is not there in a function; give certificate-authority-data",
        ),
        ({"insecure-skip-tls-verify": True}, {}, "insecure-skip-tls-verify is refused: anybody on the way could read"),
        ({"insecure-skip-tls-verify": "no"}, {}, "insecure-skip-tls-verify must be true or false"),
        ({"proxy-url": "socks5://proxy:1080"}, {}, "cluster remote: proxy-url must be a URL such as https://proxy"),
        ({}, {"token": None}, "user pipehook: neither token nor client-certificate-data: requests would be anonymous"),
        ({}, {"token": 12345}, "user pipehook: token must be a string"),
        ({}, {"token": "two words"}, "user pipehook: token has blanks or characters that cannot stand in a header"),
        ({}, {"token": "line\r\nInjected:"}, "user pipehook: token has blanks"),
        ({}, {"tokenFile": "/var/run/token"}, "tokenFile names a file, which is not there in a function; give token"),
        ({}, {"client-certificate": "crt"}, "client-certificate names a file"),
        ({}, {"client-key": "key"}, "client-key names a file"),
        ({}, {"client-certificate-data": encoded(CA)}, "client-certificate-data and client-key-data go together"),
        ({}, {"client-key-data": encoded(KEY)}, "client-certificate-data and client-key-data go together"),
        (
            {},
            {
                "client-certificate-data": encoded(CA),
                "client-key-data": encoded("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            },
            "client-key-data is encrypted with a passphrase; store it unencrypted",
        ),
        ({}, {"exec": {"command": "gke-gcloud-auth-plugin"}}, "token stands beside exec; which of them is meant?"),
        (
            {},
            {"token": None, "exec": {"command": "tsh"}},
            "the credential plugin tsh is refused: no plugin is executed",
        ),
        ({}, {"token": None, "exec": "tsh"}, "exec must be an object"),
        ({}, {"token": None, "exec": {}}, "neither token nor client-certificate-data: requests would be anonymous"),
        ({}, {"auth-provider": {"name": "gcp"}}, "auth-provider is refused: Kubernetes has removed these plugins"),
        ({}, {"username": "admin"}, "username is refused: API servers have no basic authentication any more"),
        ({}, {"password": "hunter2"}, "password is refused"),
        ({}, {"as": "system:admin"}, "as is refused: the kubeconfig's own identity must do"),
        ({}, {"as-groups": ["system:masters"]}, "as-groups is refused"),
    ],
)
def test_each_mistake_is_named_with_its_place_and_remedy(
    cluster: dict[str, Any], user: dict[str, Any], expected: str
) -> None:
    found = mistakes(kubeconfig(cluster=cluster, user=user))
    assert len(found) == 1
    assert found[0].startswith("kubeconfig: ")
    assert expected in found[0]


def test_every_mistake_comes_at_once_and_no_secret_with_them() -> None:
    found = mistakes(
        kubeconfig(
            cluster={"server": "http://203.0.113.7", "insecure-skip-tls-verify": True},
            user={"token": "se cret", "exec": {"command": "x"}, "password": "hunter2"},
        )
    )
    assert len(found) == 5
    assert not [secret for secret in ("se cret", "hunter2") if secret in "".join(found)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"current-context": None}, "current-context: missing; name one of contexts: main"),
        ({"current-context": "other"}, "current-context: other is not among contexts: main"),
        ({"contexts": None}, "contexts: missing, or not a list"),
        ({"clusters": []}, "context main: cluster: remote is not among clusters: none"),
        ({"users": [{"name": "root", "user": {}}]}, "context main: user: pipehook is not among users: root"),
        ({"contexts": [{"name": "main", "context": {"user": "pipehook"}}]}, "context main: cluster: missing; name one"),
        ({"contexts": [{"name": "main", "context": "remote"}]}, "context main: must be an object"),
        ({"kind": "Secret"}, "kind: must be Config"),
    ],
)
def test_missing_pieces_are_named(changes: dict[str, Any], expected: str) -> None:
    assert expected in "\n".join(mistakes(kubeconfig(**changes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "it is neither YAML nor JSON (line 2, column 1)"),
        ("just words", "it is not a kubeconfig"),
        ("", "it is not a kubeconfig"),
        (b"\xff\xfe\x00", "it is neither YAML nor JSON"),
        pytest.param("[" * 500_000, "it is nested too deeply", id="flow"),
        pytest.param("- " * 500_000, "it is nested too deeply", id="block"),
        ("a: &x [1, 1]\nb: [*x, *x]", "YAML aliases (*name) are refused"),
        ("current-context: a\ncurrent-context: b", "current-context stands twice in one object"),
        ("users: [{name: a, user: {token: x, token: y}}]", "token stands twice in one object"),
        pytest.param("x" * (MAX_BYTES + 1), "it is larger than 1024 KiB", id="large"),
        ("a: !!python/object/apply:os.system [id]", "it is neither YAML nor JSON"),
    ],
)
def test_what_is_no_kubeconfig_is_refused(text: str | bytes, expected: str) -> None:
    (found,) = mistakes(text)
    assert expected in found


class TestLocal:
    """A file that the developer's own tools wrote."""

    def test_files_are_read_beside_it(self, tmp_path: Path) -> None:
        for name, text in {"ca.crt": CA, "tls.crt": CA, "tls.key": KEY, "token": "t0ken-of-the-file\n"}.items():
            (tmp_path / name).write_text(text)
        document = kubeconfig(
            cluster={"certificate-authority-data": None, "certificate-authority": "ca.crt"},
            user={"token": None, "tokenFile": "token", "client-certificate": "tls.crt", "client-key": "tls.key"},
        )
        access = parse(document, local=True, directory=tmp_path)
        assert (access.ca_pem, access.token, access.client_key_pem) == (CA, "t0ken-of-the-file", KEY)

    def test_a_file_that_is_not_there_is_named_by_its_field(self, tmp_path: Path) -> None:
        document = kubeconfig(user={"token": None, "tokenFile": "nowhere"})
        (found,) = mistakes(document, local=True, directory=tmp_path)
        assert "user pipehook: tokenFile cannot be read: No such file" in found

    def test_the_systems_authorities_will_do(self) -> None:
        assert parse(kubeconfig(cluster={"certificate-authority-data": None}), local=True).ca_pem == ""

    @pytest.mark.parametrize(
        ("cluster", "warning"),
        [
            ({"server": "http://localhost:8001"}, "plain http to this machine"),
            ({"insecure-skip-tls-verify": True}, "certificate is not verified"),
        ],
    )
    def test_laxer_ways_pass_with_a_warning(
        self, cluster: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, logger="functions"):
            access = parse(kubeconfig(cluster=cluster), local=True)
        assert access.insecure == ("insecure-skip-tls-verify" in cluster)
        assert warning in caplog.text

    def test_a_server_on_this_machine_may_need_no_credentials(self, caplog: pytest.LogCaptureFixture) -> None:
        document = kubeconfig(cluster={"server": "http://127.0.0.1:8001"}, user={"token": None})
        with caplog.at_level(logging.WARNING, logger="functions"):
            assert parse(document, local=True).token == ""
        assert "user pipehook: neither token nor client certificate: requests are anonymous" in caplog.text

    @pytest.mark.parametrize(
        ("cluster", "user", "expected"),
        [
            ({"server": "http://203.0.113.7"}, {}, "plain http may only go to this machine"),
            ({}, {"token": None, "exec": {"command": "tsh"}}, "(`pipehook kubeconfig` writes either)"),
            ({}, {"token": None}, "neither token nor client-certificate-data: requests would be anonymous"),
            ({}, {"as": "root"}, "as is refused"),
        ],
    )
    def test_some_things_stay_refused(self, cluster: dict[str, Any], user: dict[str, Any], expected: str) -> None:
        assert expected in "\n".join(mistakes(kubeconfig(cluster=cluster, user=user), local=True))


class TestKubeconfigFile:
    """The AccessSource behind KUBECONFIG."""

    def test_the_file_is_read_anew_each_time(self, tmp_path: Path) -> None:
        path = tmp_path / "config"
        source = KubeconfigFile(str(path))
        path.write_text(yaml.safe_dump(kubeconfig()))
        assert source(refresh=False, deadline=NEVER).token == "t0ken"
        path.write_text(yaml.safe_dump(kubeconfig(user={"token": "rotated"})))
        assert source(refresh=True, deadline=NEVER).token == "rotated"

    def test_a_missing_file_is_a_mistake_of_the_variable(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError) as caught:
            KubeconfigFile(str(tmp_path / "a:b"))(refresh=False, deadline=NEVER)
        assert "KUBECONFIG: " in caught.value.mistakes[0]
        assert "must name one kubeconfig file" in caught.value.mistakes[0]


@pytest.mark.parametrize(
    ("server", "public"),
    [
        ("https://gke-0a1b2c3d4e5f-123456789012.europe-west6.gke.goog", True),
        ("https://connectgateway.googleapis.com/v1/projects/123456789012/locations/global/gkeMemberships/shop", True),
        ("https://europe-west6-connectgateway.googleapis.com/v1/projects/1/locations/europe-west6/memberships/s", True),
        ("https://gke-0a1b.europe-west6.gke.goog.evil.example", False),
        ("https://evil.example/gke.goog", False),
        ("https://xgke.goog", False),
        ("https://gke-0a1b.europe-west6.gke.goog:8443", False),
        ("https://evilconnectgateway.googleapis.com.example", False),
        ("https://203.0.113.7", False),
    ],
)
def test_googles_front_ends_have_public_certificates_and_need_no_authority(server: str, public: bool) -> None:
    cluster = {"server": server, "certificate-authority-data": None}
    document = kubeconfig(cluster=cluster, user={"token": None, "exec": {"command": "gke-gcloud-auth-plugin"}})
    if public:
        access = parse(document)
        assert (access.server, access.ca_pem, access.credential) == (server, "", Credential("access"))
    else:
        assert ["certificate-authority-data is missing" in mistake for mistake in mistakes(document)] == [True]


@pytest.mark.parametrize(
    "cluster", [{"server": "http://127.0.0.1:8001"}, {"insecure-skip-tls-verify": True, "server": "https://127.0.0.1"}]
)
def test_no_token_of_googles_goes_where_nobody_knows_who_listens(cluster: dict[str, Any]) -> None:
    user = {"token": None, "exec": {"command": "gke-gcloud-auth-plugin"}}
    (found,) = mistakes(kubeconfig(cluster=cluster, user=user), local=True)
    assert "goes to servers alone whose certificates are verified" in found
