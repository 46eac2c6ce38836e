"""Tekton's own functions: headers, secrets, documents, URLs, regular expressions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from functions.cel import Activation, CelError, compile_expression
from functions.common.errors import PassingError
from tests.cel.event import EVENT, overlay, value_of

TRUE = """
header.match('x-github-event', 'push') && header.match('X-GITHUB-EVENT', 'push') && !header.match('x-nope', 'push')
header.match('x-nope', '') && header.canonical('x-multi') == 'one' && header.canonical('x nope') == ''
{'X-A': ['1', '2']}.canonical('x-a') == '1' && {'x-a': ['1']}.canonical('x-a') == ''
{'X-A': []}.canonical('x-a') == ''
'abcdef'.truncate(3) == 'abc' && 'ab'.truncate(3) == 'ab' && 'é'.truncate(2) == 'é' && 'é'.truncate(1).size() == 1
'secret-token'.compareSecret('token', 'hook-secret', 'any-namespace') && !'x'.compareSecret('token', 'hook-secret')
'{"a": [1, "x", null, true]}'.parseJSON().a == [1, 'x', null, true] && 'null'.parseJSON() == {}
'{"a": 1, "a": 2}'.parseJSON().a == 2.0 && '{"n": 9007199254740993}'.parseJSON().n == 9007199254740992.0
'a: yes\\nb: Off\\nc: n'.parseYAML() == {'a': true, 'b': false, 'c': false}
'a: "yes"\\nb: !!str 1\\nc: ~\\nd:'.parseYAML() == {'a': 'yes', 'b': '1', 'c': null, 'd': null}
'a: 0x1F\\nb: 010\\nc: 0b11'.parseYAML() == {'a': 31, 'b': 8, 'c': 3}
'd: 1_000\\ne: 08\\nf: -5'.parseYAML() == {'d': 1000, 'e': 8, 'f': -5}
'a: 2001-01-01\\nb: 1:30'.parseYAML() == {'a': '2001-01-01', 'b': '1:30'}
'c: 1.5e3\\nd: .5\\ne: 1e999'.parseYAML() == {'c': 1500, 'd': 0.5, 'e': '1e999'}
'p: &a {b: 1}\\nq: *a\\nr: {<<: *a, c: 2}'.parseYAML() == {'p': {'b': 1}, 'q': {'b': 1}, 'r': {'b': 1, 'c': 2}}
'1: a\\ntrue: b\\n1.5: c'.parseYAML() == {'1': 'a', 'true': 'b', '1.5': 'c'} && ''.parseYAML() == {}
'a: 1\\n---\\nb: 2'.parseYAML() == {'a': 1} && 'a: 1\\na: 2'.parseYAML() == {'a': 2}
'a: !!binary aGk='.parseYAML().a == 'hi'
'a: {"<<": {b: 1}}\\n? 1e6\\n: x'.parseYAML() == {'a': {'<<': {'b': 1}}, '1e+06': 'x'}
{'b': 1, 'a': [1.5, null, 'x'], 'c': {}}.marshalJSON() == '{"a":[1.5,null,"x"],"b":1,"c":{}}'
['<&>\\u2028'].marshalJSON() == '["\\\\u003c\\\\u0026\\\\u003e\\\\u2028"]'
body.words.marshalJSON() == '["b","a","c","a"]' && [].marshalJSON() == '[]'
{'a': 1e21}.marshalJSON() == '{"a":1e+21}'
{'a': b'hi', 'b': 9007199254740993}.marshalJSON() == '{"a":"aGk=","b":"9007199254740993"}'
[1, 2].marshalJSON() == '[1,2]' && [[1], {'a': null}].marshalJSON() == '[[1],{"a":null}]'
body.numbers.marshalJSON() == '[3,1,2,3]'
body.commits.map(c, {'id': c.id}).marshalJSON().startsWith('[{"id":"aaa111"}')
[1, 'a', {'b': 2}].first() == 1 && [1, 'a', {'b': 2}].last().b == 2 && [{'a': 1}].first().a == 1
json.encode({'b': [1, null], 'a': '<'}) == '{"a":"\\\\u003c","b":[1,null]}' && json.encode('x') == '"x"'
json.encode(null) == 'null' && json.encode(1u) == '1' && json.encode(body.numbers) == '[3,1,2,3]'
'{"n": -0}'.parseJSON().marshalJSON() == '{"n":-0}' && json.encode(-0.0) == '-0'
[1, 2].first() == 1 && [1, 2].last() == 2 && [].first() == null && body.numbers.last() == 3
body.commits.first().id == 'aaa111'
'Foo Bar'.translate('[^a-z]', '-') == '-oo--ar' && 'abc'.translate('(a)(b)', '$2${1}') == 'bac'
'abc'.translate('(?P<x>b)', '<$x>') == 'a<b>c' && 'abc'.translate('b', '$1x$$') == 'a$c'
'abc'.translate('b', '$') == 'a$c' && 'abc'.translate('b', '$é${01}') == 'ac' && 'abc'.translate('(b)', '$1é') == 'ac'
'aé'.truncate(2).upperAscii() == 'A\ufffd' && 'aé'.truncate(2).reverse() == '\ufffda'
'aé'.truncate(2).charAt(1) == '\ufffd'
'aé'.truncate(2).substring(1) == '\ufffd' && 'aé'.truncate(2).lowerAscii().matches('a.$')
'aé'.truncate(2).matches('a.$')
('{"a":"é'.truncate(7) + '"}').parseJSON().a == '\ufffd'
'baaac'.translate('a*', 'x') == 'xbxcx' && 'äö'.translate('', '-') == '-ä-ö-' && ''.translate('x*', '-') == '-'
'aGk='.decodeb64() == 'hi' && body.b64.decodeb64() == 'hello world'
'http://[fe80::1%25en0]:80/a%20b?x#f%20g'.parseURL().host == '[fe80::1%en0]:80'
'ssh://a:b:22/'.parseURL().host == 'a:b:22'
'http://h/a%20b#f%20g'.parseURL().path == '/a b' && 'http://h/a#f%20g'.parseURL().fragment == 'f g'
'http://[::ffff:1.2.3.4]'.parseURL().host == '[::ffff:1.2.3.4]'
'HTTP://u@h'.parseURL().scheme == 'http' && 'http://u@h'.parseURL().auth == {'username': 'u', 'password': ''}
'//h/p'.parseURL().host == 'h' && '/p?a=1&a=2&b=%zz&c;d&e=x+y'.parseURL().query == {'a': '1,2', 'e': 'x y'}
'mailto:a@b'.parseURL().scheme == 'mailto' && 'mailto:a@b'.parseURL().path == '' && !has('http://h'.parseURL().auth)
""".strip().splitlines()


@pytest.mark.parametrize("source", TRUE)
def test_holds(source: str) -> None:
    assert value_of(source) is True


ERRORS = """
body.match('a', 'b') | failed to convert to http.Header
'x'.truncate(-1) | slice bounds out of range
'[1]'.parseJSON() | not an object
'{"a":NaN}'.parseJSON() | not JSON
'{"a":1} x'.parseJSON() | not JSON
'- 1'.parseYAML() | not a mapping
'a: [1'.parseYAML() | failed to decode
'a: *x'.parseYAML() | alias
'a: &x [*x]'.parseYAML() | alias
'a: .nan'.parseYAML() | must be finite
'null: 1'.parseYAML() | a key must be a string
'a: !!int x'.parseYAML() | does not fit its tag
'{<<: 1}'.parseYAML() | << takes an object
body.ref.marshalJSON() | no such overload
json.encode({1: 2}) | to string
{'a': 0.0 / 0.0}.marshalJSON() | invalid NaN
{'k': {1: 2}}.marshalJSON() | to string
body.ref.translate('(', '') | missing closing )
'://x'.parseURL() | missing protocol scheme
'a b:c'.parseURL() | first path segment
'http://h:x/'.parseURL() | invalid port
'http://[::1/'.parseURL() | missing ']'
'http://[x]/'.parseURL() | invalid host
'http://[1.2.3.4]/'.parseURL() | invalid host
'http://a[::1]/'.parseURL() | invalid IP-literal
'http://::1/'.parseURL() | invalid port
'http://a b/'.parseURL() | invalid character in host
'http://%41/'.parseURL() | invalid URL escape
'/%zz'.parseURL() | invalid URL escape
'/a\\nb'.parseURL() | control character
'http://u[@h/'.parseURL() | invalid userinfo
'!'.decodeb64() | illegal base64
body.nothing.parseJSON() | no such overload
body.numbers.compareSecret('token', 'hook-secret') | no such overload
""".strip().splitlines()


@pytest.mark.parametrize("line", ERRORS)
def test_fails_without_quoting_the_event(line: str) -> None:
    source, reason = line.rsplit(" | ", 1)
    with pytest.raises(CelError) as caught:
        value_of(source)
    assert reason in caught.value.reason


def test_values_of_the_event_stay_out_of_reasons() -> None:
    secret = "p4ssw0rd-in-the-payload"
    event = Activation(
        body={"s": secret, "y": f"{secret}: [{secret}", "r": f"[{secret}", "u": f"http://{secret}:port/", "n": 1},
        header={},
        extensions={},
        request_url="/",
        compare_secret=EVENT.compare_secret,
    )
    for source in (
        "int(body.s)", "timestamp(body.s)", "duration(body.s)", "double(body.s)", "bool(body.s)", "body[body.s]",
        "{'a': 1}[body.s]", "body.s.parseJSON()", "body.y.parseYAML()", "body.u.parseURL()", "'x'.matches(body.r)",
        "'x'.translate(body.r, '')", "base64.decode(body.s)", "timestamp(0).getHours(body.s)", "body.s.format([body])",
        "('%' + body.s).format([1])", "[body.s].slice(0, 9)", "body.s + 1", "body.s.nope", "body.match(body.s, 'x')",
    ):  # fmt: skip
        try:
            value_of(source, event)
        except CelError as error:
            assert secret not in error.reason, source


def test_says_whether_a_secret_is_compared() -> None:
    assert compile_expression("[1].exists(x, 'a'.compareSecret('k', 'n'))").calls_compare_secret
    assert not compile_expression("body.compareSecret == 'compareSecret'").calls_compare_secret


def test_what_the_secret_store_raises_surfaces_unless_it_is_absorbed() -> None:
    def unreachable(value: str, key: str, name: str) -> bool:
        raise PassingError("Secret Manager is unreachable", retry_after=3)

    event = replace(EVENT, compare_secret=unreachable)
    for source in (
        "'x'.compareSecret('k', 'n')",
        "'x'.compareSecret('k', 'n') || false",
        "true && 'x'.compareSecret('k', 'n')",
        "[1].exists(x, 'x'.compareSecret('k', 'n'))",
        "'x'.compareSecret('k', 'n') ? 1 : 2",
    ):
        with pytest.raises(PassingError, match="unreachable"):
            compile_expression(source).evaluate(event)
    assert compile_expression("'x'.compareSecret('k', 'n') || true").test(event)


def test_a_filter_lets_through_on_true_alone() -> None:
    assert compile_expression("body.forced").test(EVENT)
    for source in ("body.created", "body.count", "'true'", "body.nothing", "1"):
        assert not compile_expression(source).test(EVENT)


def test_a_group_of_any_number_may_stand_in_a_replacement() -> None:
    event = replace(EVENT, body={"put": "<$" + "1" * 5000 + ">"})
    assert value_of("'abc'.translate('b', body.put)", event) == "a<>c"


def test_alias_bombs_do_not_go_off() -> None:
    lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9)]
    with pytest.raises(CelError, match="more than 200000 values, aliases counted"):
        value_of("body.bomb.parseYAML()", replace(EVENT, body={"bomb": "\n".join(lines)}))


def test_overlays_of_documents() -> None:
    assert overlay("body.yaml.parseYAML()") == {"a": {"b": [1, "two"]}, "flag": True}
    assert overlay("'{\"a\": 1.0}'.parseJSON()") == {"a": 1}
