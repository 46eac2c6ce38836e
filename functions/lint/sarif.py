"""Findings as SARIF 2.1.0, for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from functions.lint.rules import RULES, Finding, Rule

HELP = "docs/lint.md"


def sarif(findings: Sequence[Finding], *, version: str) -> dict[str, Any]:
    """Return the log of one run. Paths are relative as given, so run it in the repository's root."""
    order = {rule: index for index, rule in enumerate(RULES)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pipehook",
                        "version": version,
                        "rules": [_rule(rule) for rule in RULES.values()],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, order[finding.rule.id]) for finding in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    silence = f"Silence it on its line: # pipehook:ignore={rule.id}"
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} {silence}. See {HELP}#{rule.id.lower()}."},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    said = ": ".join(part for part in (finding.subject, finding.path, finding.message) if part)
    text = f"{said}; {finding.hint}" if finding.hint else said
    region = {"startLine": max(1, finding.line), **({"startColumn": finding.column} if finding.column else {})}
    identity = sha256(f"{finding.rule.id} {finding.file} {finding.subject} {finding.path}".encode()).hexdigest()
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": finding.rule.severity.value,
        "message": {"text": text},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": finding.file.lstrip("/")}, "region": region}},
        ],
        # stays the same while lines above it come and go
        "partialFingerprints": {"pipehook/v1": identity[:32]},
    }
