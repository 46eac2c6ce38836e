"""The language: values of expressions, from cel-go's and CEL's documentation, and what cannot be evaluated."""

from __future__ import annotations

import math

import pytest

from functions.cel import CelEvaluationError
from tests.cel.event import value_of

TRUE = """
1 + 2 == 3
7 / 2 == 3 && -7 / 2 == -3 && 7 % -2 == 1 && -7 % 2 == -1
7u / 2u == 3u && 7u % 4u == 3u
0.1 + 0.2 == 0.30000000000000004
-9223372036854775808 < 0 && - 9223372036854775808 < 0
0x1F == 31 && -0x10 == -16 && 0xFFu == 255u
.5 == 0.5 && 1e3 == 1000.0 && 2.5E-1 == 0.25
--1 == 1 && !!true
'a' + "b" == 'ab' && b'a' + b'b' == b'ab'
[1] + [2, 3] == [1, 2, 3]
[1, 2,] == [1, 2] && {1: 2,} == {1: 2}
dyn(1) == 1.0 && dyn(1) == 1u && dyn(1u) == 1.0
dyn(1) != dyn('1') && dyn(true) != dyn(1) && dyn(null) != dyn(0)
dyn([1, 2]) == [1.0, 2.0] && dyn({'a': 1}) == {'a': 1.0}
dyn(1) < dyn(2.5) && dyn(2u) > dyn(1) && dyn(1.5) <= dyn(2u)
dyn(9007199254740993) == dyn(9007199254740992.0)
dyn(9223372036854775807) < dyn(18446744073709551615u)
!(0.0 / 0.0 < 1.0) && !(0.0 / 0.0 >= 1.0) && !(dyn('a') > 0.0 / 0.0) && !(0.0 / 0.0 <= dyn([1]))
0.0 / 0.0 != 0.0 / 0.0
false < true && b'a' < b'b' && 'a' < 'b'
duration('1m') < duration('1h') && timestamp(0) < timestamp(1)
body.count == 2 && body.count == 2.0 && body.count < 3 && body.count >= 2u
body.numbers == [3, 1, 2, 3]
{1: 'a'}[dyn(1.0)] == 'a' && {1u: 'a'}[dyn(1)] == 'a' && {1: 'a'}[dyn(1u)] == 'a'
{'a': 1, 'a': 2}['a'] == 2 && {[1]: 1, {}: 2}.size() == 2 && !([1] in {[1]: 1}) && {[1]: 1} != {[1]: 1}
dyn(1) in {1u: 'a'} && dyn(1.0) in [1, 2] && !(dyn('1') in [dyn(1)])
[1, 2, 3][dyn(1.0)] == 2 && [1, 2, 3][dyn(2u)] == 3
body.numbers[body.zero] == 3
'x-y' in {'x-y': 1} && body['dash-key']['sp ace'] == 'v'
body.missing in [] ? false : true
true || body.missing && false || true
body.missing == 1 || true
!(body.missing == 1 && false)
true || dyn(1)
!(dyn('x') && false)
false ? body.missing : true
[1, 2].exists(x, x == 2 || body.missing)
[1, 2].exists(x, x > 1.5) && ['a'].all(x, size(x) < 2u) && 1 <= 1.0
![1, 2].all(x, x == 2 && body.missing)
[0, 1].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 0)
{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && {'a': 1}.exists_one(k, k == 'a')
[1, 2, 3].map(x, x > 1, x * 2) == [4, 6] && [1, 2, 3].filter(x, x != 2) == [1, 3]
[[1, 2], [3]].map(x, x.map(x, x + 1)) == [[2, 3], [4]]
[1].exists_one(x, x == 1)
body.`dash-key`.`sp ace` == 'v' && body.`ref` == body.ref && has(body.`dash-key`.`x.y`) && !has(body.`a/b`)
has(has(body.ref))
body.repository.owner.map(k, k).size() == 2
has(body.nothing) && !has(body.nope) && !has(body.ref.x) && !has(body.nothing.x)
has({'a': 1}.a) && !has({'a': 1}.b)
type(1) == int && type(1u) == uint && type(1.0) == double && type('') == string && type(b'') == bytes
type(true) == bool && type(null) == null_type && type([]) == list && type({}) == map && type(type(1)) == type
type(timestamp(0)) == google.protobuf.Timestamp && type(duration('0s')) == google.protobuf.Duration
int('-42') == -42 && int(2.9) == 2 && int(-2.9) == -2 && int(7u) == 7 && int(timestamp(9)) == 9
double('1_000.2_5') == 1000.25 && uint('42') == 42u && uint(2.9) == 2u && uint(3) == 3u
double('1e3') == 1000.0 && double('-Inf') < 0.0 && double(3) == 3.0
double('1_0.2_5e1_0') == 10.25e10 && double('0x_1_f.8p1') == 63.0
bool('true') && bool('T') && bool('1') && !bool('FALSE') && !bool('f')
string(1.0) == '1' && string(1e6) == '1e+06' && string(123456.0) == '123456' && string(0.0001) == '0.0001'
string(0.00001) == '1e-05' && string(1.5e300) == '1.5e+300' && string(-0.0) == '-0' && string(1.0 / 0.0) == '+Inf'
string(body.repository.id) == '1.296269e+06'
string(5u) == '5' && string(false) == 'false' && string(b'\\xc3\\xa9') == 'é'
bytes('é') == b'\\303\\251' && size(bytes('é')) == 2 && size('é') == 1
string(duration('1h30m')) == '5400s' && string(duration('1.5s')) == '1.5s' && string(duration('-1ms')) == '-0.001s'
duration('1h2m3.5s') == duration('3723500ms') && duration('0') == duration('0s')
string(timestamp(0)) == '1970-01-01T00:00:00Z'
string(timestamp('2026-01-02T03:04:05.120Z')) == '2026-01-02T03:04:05.12Z'
timestamp('2026-01-02T03:04:05+02:00') == timestamp('2026-01-02T01:04:05Z')
timestamp(body.ts) + duration('24h') == timestamp('2026-01-03T03:04:05Z')
timestamp(body.ts) - timestamp('2026-01-01T03:04:05Z') == duration('24h')
timestamp(body.ts).getFullYear() == 2026 && timestamp(body.ts).getMonth() == 0 && timestamp(body.ts).getDate() == 2
timestamp(body.ts).getDayOfMonth() == 1 && timestamp(body.ts).getDayOfYear() == 1
timestamp(body.ts).getDayOfWeek() == 5 && timestamp(body.ts).getHours() == 3 && timestamp(body.ts).getMinutes() == 4
timestamp(body.ts).getSeconds() == 5 && timestamp('2026-01-02T03:04:05.678Z').getMilliseconds() == 678
timestamp('2026-01-01T00:30:00+02:00').getHours() == 22 && timestamp('2026-01-01T00:30:00+02:00').getFullYear() == 2025
timestamp(body.ts).getHours('99:99') == 7 && timestamp(body.ts).getMinutes('-00:30') == 34
timestamp(body.ts).getHours('Local') == 3
timestamp(body.ts).getHours('Europe/Berlin') == 4 && timestamp(body.ts).getHours('-08:30') == 18
duration('90m').getHours() == 1 && duration('90m').getSeconds() == 5400 && duration('1s').getMilliseconds() == 1000
'\\u00e9\\x41\\101\\n'.size() == 4 && r'\\n'.size() == 2 && '''a'b''' == "a'b" && b'\\xff' != b'\\377\\000'
'\\U0001F389' == '🎉' && size('🎉') == 1
size([1, 2]) == 2 && {}.size() == 0 && b'abc'.size() == 3
'abc'.contains('b') && 'abc'.startsWith('') && 'abc'.endsWith('bc')
'abc'.matches('b') && matches('abc', '^a.c$') && !'abc'.matches('^b')
.body.ref == body.ref // a comment
requestURL.startsWith('/hooks')
""".strip().splitlines()


@pytest.mark.parametrize("source", TRUE)
def test_holds(source: str) -> None:
    assert value_of(source) is True


ERRORS = """
1 / 0 | division by zero
1u % 0u | modulus by zero
9223372036854775807 + 1 | integer overflow
-9223372036854775808 / -1 | integer overflow
-(-9223372036854775807 - 1) | integer overflow
9223372036854775807 * 2 | integer overflow
0u - 1u | unsigned integer overflow
18446744073709551615u + 1u | unsigned integer overflow
body.count + 1 | no such overload
body.measure * 2 | no such overload
dyn(1) + dyn(1u) | no such overload
dyn(1) + dyn('a') | no such overload
dyn(true) + dyn(true) | no such overload
dyn('a') < dyn(1) | no such overload
dyn(true) < dyn(1) | no such overload
dyn([1]) < dyn([2]) | no such overload
dyn([1]) < 0.0 / 0.0 | no such overload
math.greatest(0.0 / 0.0, 1.0) | NaN values cannot be ordered
!body.count | no such overload
-body.ref | no such overload
body.count ? 1 : 2 | no such overload
body.count && true | no such overload
body.missing == 1 && true | no such key: missing
body.missing || false | no such key: missing
body.ref.x | no such key: x
body.nothing.x | no such key: x
has(body.missing.x) | no such key: missing
body.numbers.x | unsupported index type
body.numbers[9] | index out of bounds: 9
body.numbers[-1] | index out of bounds: -1
body.numbers[dyn(0.5)] | unsupported index value
body.numbers[dyn('0')] | unsupported index type
body[body.ref] | no such key
{'a': 1}['b'] | no such key: b
dyn(1)[0] | no such key
1 in dyn(2) | no such overload
[1].exists_one(x, body.missing) | no such key: missing
[1].map(x, body.missing) | no such key: missing
[1].filter(x, body.ref) | no such overload
dyn(1).all(x, true) | expected iterable type
{b'a': 1} | unhashable
int(body.forced) | no such overload
string(body.nothing) | no such overload
string(body.numbers) | no such overload
int(body.ref) | type conversion error
int(1e300 * body.measure) | integer overflow
uint(body.neg) | unsigned integer overflow
bool(body.ref) | type conversion error
double(body.ref) | type conversion error
double(body.ref.replace(body.ref, '1__0')) | type conversion error
timestamp(body.ref) | invalid RFC 3339 timestamp
timestamp(body.empty + '2026-02-30T00:00:00Z') | type conversion error
timestamp(body.empty + '2026-01-02T03:04:05,5Z') | invalid RFC 3339 timestamp
timestamp(body.empty + '2026-01-02T03:04:05+24:00') | invalid RFC 3339 timestamp
timestamp(body.empty + '2026-01-02T03:04:05+01:60') | invalid RFC 3339 timestamp
double(body.empty + '1__0') | type conversion error
double(body.empty + '1e_5') | type conversion error
duration(body.ref) | type conversion error
string(b'\\xff' + b'') | invalid UTF-8
timestamp('9999-12-31T23:59:59Z') + duration('1s') | timestamp overflow
timestamp('0001-01-01T00:00:00Z') - duration('1ns') | timestamp overflow
timestamp('9999-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z') | duration overflow
duration('9223372036s') + duration('1s') | duration overflow
timestamp(body.ts).getHours('Nowhere/City') | unknown time zone
timestamp(body.ts).getHours('1:xx') | unknown time zone
body.ref.matches('[' + body.empty) | error parsing regexp
size(dyn(1)) | no such overload
dyn(1).contains('a') | no such overload
""".strip().splitlines()


@pytest.mark.parametrize("line", ERRORS)
def test_cannot_be_evaluated(line: str) -> None:
    source, reason = line.rsplit(" | ", 1)
    with pytest.raises(CelEvaluationError) as caught:
        value_of(source)
    assert reason in caught.value.reason


def test_doubles_follow_ieee() -> None:
    assert value_of("1.0 / 0.0") == math.inf
    assert value_of("-1.0 / 0.0") == -math.inf
    assert value_of("1.0 / -0.0") == -math.inf
    assert math.isnan(float(str(value_of("0.0 / 0.0"))))
    assert value_of("1e308 * 10.0") == math.inf


def test_integers_of_json_are_doubles_however_large() -> None:
    assert value_of("body.big") == 9007199254740992.0
    assert type(value_of("body.count")) is float
    assert value_of("body.numbers.map(n, type(n) == double).all(b, b)") is True
