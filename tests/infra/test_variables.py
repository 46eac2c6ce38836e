"""Every variable is typed, described and validated, and every output described."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.hcl import INFRA, directories, nested, of_kind, unquoted

MODULES = [pytest.param(module, id=module.relative_to(INFRA.parent).as_posix()) for module in directories()]

NOTHING_TO_VALIDATE = {
    "secret_values": "any text may be a secret, and an ephemeral value may not be shown",
}


@pytest.mark.parametrize("module", MODULES)
def test_variables_are_typed_and_described(module: Path) -> None:
    for name, variable in of_kind(module, "variable").items():
        assert variable.body.get("type"), name
        assert len(unquoted(variable.body.get("description", ""))) > 10, name
        assert unquoted(variable.body["description"]).endswith("."), name


def test_inputs_are_validated() -> None:
    bare = {
        name
        for name, variable in of_kind(INFRA, "variable").items()
        if variable.body["type"] != "bool" and not any(block == "validation" for block, _ in nested(variable.body))
    }

    assert bare == set(NOTHING_TO_VALIDATE)


@pytest.mark.parametrize("module", MODULES)
def test_outputs_are_described(module: Path) -> None:
    outputs = of_kind(module, "output")

    assert outputs
    for name, output in outputs.items():
        assert len(unquoted(output.body.get("description", ""))) > 10, name
