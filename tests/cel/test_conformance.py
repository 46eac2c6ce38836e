"""What a real Tekton Triggers installation answered, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from functions.cel import CelError
from tests.cel.event import CONFORMANCE, overlay


@pytest.mark.parametrize("case", CONFORMANCE["cases"], ids=lambda case: case["expr"][:60])
def test_gives_what_tekton_gives(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(CelError):
            overlay(case["expr"])
    else:
        assert overlay(case["expr"]) == case["value"]
