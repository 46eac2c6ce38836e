"""Builds `tables.json`: the LALR tables of cel-python's grammar, made ahead of time so that no start pays for them.

Run it with `python -m functions.cel.build_tables` after an upgrade of cel-python or lark; a test holds the committed
file against a fresh one. Building takes lark about 200 ms and importing lark 50, loading the tables takes 1.

The grammar is cel-python's, with the amendments below where it reads another language than cel-go's `CEL.g4`
(https://github.com/google/cel-go/blob/master/parser/gen/CEL.g4).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TABLES = Path(__file__).with_name("tables.json")

# Escapes are checked where literals are decoded: that keeps these expressions quick to compile at every start.
_SHORT = r"""(?:"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'|[rR]"[^"\n\r]*"|[rR]'[^'\n\r]*')"""
_LONG = (
    r'''(?:"""(?:[^\\]|\\.)*?"""|[rR]"""[\s\S]*?"""'''
    r"""|'''(?:[^\\]|\\.)*?'''|[rR]'''[\s\S]*?''')"""
)

# The terminals as cel-go's lexer has them, in the order in which they are tried.
_TERMINALS: dict[str, str] = {
    "BYTES_LIT": rf"[bB](?:{_LONG}|{_SHORT})",
    "MLSTRING_LIT": _LONG,
    "STRING_LIT": _SHORT,
    "FLOAT_LIT": r"(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)",
    "UINT_LIT": r"(?:0x[0-9a-fA-F]+|[0-9]+)[uU]",
    "INT_LIT": r"(?:0x[0-9a-fA-F]+|[0-9]+)",
    "IDENT": r"[_a-zA-Z][_a-zA-Z0-9]*",
}
_SKIPPED = r"(?:[\t\n\f\r ]+|//[^\n]*)+"
_KEYWORDS = {"true": "BOOL_LIT", "false": "BOOL_LIT", "null": "NULL_LIT", "in": "IN"}

# (what cel-python's grammar says, what it has to say): trailing commas, and rules of one child that vanish.
_AMENDMENTS = (
    ('list_lit       : "[" [exprlist] "]"', 'list_lit : "[" [_exprs] [","] "]"'),
    ('map_lit        : "{" [mapinits] "}"', 'map_lit : "{" [_entries] [","] "}"'),
    ('exprlist       : expr ("," expr)*', 'exprlist : _exprs\n_exprs : expr | _exprs "," expr'),
    (
        'fieldinits     : IDENT ":" expr ("," IDENT ":" expr)*',
        '_fields : IDENT ":" expr | _fields "," IDENT ":" expr',
    ),
    ('mapinits       : expr ":" expr ("," expr ":" expr)*', '_entries : expr ":" expr | _entries "," expr ":" expr'),
    ('member_object  : member "{" [fieldinits] "}"', 'member_object : member "{" [_fields] [","] "}"'),
    *(
        (f"{rule.ljust(15)}:", f"?{rule} :")
        for rule in ("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary")
    ),
    ("member         : member_dot", "?member : member_dot"),
    ("primary        : literal", "?primary : literal"),
)


def amended_grammar() -> str:
    """cel-python's grammar file with the amendments; each must fit exactly once."""
    spec = importlib.util.find_spec("celpy")
    if spec is None or spec.submodule_search_locations is None:
        raise RuntimeError("cel-python is not installed: pip install -r requirements-dev.txt")
    text = (Path(spec.submodule_search_locations[0]) / "cel.lark").read_text(encoding="utf-8")
    rules = text.split("// Terminals. Order")[0]
    for old, new in _AMENDMENTS:
        if rules.count(f"\n{old}") != 1:
            raise RuntimeError(f"cel-python's grammar has changed: {old!r} is not there once")
        rules = rules.replace(f"\n{old}", f"\n{new}")
    terminals = "\n".join(f"{name} : /{name}/" for name in (*_TERMINALS, "BOOL_LIT", "NULL_LIT"))
    return rules + terminals


def build() -> dict[str, Any]:
    """Return the tables as JSON: terminals, rules and, per state, what to do on each symbol."""
    from lark import Lark  # noqa: PLC0415 - for this tool alone, which is not part of any start
    from lark.parsers.lalr_analysis import Shift  # noqa: PLC0415 - the same

    grammar = amended_grammar()
    lark = Lark(grammar, parser="lalr", start="expr", keep_all_tokens=True, maybe_placeholders=False)
    literals = {
        t.name: t.pattern.value for t in lark.terminals if t.name not in _TERMINALS and not t.name.endswith("_LIT")
    }
    table = lark.parser.parser._parse_table  # noqa: SLF001 - lark offers the table in no other way
    # lark numbers states differently from run to run: here they are numbered as they are reached, symbols in order
    numbers = {table.start_states["expr"]: 0}
    reached = [table.start_states["expr"]]
    rules: dict[tuple[Any, ...], int] = {}
    states: list[dict[str, int]] = []
    for state in reached:
        actions: dict[str, int] = {}
        for symbol, (action, argument) in sorted(table.states[state].items()):
            if action is Shift:
                if argument not in numbers:
                    numbers[argument] = len(reached)
                    reached.append(argument)
                actions[symbol] = numbers[argument]
            else:
                name = str(argument.origin.name)
                rule = (name, len(argument.expansion), bool(argument.options.expand1), name.startswith("_"))
                actions[symbol] = -1 - rules.setdefault(rule, len(rules))
        states.append(actions)
    return {
        "made_of": {
            "cel-python": version("cel-python"),
            "lark": version("lark"),
            "grammar": hashlib.sha256(grammar.encode()).hexdigest(),
        },
        "skipped": _SKIPPED,
        "terminals": _TERMINALS,
        "keywords": _KEYWORDS,
        "operators": {text: name for name, text in sorted(literals.items()) if name not in _KEYWORDS.values()},
        "rules": [list(rule) for rule in rules],
        "start": 0,
        "end": numbers[table.end_states["expr"]],
        "states": states,
    }


def encoded(tables: dict[str, Any]) -> str:
    """Return the file's text: one state a line, so that a change can be read."""
    lines = []
    for key, value in tables.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row) for row in value)
            lines.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLES.write_text(encoded(build()), encoding="utf-8")
