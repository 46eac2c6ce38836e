"""The rights in the cluster are exactly what the deployed templates need, in YAML and in Terraform alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from functions.model.decode import CLUSTER_SCOPED, GROUP, KINDS
from tests.infra.hcl import INFRA, of_kind

CLUSTER = INFRA / "cluster"
MODULE = INFRA / "modules" / "cluster-access"


def _documents(*patterns: str) -> Iterator[dict[str, Any]]:
    for pattern in patterns:
        for file in sorted(INFRA.glob(pattern)):
            yield from (document for document in yaml.safe_load_all(file.read_text()) if document)


def _needed() -> set[tuple[str, str]]:
    """Give (API group, plural) of everything that the templates in infra/triggers create."""
    found = set()
    for document in _documents("triggers/**/*.yaml"):
        for resource in document.get("spec", {}).get("resourcetemplates", []):
            group, _, version = resource["apiVersion"].rpartition("/")
            assert version
            found.add((group, resource["kind"].lower() + "s"))
    return found


def _granted(*kinds: str) -> dict[str, list[dict[str, Any]]]:
    """Give the rules of the roles of these kinds, by name."""
    return {
        document["metadata"]["name"]: document["rules"]
        for document in _documents("cluster/base/*.yaml", "cluster/components/*/*.yaml")
        if document.get("kind") in kinds
    }


def test_the_role_grants_create_and_get_of_what_the_templates_create() -> None:
    rules = _granted("Role")["pipehook"]

    granted = {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]}
    assert granted == _needed()
    assert all(rule["verbs"] == ["create", "get"] for rule in rules)


def test_the_module_grants_the_same_by_default() -> None:
    default = of_kind(MODULE, "variable")["create"].body["default"]

    granted = {
        (group.strip('"'), resource.strip('"')) for group, resources in default.items() for resource in resources
    }
    assert granted == _needed()
    roles = of_kind(MODULE, "locals")[""].body["roles"]
    assert 'verbs = ["create", "get"], names = null' in roles


def test_the_other_roles_only_read_but_for_that_of_concurrency_groups() -> None:
    granted = _granted("Role", "ClusterRole")

    assert {name for name in granted if name != "pipehook"} == {
        "pipehook-triggers",
        "pipehook-secrets",
        "pipehook-statuses",
        "pipehook-concurrency",
        "pipehook-goldstine-lab-triggers",
    }
    for name, rules in granted.items():
        for rule in rules:
            assert name in ("pipehook", "pipehook-concurrency") or rule["verbs"] in (
                ["get"],
                ["list"],
                ["get", "list"],
            )
            assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])


def test_what_is_listed_is_what_a_listener_may_refer_to() -> None:
    """The reader of TRIGGERS_SOURCE=cluster lists these kinds, and neither gets nor watches single objects."""
    granted = _granted("Role", "ClusterRole")
    (rule,) = granted["pipehook-triggers"]
    (cluster_rule,) = granted["pipehook-goldstine-lab-triggers"]

    plurals = {kind: kind.lower() + "s" for kind in KINDS}
    assert set(cluster_rule["resources"]) == {plurals[kind] for kind in CLUSTER_SCOPED}
    assert set(rule["resources"]) == set(plurals.values()) - set(cluster_rule["resources"])
    assert rule["apiGroups"] == cluster_rule["apiGroups"] == [GROUP]


def test_secrets_are_read_by_name() -> None:
    (rule,) = _granted("Role")["pipehook-secrets"]

    assert rule == {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["github-webhook"], "verbs": ["get"]}


def test_runs_are_read_for_statuses_and_never_changed() -> None:
    (rule,) = _granted("Role")["pipehook-statuses"]
    text = (MODULE / "main.tf").read_text()

    assert rule == {
        "apiGroups": ["tekton.dev"],
        "resources": ["pipelineruns", "taskruns"],
        "verbs": ["get", "list"],
    }
    assert (
        'groups = ["tekton.dev"], resources = ["pipelineruns", "taskruns"], verbs = ["get", "list"], names = null'
        in text
    )


def test_groups_list_and_patch_runs_and_nothing_else() -> None:
    (rule,) = _granted("Role")["pipehook-concurrency"]

    assert rule == {"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["list", "patch"]}
    module = of_kind(MODULE, "locals")[""].body["roles"]
    assert 'resources = ["pipelineruns"], verbs = ["list", "patch"]' in module


def test_the_reading_role_is_the_same_in_both() -> None:
    (rule,) = _granted("Role")["pipehook-triggers"]
    (cluster_rule,) = _granted("ClusterRole")["pipehook-goldstine-lab-triggers"]
    text = (MODULE / "main.tf").read_text()

    for resources, verbs in ((rule["resources"], rule["verbs"]), (cluster_rule["resources"], cluster_rule["verbs"])):
        listed = re.escape(", ".join(f'"{name}"' for name in resources))
        said = re.escape(", ".join(f'"{verb}"' for verb in verbs))
        assert re.search(rf"resources\s+= \[{listed}\]\n\s+verbs\s+= \[{said}\]", text)


def test_every_binding_binds_the_service_account_to_a_role_that_exists() -> None:
    granted = _granted("Role", "ClusterRole")
    bindings = [
        document
        for document in _documents("cluster/base/*.yaml", "cluster/components/*/*.yaml")
        if document.get("kind") in ("RoleBinding", "ClusterRoleBinding")
    ]

    assert {binding["roleRef"]["name"] for binding in bindings} == set(granted)
    subject = {"kind": "ServiceAccount", "name": "pipehook", "namespace": "goldstine-lab"}
    assert all(binding["subjects"] == [subject] for binding in bindings)


def test_the_namespace_is_the_templates() -> None:
    namespaces = {document["metadata"]["namespace"] for document in _documents("triggers/**/*.yaml")}
    kustomizations = [
        document
        for document in _documents("cluster/kustomization.yaml", "cluster/*/kustomization.yaml")
        if document["kind"] == "Kustomization"
    ]

    assert {kustomization["namespace"] for kustomization in kustomizations} == namespaces
    assert of_kind(MODULE, "variable")["namespace"].body["default"].strip('"') in namespaces


def test_what_is_advised_to_be_applied_can_be_applied() -> None:
    """A directory without a kustomization is an error of kubectl's, whoever advised it."""
    texts = [
        *(INFRA.parent / "functions").rglob("*.py"),
        *(file for file in INFRA.rglob("*") if file.suffix in (".md", ".tf", ".yaml")),
        *(INFRA.parent / "docs").glob("*.md"),
        *INFRA.parent.glob("*.md"),
    ]
    advised = {
        found for file in texts for found in re.findall(r"kubectl (?:apply|delete) -k ([\w./-]+\w)", file.read_text())
    }

    assert advised >= {"infra/cluster", "infra/cluster/everything-from-cluster"}
    assert {place for place in advised if not (INFRA.parent / place / "kustomization.yaml").is_file()} == set()
