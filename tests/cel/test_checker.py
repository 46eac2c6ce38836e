"""What is refused when an expression is loaded, in cel-go's words and at its places."""

from __future__ import annotations

import pytest

from functions.cel import CelCompileError, compile_expression
from functions.cel.program import Program

REFUSED = """
undeclared | 1:1: undeclared reference to 'undeclared' (in container '')
body.ref == nope | 1:13: undeclared reference to 'nope' (in container '')
nope(1) | 1:5: undeclared reference to 'nope' (in container '')
body.ref.nofunc(1) | 1:16: undeclared reference to 'nofunc' (in container '')
optional.none() | 1:1: undeclared reference to 'optional' (in container '')
[1].all(i, v, true) | 1:8: undeclared reference to 'all' (in container '')
cel.bind(x, 1, x) | 1:1: undeclared reference to 'cel' (in container '')
1 + 1.0 | 1:3: found no matching overload for '_+_' applied to '(int, double)'
1 < 2.0 && [1].all(x, true) | 1:3: found no matching overload for '_<_' applied to '(int, double)'
[1].all(x, x == 1.0) | 1:14: found no matching overload for '_==_' applied to '(int, double)'
1 == '1' | 1:3: found no matching overload for '_==_' applied to '(int, string)'
'a' == null | 1:5: found no matching overload for '_==_' applied to '(string, null)'
[1] == ['a'] | 1:5: found no matching overload for '_==_' applied to '(list(int), list(string))'
-1u | 1:1: found no matching overload for '-_' applied to '(uint)'
!1 | 1:1: found no matching overload for '!_' applied to '(int)'
1.0 % 2.0 | 1:5: found no matching overload for '_%_' applied to '(double, double)'
1 in 'a' | 1:3: found no matching overload for '@in' applied to '(int, string)'
1 in body | 1:3: found no matching overload for '@in' applied to '(int, map(string, dyn))'
body[1] | 1:5: found no matching overload for '_[_]' applied to '(map(string, dyn), int)'
[1]['a'] | 1:4: found no matching overload for '_[_]' applied to '(list(int), string)'
1 ? 2 : 3 | 1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'
true ? 1 : 'a' | 1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'
1 && true | 1:1: expected type 'bool' but found 'int'
true || 'a' | 1:9: expected type 'bool' but found 'string'
[1].all(x, x) | 1:12: expected type 'bool' but found 'int'
[1].filter(x, x) | 1:11: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'
[1].exists_one(x, x) | 1:15: found no matching overload for '_?_:_' applied to '(int, int, int)'
'abc'.map(x, x) | 1:1: expression of type 'string' cannot be range of a comprehension
'abc'.x | 1:6: type 'string' does not support field selection
requestURL.path | 1:11: type 'string' does not support field selection
'a'.size(1) | 1:9: found no matching overload for 'size' applied to 'string.(int)'
'a'.startsWith(1) | 1:15: found no matching overload for 'startsWith' applied to 'string.(int)'
startsWith('a', 'b') | 1:11: found no matching overload for 'startsWith' applied to '(string, string)'
string([1]) | 1:7: found no matching overload for 'string' applied to '(list(int))'
body.ref.split('/', 'x') | 1:15: found no matching overload for 'split' applied to 'dyn.(string, string)'
[1, 2].join(',') | 1:12: found no matching overload for 'join' applied to 'list(int).(string)'
[[1]].sort() | 1:11: found no matching overload for 'sort' applied to 'list(list(int)).()'
{1: 2}.marshalJSON() | 1:19: found no matching overload for 'marshalJSON' applied to 'map(int, int).()'
'a'.first() | 1:10: found no matching overload for 'first' applied to 'string.()'
'x'.compareSecret('a') | 1:18: found no matching overload for 'compareSecret' applied to 'string.(string)'
header.match('a') | 1:13: found no matching overload for 'match' applied to 'map(string, dyn).(string)'
math.abs('a') | 1:9: found no matching overload for 'math.abs' applied to '(string)'
math.greatest('a') | 1:15: math.greatest() invalid single argument value
math.least() | 1:1: math.least() requires at least one argument
math.greatest(1, 'a') | 1:18: math.greatest() simple literal arguments must be numeric
has(body) | 1:5: invalid argument to has() macro
has(body['ref']) | 1:9: invalid argument to has() macro
[1].map(x.y, 1) | 1:10: argument must be a simple name
[1].map(__result__, 1) | 1:9: iteration variable overwrites accumulator variable
Foo{} | 1:4: undeclared reference to 'Foo' (in container '')
'%s'.format(['a', 'b']) | 1:12: too many arguments supplied to string.format (expected 1, got 2)
'%s %s'.format(['a']) | 1:15: index 1 out of range
'%d'.format(['a']) | 1:14: error during formatting: decimal clause can only be used on ints, uints, and doubles
'%b'.format([[1]]) | 1:14: error during formatting: only ints, uints, and bools can be formatted as binary, was
'%z'.format([1]) | 1:12: could not parse formatting clause
let | 1:1: reserved identifier: let
body.ref + | 1:11: Syntax error: mismatched input '<EOF>'
body.?x | 1:5: unsupported syntax '.?'
body[?0] | 1:5: unsupported syntax '[?'
`body` | 1:1: Syntax error: mismatched input '`body`'
body.`é` | 1:6: Syntax error: token recognition error at: '`'
body.`ref`() | 1:11: Syntax error: mismatched input '('
[1].existsOne(x, true) | 1:14: undeclared reference to 'existsOne' (in container '')
duration(1) | 1:9: found no matching overload for 'duration' applied to '(int)'
'%.101f'.format([1.0]) | 1:16: could not parse formatting clause: error while parsing precision
body.in | 1:6: Syntax error
body.true | 1:6: Syntax error
'abc | 1:1: Syntax error: token recognition error
'\\q' | 1:1: unable to unescape string
'\\ud800' | 1:1: invalid unicode code point
b'\\u0041' | 1:1: unable to unescape string
9223372036854775808 | 1:1: invalid int literal
18446744073709551616u | 1:1: invalid uint literal
1e999 | 1:1: invalid double literal
1. | Syntax error
a b | 1:3: Syntax error
double('abc') | failed to create a Program: type conversion error from 'string' to 'double'
int(double('x')) | failed to create a Program
uint(-1) | failed to create a Program: unsigned integer overflow
timestamp('yesterday') | failed to create a Program
timestamp('2026-01-02T3:04:05Z') in [] | failed to create a Program: invalid RFC 3339
body.x[null] | failed to create a Program: invalid qualifier type: null_type
body.numbers[b'a'] | failed to create a Program: invalid qualifier type: bytes
body.ref.matches('[') | failed to create a Program: error parsing regexp: missing closing ]
""".strip().splitlines()


@pytest.mark.parametrize("line", REFUSED)
def test_is_refused(line: str) -> None:
    source, reason = line.rsplit(" | ", 1)
    with pytest.raises(CelCompileError) as caught:
        Program(source)
    assert reason in caught.value.reason


def test_an_empty_expression_is_refused() -> None:
    with pytest.raises(CelCompileError, match="1:1: Syntax error"):
        compile_expression("")


def test_all_mistakes_are_listed_in_the_order_of_their_places() -> None:
    with pytest.raises(CelCompileError) as caught:
        compile_expression("a == 1 &&\n  1 == 'x' && b")
    assert caught.value.reason.splitlines() == [
        "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')",
        "ERROR: <input>:2:5: found no matching overload for '_==_' applied to '(int, string)'",
        "ERROR: <input>:2:15: undeclared reference to 'b' (in container '')",
    ]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("[]", "list(dyn)"),
        ("{'a': 1, 'b': 2u}", "map(string, dyn)"),
        ("[[], [1]]", "list(list(int))"),
        ("[1].map(x, string(x))", "list(string)"),
        ("body.x", "dyn"),
        ("body.x == 1", "bool"),
        ("body.x + 1", "int"),
        ("body.x ? 1 : 2", "int"),
        ("{'a': 1}['a']", "int"),
        ("'a'.split(',').map(x, x.size())", "list(int)"),
        ("timestamp(0) - timestamp(1)", "duration"),
        ("type(1)", "type(int)"),
        ("header['A'].first()", "dyn"),
        ("'{}'.parseJSON().a", "dyn"),
        ("math.greatest(1, 2.0)", "dyn"),
        ("[3, 1].sortBy(x, -x)", "list(int)"),
        ("[][0] + body.x", "bytes"),
        ("[][0] * body.x", "double"),
    ],
)
def test_types_are_inferred(source: str, kind: str) -> None:
    assert compile_expression(source).result_type == kind


def test_a_variable_hides_what_is_declared_outside() -> None:
    assert compile_expression("[1].map(body, body + 1)").result_type == "list(int)"


def test_deep_expressions_are_refused_not_crashed_on() -> None:
    for source in ("[" * 400 + "]" * 400, "-(" * 400 + "1" + ")" * 400, "+".join(["1"] * 500), "!" * 9 + "(!" * 300):
        with pytest.raises(CelCompileError):
            compile_expression(source)
    assert compile_expression("(" * 400 + "1" + ")" * 400).result_type == "int"
    assert compile_expression(" && ".join(["true"] * 2000)).result_type == "bool"


def test_very_long_expressions_are_refused() -> None:
    with pytest.raises(CelCompileError, match="exceeds limit"):
        compile_expression("'" + "a" * 100_000 + "'")
