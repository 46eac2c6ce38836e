r"""The JSONPath dialect of Tekton's bindings: client-go's util/jsonpath, as Tekton's getResults uses it.

What client-go does is the definition, its oddities included, each of them with its error text:

- A key has no quoting: `['a.b']` is the path `a`, `b`; a dot in a key is written `\.`.
- A missing key is an error, unless another of the values reached has it. Null, numbers and strings have no keys.
- An index or a slice must lie inside the array (`[0:9]` of three is an error), an empty slice ends the step at once.
- Numbers of the event are floats in a filter: `@.n == 2` is an error, `@.n == 2.0` compares.
- In a filter `$` is the current item, as `@` is. `*` and `..` see the UTF-8 bytes of a string.

Three things differ on purpose: maps are walked in the order of their keys (Go's order is random), an error names
types where client-go prints values of the event, and the number of values that a path may visit is bounded.
"""

from functions.rendering.jsonpath.parser import compile_path
from functions.rendering.jsonpath.path import Path
from functions.rendering.jsonpath.values import GoStruct, JsonPathError, PathLimitError, StringMap

__all__ = ["GoStruct", "JsonPathError", "Path", "PathLimitError", "StringMap", "compile_path"]
