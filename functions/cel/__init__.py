"""CEL as Tekton's cel interceptor has it: cel-go's language, checker and extensions, and Tekton's functions.

    program = compile_expression("body.ref.startsWith('refs/heads/')")
    program.test(Activation(body=…, header=…, extensions=…, request_url=…, compare_secret=…))

Importing this package imports nothing heavy: grammar tables, RE2 and YAML load when an expression first needs them.
See docs/cel.md for what is supported and where it differs from Tekton.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.cel.errors import CelCompileError, CelConversionError, CelError, CelEvaluationError

if TYPE_CHECKING:
    from functions.cel.convert import to_json
    from functions.cel.frame import Activation
    from functions.cel.program import Program, compile_expression

_LAZY = {
    "Activation": "functions.cel.frame",
    "Program": "functions.cel.program",
    "compile_expression": "functions.cel.program",
    "to_json": "functions.cel.convert",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - needed at the first use alone

    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


__all__ = [
    "Activation",
    "CelCompileError",
    "CelConversionError",
    "CelError",
    "CelEvaluationError",
    "Program",
    "compile_expression",
    "to_json",
]
