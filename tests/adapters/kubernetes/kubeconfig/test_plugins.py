"""Credential plugins: which are understood, as which token, and what is said of every other one."""

from __future__ import annotations

from typing import Any

import pytest

from functions.adapters.kubernetes.kubeconfig.plugins import Credential, UnknownPluginError, understood

ACCESS = Credential("access")
SHOP = Credential("identity", "shop")
ISSUER = "--oidc-issuer-url=https://accounts.google.com"
GKE = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "gke-gcloud-auth-plugin",
    "installHint": "Install gke-gcloud-auth-plugin for use with kubectl by following\n  https://cloud.google.com/…",
    "provideClusterInfo": True,
}
"""As `gcloud container clusters get-credentials` writes it."""


def plugin(command: str, *args: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": list(args), **more}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (GKE, ACCESS),
        (GKE | {"args": None, "env": None, "interactiveMode": "IfAvailable"}, ACCESS),
        (GKE | {"command": "/usr/lib/google-cloud-sdk/bin/gke-gcloud-auth-plugin"}, ACCESS),
        (GKE | {"command": "C:\\Cloud SDK\\bin\\gke-gcloud-auth-plugin.exe"}, ACCESS),
        (GKE | {"args": ["--use_application_default_credentials"]}, ACCESS),
        (plugin("gcloud", "auth", "print-identity-token", "--audiences=shop"), SHOP),
        (plugin("gcloud", "auth", "print-identity-token", "--audiences", "shop", "--include-email"), SHOP),
        (plugin("/usr/bin/gcloud", "auth", "print-identity-token", "--quiet", "--audiences=shop"), SHOP),
        (plugin("gcloud", "auth", "print-identity-token", "-q", "--verbosity=error", "--audiences=shop"), SHOP),
        (plugin("kubectl", "oidc-login", "get-token", ISSUER, "--oidc-client-id=shop"), SHOP),
        (plugin("kubectl", "oidc-login", "get-token", f"{ISSUER}/", "--oidc-client-id", "shop"), SHOP),
        (plugin("kubectl-oidc_login", "get-token", *ISSUER.split("="), "--oidc-client-id=shop"), SHOP),
        (plugin("kubelogin", "get-token", ISSUER, "--oidc-client-id=shop", "--oidc-extra-scope=email", "-v1"), SHOP),
    ],
)
def test_known_plugins_are_understood_as_a_token(given: dict[str, Any], meant: Credential) -> None:
    assert understood(given) == meant


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (GKE | {"args": ["--impersonate_service_account=x"]}, "--impersonate_service_account means nothing here"),
        (GKE | {"args": ["--use_application_default_credentials=false"]}, "means nothing here; remove it"),
        (GKE | {"args": ["print"]}, "means nothing here"),
        (GKE | {"env": [{"name": "CLOUDSDK_CORE_ACCOUNT", "value": "x"}]}, "exec.env is refused"),
        (GKE | {"args": "x"}, "exec.args must be a list"),
        (GKE | {"args": [1]}, "exec.args must be a list"),
        (GKE | {"command": ""}, "exec names no command"),
        (plugin("gcloud", "config", "config-helper", "--format=json"), "gcloud is refused: no plugin is executed here"),
        (plugin("gcloud", "auth", "print-identity-token"), "--audiences=AUDIENCE must name the one audience"),
        (plugin("gcloud", "auth", "print-identity-token", "--audiences=a,b"), "the one audience"),
        (plugin("gcloud", "auth", "print-identity-token", "--audiences=a", "--project=x"), "--project means nothing"),
        (
            plugin("gcloud", "auth", "print-identity-token", "--audiences=a", "--impersonate-service-account=x"),
            "remove --impersonate-service-account",
        ),
        (
            plugin(
                "kubectl", "oidc-login", "get-token", "--oidc-issuer-url=https://evil.example", "--oidc-client-id=a"
            ),
            "the issuer https://accounts.google.com alone",
        ),
        (
            plugin("kubectl", "oidc-login", "get-token", f"{ISSUER}.evil.example", "--oidc-client-id=a"),
            "the issuer https://accounts.google.com alone",
        ),
        (plugin("kubectl", "oidc-login", "get-token", ISSUER), "--oidc-client-id=AUDIENCE must name the one audience"),
        (
            plugin("kubectl", "oidc-login", "get-token", ISSUER, "--oidc-client-id=a", "--oidc-use-access-token"),
            "remove --oidc-use-access-token",
        ),
        (
            plugin("kubelogin", "get-token", "--login", "workloadidentity", "--server-id", "6dae42f8"),
            "kubelogin is refused: this is Azure's, whose tokens are not made here; the way that works",
        ),
        (plugin("aws", "eks", "get-token", "--cluster-name", "shop"), "aws is refused: AWS's tokens are not made here"),
        (plugin("aws-iam-authenticator", "token", "-i", "shop"), "the way that works: have the cluster trust"),
        (plugin("tsh", "kube", "credentials"), "tsh is refused: no plugin is executed here"),
        (plugin("sh", "-c", "curl canary"), "sh is refused"),
        (plugin("canary secret\n"), "that is named is refused"),
    ],
)
def test_every_other_one_is_refused_by_name_and_reason(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownPluginError) as caught:
        understood(given)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
