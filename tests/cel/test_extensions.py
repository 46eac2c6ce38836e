"""cel-go's extension libraries, case by case from their documentation and code."""

from __future__ import annotations

import pytest

from functions.cel import CelError
from tests.cel.event import value_of

TRUE = """
'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == ''
'hello mellow'.indexOf('') == 0 && 'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('jello') == -1
'hello mellow'.indexOf('', 2) == 2 && 'hello mellow'.indexOf('ello', 2) == 7
'hello mellow'.indexOf('ello', 20) == -1 && 'hello'.indexOf('', 20) == 5 && 'hello'.lastIndexOf('', 20) == 5
'hello mellow'.lastIndexOf('') == 12 && 'hello mellow'.lastIndexOf('ello') == 7 && ''.lastIndexOf('@@') == -1
'hello mellow'.lastIndexOf('ello', 6) == 1 && 'hello mellow'.lastIndexOf('ello', 50) == -1
['hello', 'mellow'].join() == 'hellomellow' && ['a', 'b'].join(' ') == 'a b' && [].join('/') == ''
'TacoCÆt Xii'.lowerAscii() == 'tacocÆt xii' && 'TacoCæt Xii'.upperAscii() == 'TACOCæT XII'
strings.quote('a "b" \\a\\n\\\\') == '"a \\\\"b\\\\" \\\\a\\\\n\\\\\\\\"'
'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'
'hello hello'.replace('he', 'we', 0) == 'hello hello' && 'ab'.replace('', '-') == '-a-b-'
'ab'.replace('', '-', 2) == '-a-b'
'hello hello hello'.split(' ') == ['hello', 'hello', 'hello'] && 'a b'.split(' ', 0) == []
'a b'.split(' ', 1) == ['a b']
'a b c'.split(' ', 2) == ['a', 'b c'] && 'a b'.split(' ', -1) == ['a', 'b'] && 'äb'.split('') == ['ä', 'b']
''.split('') == []
''.split(',') == [''] && 'abc'.split('', 2) == ['a', 'bc'] && 'ab'.split('', 9) == ['a', 'b']
'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'ab'.substring(2) == ''
'ab'.substring(1, 1) == ''
' \\u0085\\u00a0\\u2028trim\\u3000 '.trim() == 'trim' && '\\u200bx\\x1f'.trim().size() == 3
'gums'.reverse() == 'smug' && 'äö'.reverse() == 'öä'
'this is a string: %s\\nand an integer: %d'.format(['str', 42]) == 'this is a string: str\\nand an integer: 42'
'%%s: %s'.format([64.2]) == '%s: 64.2' && '%s'.format([type('a')]) == 'string' && '%s'.format([null]) == 'null'
'%s'.format([timestamp('2023-02-03T23:31:20+01:00')]) == '2023-02-03T22:31:20Z'
'%s'.format([duration('1h45m47s')]) == '6347s'
'%f'.format([3.14]) == '3.140000' && '%.3f'.format([3.14159]) == '3.142' && '%.0f'.format([2.5]) == '2'
'%f'.format([2]) == '2.000000'
'%.100f'.format([0.5]).size() == 102
'%e'.format([2.71828]) == '2.718280e+00' && '%.2e'.format([12345]) == '1.23e+04' && '%d'.format([2.5]) == '2.5'
'%b %b %b'.format([5, true, -5]) == '101 1 -101' && '%x %X %o'.format([26, 26, 30]) == '1a 1A 36'
'%x'.format([-26]) == '-1a'
'%x %X'.format(['hello', b'\\xab']) == '68656c6c6f AB' && '%s'.format([b'abc']) == 'abc'
'%s'.format([[1, 2.5, 'x', null, {'b': 1, 'a': [true]}]]) == '[1, 2.5, x, null, {a: [true], b: 1}]'
'%s %s %f'.format([1.0 / 0.0, 0.0 / 0.0, -1.0 / 0.0]) == 'Infinity NaN -Infinity'
'%s'.format([1e20]) == '100000000000000000000'
'%s'.format([body.numbers]) == '[3, 1, 2, 3]' && '%d'.format([body.repository.id]) == '1296269'
base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8=') == b'hello' && base64.decode('aGVsbG8') == b'hello'
base64.decode('aGVs\\nbG8=\\r\\n') == b'hello' && base64.decode('') == b''
sets.contains([1, 2, 2], [2, 1]) && sets.contains([], []) && !sets.contains([], [1])
sets.contains([1, 2], dyn([1.0, 2u]))
sets.equivalent([1, 2], [2, 1, 1]) && !sets.equivalent([1], [1, 2]) && sets.intersects([1, 2], [2])
!sets.intersects([], [1])
[1, 2, 3, 4].slice(1, 3) == [2, 3] && [1].slice(1, 1) == [] && body.numbers.slice(0, 2) == [3, 1]
[1, [2, 3], [4]].map(x, dyn(x)).flatten() == [1, 2, 3, 4] && dyn([1, [2, [3, [4]]]]).flatten(2) == [1, 2, 3, [4]]
dyn([[1, [2]]]).flatten(0) == [[1, [2]]] && [[]].flatten() == []
[3, 2, 1].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b'] && [2u, 1u].sort() == [1u, 2u]
[true, false].sort() == [false, true]
[duration('2s'), duration('1s')].sort()[0] == duration('1s') && [].sort() == [] && [b'b', b'a'].sort()[0] == b'a'
[{'n': 2}, {'n': 1}].sortBy(e, e.n).map(e, e.n) == [1, 2] && body.commits.sortBy(c, c.author.name)[0].id == 'aaa111'
[1, 2, 2, 1].distinct() == [1, 2] && ['b', 'a', 'b'].distinct() == ['b', 'a'] && [1, 1.0, 1u].distinct().size() == 1
[5, 3].reverse() == [3, 5] && lists.range(3) == [0, 1, 2] && lists.range(0) == []
math.greatest(1) == 1 && math.greatest(1u, 2u) == 2u && math.greatest(-1.5, 3) == 3 && math.greatest([1, 5, 2]) == 5
math.least(1, 2.0, 3u) == 1 && math.least(body.numbers) == 1 && math.least([1.5, -2.5]) == -2.5
math.ceil(1.2) == 2.0 && math.ceil(-1.2) == -1.0 && math.floor(-1.2) == -2.0 && math.trunc(-1.9) == -1.0
math.round(1.5) == 2.0 && math.round(-1.5) == -2.0 && math.round(0.49999999999999994) == 0.0 && math.round(2.5) == 3.0
math.abs(-1) == 1 && math.abs(1u) == 1u && math.abs(-1.5) == 1.5 && math.sign(-42) == -1
math.sign(-0.5) == -1.0 && math.sign(7u) == 1u
math.isNaN(0.0 / 0.0) && math.isInf(-1.0 / 0.0) && math.isFinite(1.0) && !math.isFinite(0.0 / 0.0)
math.isNaN(math.sqrt(-1.0))
math.sqrt(16) == 4.0 && math.sqrt(16u) == 4.0 && math.sqrt(2.25) == 1.5
math.bitAnd(-3, -5) == -7 && math.bitOr(1u, 2u) == 3u && math.bitXor(1, 3) == 2 && math.bitNot(1) == -2
math.bitNot(0u) == 18446744073709551615u
math.bitShiftLeft(1, 2) == 4 && math.bitShiftLeft(-1, 2) == -4 && math.bitShiftLeft(1u, 200) == 0u
math.bitShiftLeft(1, 63) < 0
math.bitShiftRight(1024, 2) == 256 && math.bitShiftRight(-1024, 3) == 2305843009213693824
math.bitShiftRight(1024u, 64) == 0u
""".strip().splitlines()


@pytest.mark.parametrize("source", TRUE)
def test_holds(source: str) -> None:
    assert value_of(source) is True


ERRORS = """
'hello'.charAt(-1) | index out of range: -1
'hello'.charAt(6) | index out of range: 6
'hello'.indexOf('l', -1) | index out of range: -1
'hello'.lastIndexOf('l', -1) | index out of range: -1
'hello'.substring(-1) | index out of range: -1
'hello'.substring(9) | index out of range: 9
'hello'.substring(2, 1) | invalid substring range
'hello'.substring(1, 9) | index out of range: 9
[body.ref, body.numbers].join(',') | join: invalid input
'%s %s'.format(body.emptylist) | index 0 out of range
'%x'.format([body.measure]) | only ints, uints, bytes, and strings can be formatted as hex
'%.101f'.format(dyn([1.0])) | precision
'hello'.indexOf('', -1) | index out of range: -1
'hello'.lastIndexOf('', -1) | index out of range: -1
body.ref.format(body.numbers) + '%' .format(body.words) | unexpected end of string
[1, 2].slice(-1, 1) | negative indexes not supported
[1, 2].slice(2, 1) | start index must be less than or equal
[1, 2].slice(0, 3) | list is length 2
body.nested.flatten(-1) | level must be non-negative
body.nested.sort() | list elements must be comparable
body.commits.sort() | list elements must be comparable
[1, 'a'].sort() | list elements must have the same type
lists.range(-1) | size must be non-negative
lists.range(1000001) | exceeds maximum allowed (1000000)
math.greatest(body.emptylist) | argument must not be empty
math.greatest(body.ref) | no such overload
math.least(body.words) | no such overload
math.abs(-9223372036854775808) | integer overflow
math.ceil(body.ref) | no such overload
math.bitAnd(body.count, 1) | no such overload
math.bitShiftLeft(1, -1) | negative offset: -1
base64.decode('!!!') | illegal base64 data at input byte 0
base64.decode('a') | illegal base64 data
base64.decode('YQ=') | illegal base64 data
body.numbers.reverse(1) | found no matching overload
body.ref.sort() | no such overload
""".strip().splitlines()


@pytest.mark.parametrize("line", ERRORS)
def test_fails(line: str) -> None:
    source, reason = line.rsplit(" | ", 1)
    with pytest.raises(CelError) as caught:
        value_of(source)
    assert reason in caught.value.reason
