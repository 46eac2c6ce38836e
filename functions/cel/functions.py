"""Which code stands behind a function's name; modules load when an expression first needs them."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from functions.cel.frame import Function

# Where each function is: the module within this package, and its name there.
_IMPLEMENTATIONS = {
    "_+_": "arithmetic.add",
    "_-_": "arithmetic.subtract",
    "_*_": "arithmetic.multiply",
    "_/_": "arithmetic.divide",
    "_%_": "arithmetic.modulo",
    "-_": "arithmetic.negate",
    "bool": "conversions.to_bool",
    "bytes": "conversions.to_bytes",
    "double": "conversions.to_double",
    "duration": "conversions.to_duration",
    "dyn": "conversions.to_dyn",
    "int": "conversions.to_int",
    "string": "conversions.to_string",
    "timestamp": "conversions.to_timestamp",
    "type": "conversions.to_type",
    "uint": "conversions.to_uint",
    "size": "texts.size",
    "contains": "texts.contains",
    "endsWith": "texts.ends_with",
    "startsWith": "texts.starts_with",
    "matches": "regex.matches",
    "charAt": "texts.char_at",
    "indexOf": "texts.index_of",
    "lastIndexOf": "texts.last_index_of",
    "lowerAscii": "texts.lower_ascii",
    "upperAscii": "texts.upper_ascii",
    "replace": "texts.replace",
    "split": "texts.split",
    "substring": "texts.substring",
    "trim": "texts.trim",
    "join": "texts.join",
    "format": "format.format_text",
    "strings.quote": "texts.quote",
    "reverse": "texts.reverse",
    "base64.decode": "lists.base64_decode",
    "base64.encode": "lists.base64_encode",
    "json.encode": "tekton.json_encode",
    "sets.contains": "lists.sets_contains",
    "sets.equivalent": "lists.sets_equivalent",
    "sets.intersects": "lists.sets_intersects",
    "slice": "lists.slice_list",
    "flatten": "lists.flatten",
    "sort": "lists.sort",
    "@sortByAssociatedKeys": "lists.sort_by_keys",
    "lists.range": "lists.range_list",
    "distinct": "lists.distinct",
    "first": "lists.first",
    "last": "lists.last",
    "math.@min": "maths.least",
    "math.@max": "maths.greatest",
    "math.ceil": "maths.ceil",
    "math.floor": "maths.floor",
    "math.round": "maths.round_half_away",
    "math.trunc": "maths.trunc",
    "math.isInf": "maths.is_inf",
    "math.isNaN": "maths.is_nan",
    "math.isFinite": "maths.is_finite",
    "math.abs": "maths.absolute",
    "math.sign": "maths.sign",
    "math.sqrt": "maths.sqrt",
    "math.bitAnd": "maths.bit_and",
    "math.bitOr": "maths.bit_or",
    "math.bitXor": "maths.bit_xor",
    "math.bitNot": "maths.bit_not",
    "math.bitShiftLeft": "maths.bit_shift_left",
    "math.bitShiftRight": "maths.bit_shift_right",
    "match": "headers.match",
    "canonical": "headers.canonical",
    "truncate": "tekton.truncate",
    "compareSecret": "tekton.compare_secret",
    "parseJSON": "tekton.parse_json_text",
    "parseYAML": "tekton.parse_yaml_text",
    "parseURL": "tekton.parse_url_text",
    "marshalJSON": "tekton.marshal_json",
    "translate": "regex.translate",
    "decodeb64": "tekton.decode_b64",
    "paths.match": "paths.match",
    "paths.only": "paths.only",
    "pathChanged": "paths.path_changed",
    "comment.command": "comments.command",
}


@cache
def implementation(name: str) -> Function:
    """Return the function behind a declared name."""
    where = _IMPLEMENTATIONS.get(name)
    if where is None:
        from functions.cel.times import accessor  # noqa: PLC0415 - few expressions ask a timestamp's parts

        return accessor(name)
    module, function = where.split(".")
    found: Function = getattr(import_module(f"functions.cel.{module}"), function)
    return found
