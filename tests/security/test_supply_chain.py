"""The supply chain, as far as it can be checked without the network: pins, hashes, licences, the workflow."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.function import ROOT

LOCKED_LINE = re.compile(r"([a-z0-9._-]+)==([A-Za-z0-9.+!-]+)(?: ; (.+?))?((?: --hash=sha256:[0-9a-f]{64})+)")
PINNED = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+")
SHA = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")

ALLOWED = {
    "3-Clause BSD License",
    "Apache Software License",
    "Apache-2.0",
    "Apache-2.0 AND MIT",
    "Apache-2.0 OR BSD-2-Clause",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT License",
    "MIT-0",
    "PSF-2.0",
    "Python Software Foundation License",
}
"""Licences under which the function may be deployed and passed on without further duties."""
ALLOWED_FOR = {"certifi": "Mozilla Public License 2.0 (MPL 2.0)", "cel-python": "none"}
"""Weak copyleft on the package's own files, which we deploy unchanged; and a package whose licence, Apache-2.0, stands
in its LICENSE file and not in its metadata."""


def uncommented(name: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def locked() -> dict[str, tuple[str, str]]:
    """Return version and marker by name; fails for every line that is no pin with hashes."""
    found: dict[str, tuple[str, str]] = {}
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / "requirements.txt").read_text())
    for line in text.splitlines():
        requirement = re.sub(r"\s+#.*", "", line).strip()
        if requirement and not requirement.startswith("#"):
            match = LOCKED_LINE.fullmatch(requirement)
            assert match, f"no pin with hashes: {requirement[:80]}"
            found[canonicalize_name(match.group(1))] = (match.group(2), match.group(3) or "")
    return found


def here() -> dict[str, str]:
    """Return the locked versions of what this platform needs."""
    return {name: version for name, (version, marker) in locked().items() if not marker or Marker(marker).evaluate()}


def direct() -> dict[str, str]:
    pairs = (line.split("==") for line in uncommented("requirements.in"))
    return {canonicalize_name(name): version for name, version in pairs}


def needed(name: str, extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what an installed distribution needs on this platform."""
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        chosen = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker is None or any(requirement.marker.evaluate(one) for one in chosen):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def closure() -> set[str]:
    waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset()) for name in direct()]
    seen = set(waiting)
    while waiting:
        for found in needed(*waiting.pop()):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return {name for name, _ in seen}


def test_everything_deployed_is_pinned_with_hashes_and_names_no_registry() -> None:
    assert len(locked()) > len(direct())
    assert not re.search(
        r"https?://|--(extra-)?index-url|--find-links|--trusted-host", (ROOT / "requirements.txt").read_text()
    )


def test_the_lock_agrees_with_what_it_was_made_of() -> None:
    assert all(PINNED.fullmatch(line) for line in uncommented("requirements.in"))
    versions = {name: version for name, (version, _) in locked().items()}
    assert {name: versions.get(name) for name in direct()} == direct(), "run make lock"


def test_the_lock_holds_all_that_is_needed_in_turn_and_nothing_else() -> None:
    assert closure() == here().keys(), "run make lock"


def test_what_is_tested_is_what_is_deployed() -> None:
    assert {name: metadata.version(name) for name in here()} == here()


def test_every_import_of_the_function_is_of_something_locked() -> None:
    owners = metadata.packages_distributions()
    for path in [ROOT / "main.py", *(ROOT / "functions").rglob("*.py")]:
        for module in imported(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in ("functions", "main", "pipehook"):
                continue
            assert {canonicalize_name(name) for name in owners[top]} & locked().keys(), f"{path.name} imports {module}"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def licence(name: str) -> str:
    fields = metadata.metadata(name)
    classified = [text.split(" :: ")[-1] for text in fields.get_all("Classifier", []) if text.startswith("License")]
    expressed, named = fields.get_all("License-Expression", []), fields.get_all("License", [])
    return next(iter([*expressed, *filter(None, ["; ".join(classified)]), *named]), "none")


@pytest.mark.parametrize("name", sorted(locked()))
def test_licences(name: str) -> None:
    found = licence(name)
    assert found in ALLOWED or found == ALLOWED_FOR.get(name)


@pytest.mark.parametrize(
    "file", ["requirements-dev.txt", "bench/requirements.txt", "fuzz/requirements.txt", "supply-chain/requirements.txt"]
)
def test_tools_are_pinned(file: str) -> None:
    for line in uncommented(file):
        assert PINNED.fullmatch(line) or re.fullmatch(r"-r \.{0,2}/?requirements\.in", line), line


def workflows() -> Mapping[str, Any]:
    found = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
    assert found
    return {path.name: yaml.safe_load(path.read_text()) for path in found}


def test_actions_are_pinned_by_digest_and_get_no_credentials() -> None:
    for name, workflow in workflows().items():
        for job in workflow["jobs"].values():
            assert "uses" not in job, "a reusable workflow would have to be pinned, too"
            for step in job["steps"]:
                if "uses" in step:
                    assert SHA.fullmatch(step["uses"]), f"{name}: {step['uses']}"
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


def test_workflows_may_read_and_nothing_else() -> None:
    for name, workflow in workflows().items():
        assert workflow["permissions"] == {"contents": "read"}, name
        assert not any("permissions" in job for job in workflow["jobs"].values())
        assert "pull_request_target" not in workflow[True], "it would run a stranger's code with our rights"
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                # what a pull request's author writes must not become shell code
                assert not re.search(r"\$\{\{\s*(github\.(event|head_ref)|inputs)", step.get("run", ""))
                assert "secrets." not in str(step)


def test_every_requirements_file_and_action_is_watched_for_updates() -> None:
    watched = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    places = {
        (entry["package-ecosystem"], place)
        for entry in watched
        for place in entry.get("directories", [entry.get("directory")])
    }
    files = [path.parent for path in ROOT.glob("*/requirements*.txt")]
    assert {("pip", f"/{path.relative_to(ROOT)}") for path in files} | {("pip", "/"), ("github-actions", "/")} <= places
