"""Every resource type, argument and block of infra/ exists in the published provider schema, and nothing dangles."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.hcl import INFRA, arguments, blocks, directories, of_kind, parse, unquoted
from tests.infra.references import dangling
from tests.infra.schemas import kept, mistakes

LOCK = INFRA / ".terraform.lock.hcl"
MODULES = [pytest.param(module, id=module.relative_to(INFRA.parent).as_posix()) for module in directories()]


@pytest.mark.parametrize("module", MODULES)
def test_blocks_are_what_the_providers_publish(module: Path) -> None:
    found = [problem for block in blocks(module) if block.kind in ("resource", "data") for problem in mistakes(block)]

    assert found == []


@pytest.mark.parametrize("module", MODULES)
def test_references_lead_somewhere(module: Path) -> None:
    assert list(dangling(module)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('name = "x"\nlocaton = "EU"', "there is no argument locaton"),
        ('name = "x"', "location is required"),
        ('name = "x"\nlocation = "EU"\nself_link = "y"', "self_link is set by the provider alone"),
        ('name = "x"\nlocation = "EU"\nversionning {\nenabled = true\n}', "there is no block versionning"),
        ('name = "x"\nlocation = "EU"\nversioning {\n}', ".versioning: enabled is required"),
        ('name = "x"\nlocation = "EU"\nversioning = true', "versioning is a block, not an argument"),
        ('name = "x"\nlocation = "EU"\nlifecycle_rule {\ncondition {\nage = 1\n}\n}', "block action is required"),
        (
            'name = "x"\nlocation = "EU"\nversioning {\nenabled = true\n}\nversioning {\nenabled = true\n}',
            "block versioning may stand there 1 time(s)",
        ),
        (
            'name = "x"\nlocation = "EU"\ndynamic "cors" {\nfor_each = []\ncontent {\norigins = []\n}\n}',
            ".cors: there is no argument origins",
        ),
    ],
)
def test_a_mistake_is_named(text: str, problem: str) -> None:
    (block,) = parse(f'resource "google_storage_bucket" "b" {{\n{text}\n}}\n')

    assert any(problem in found for found in mistakes(block))


def test_a_value_that_the_provider_does_not_know_is_named() -> None:
    (block,) = parse(
        'resource "google_cloudfunctions2_function" "f" {\nname = "f"\nlocation = "EU"\nservice_config {\n'
        'ingress_settings = "ALLOW_EVERYBODY"\n}\n}\n'
    )

    (problem,) = mistakes(block)
    assert problem.endswith(
        "f.service_config: ingress_settings must be one of ALLOW_ALL, ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB"
    )


def test_an_unknown_type_is_named() -> None:
    (block,) = parse('resource "google_storage_bukket" "b" {\n}\n')

    assert "no such type" in mistakes(block)[0]


def test_dangling_references_are_named(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        """
        variable "known" {}
        resource "google_service_account" "a" {
          account_id = var.unknown
        }
        output "b" {
          value = "${local.nothing}${google_service_account.b.email}${google_service_account.a.emial}${module.c.d}"
        }
        """
    )

    assert sorted(dangling(tmp_path)) == [
        "output.b: google_service_account.a.emial",
        "output.b: google_service_account.b",
        "output.b: local.nothing",
        "output.b: module.c",
        "resource.google_service_account.a: var.unknown",
    ]


@pytest.mark.parametrize("module", MODULES)
def test_versions_are_bounded_around_what_was_checked(module: Path) -> None:
    (terraform,) = (block for block in blocks(module) if block.kind == "terraform")
    assert re.fullmatch(r">= 1\.\d+\.\d+, < 2\.0\.0", unquoted(terraform.body["required_version"]))

    (required,) = terraform.body["required_providers"]
    for provider in arguments(required).values():
        version = kept().versions[unquoted(provider["source"])]
        major = int(version.split(".")[0])
        assert unquoted(provider["version"]) == f">= {version}, < {major + 1}.0.0"


def test_the_lock_file_pins_what_was_checked() -> None:
    """For every platform; checksums are added by those who can reach the providers' registry."""
    locked = re.findall(
        r'^provider "registry\.terraform\.io/(\S+)" \{\n  version     = "(\S+)"\n  constraints = "(.*)"$',
        LOCK.read_text(),
        re.MULTILINE,
    )
    (terraform,) = (block for block in blocks(INFRA) if block.kind == "terraform")
    (required,) = terraform.body["required_providers"]

    assert locked == [
        (source, kept().versions[source], constraint)
        for source, constraint in sorted(
            (unquoted(one["source"]), unquoted(one["version"])) for one in arguments(required).values()
        )
    ]
    ignored = subprocess.run(["git", "check-ignore", "--quiet", str(LOCK)], cwd=INFRA, check=False)
    assert ignored.returncode == 1, "git ignores the lock file"


@pytest.mark.parametrize("module", MODULES)
def test_resources_name_their_project(module: Path) -> None:
    """No provider block says it, so that infra/ can be used as a module and as the root alike."""
    silent = [
        block.name
        for block in blocks(module)
        if block.kind == "resource" and "project" in (kept().of(block) or {}).get("attributes", {})
        if "project" not in block.body and block.labels[0] != "google_secret_manager_secret_version"
    ]

    assert silent == []
    assert module.parent.name == "examples" or not of_kind(module, "provider")
