"""The path dialect against what client-go's util/jsonpath does, read in its source."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import LastingError
from functions.common.limits import MIN_VISITED
from functions.common.values import Json
from functions.rendering.jsonpath import JsonPathError, PathLimitError, compile_path
from tests.rendering.jsonpath_cases import FOUND, ROOT

FAILS: list[tuple[str, str]] = [
    # not there
    ("nothing", "nothing is not found"),
    ("body.missing.deeper", "missing is not found"),
    ("body.nothing.x", "x is not found"),
    ("body.count.x", "x is not found"),
    ("body.ref.x", "x is not found"),
    ("body.list.x", "x is not found"),
    ("body.", " is not found"),
    (" body", " is not found"),
    ("@.body", " is not found"),
    ("['body'].ref", " is not found"),
    ("body.['ref']", " is not found"),
    ("[0]", " is not found"),
    ("$.body", " is not found"),
    ("body['dot.key']", "dot is not found"),
    ("body['ref','x']", "x is not found"),
    ("context.eventid", "eventid is not found"),
    ("context.uid", "uid is not found"),
    ("header.x-github-event", "x-github-event is not found"),
    ("body.(ref)", "(ref) is not found"),
    ("body.ref|upper", "ref|upper is not found"),
    # the wrong kind
    ("body.ref[0]", "string is not array or slice"),
    ("body.count[0]", "float64 is not array or slice"),
    ("body.yes[0]", "bool is not array or slice"),
    ("body.map[0]", "map[string]interface {} is not array or slice"),
    ("body.mixed[*][0]", "float64 is not array or slice"),
    ("body.short.*[0]", "uint8 is not array or slice"),
    ("header[0]", "map[string]string is not array or slice"),
    ("context[0]", "template.TriggerContext is not array or slice"),
    ("body 5 [0]", "int is not array or slice"),
    ("body.ref[*]", "string is not array or slice"),
    ("body.map[?(@.x)]", "map[string]interface {} is not array or slice and cannot be filtered"),
    ("body.ref[?(@.x)]", "string is not array or slice and cannot be filtered"),
    ("body.nothing[?(@.x)]", "<nil> is not array or slice and cannot be filtered"),
    # bounds
    ("body.list[3]", "array index out of bounds: index 3, length 3"),
    ("body.list[5]", "array index out of bounds: index 5, length 3"),
    ("body.list[-4]", "array index out of bounds: index -1, length 3"),
    ("body.none[0]", "array index out of bounds: index 0, length 0"),
    ("body.none[-1]", "array index out of bounds: index -1, length 0"),
    ("body.list[4:]", "array index out of bounds: index 4, length 3"),
    ("body.list[0:9]", "array index out of bounds: index 8, length 3"),
    ("body.list[0:-9]", "array index out of bounds: index -7, length 3"),
    ("body.list[2:1]", "starting index 2 is greater than ending index 1"),
    ("body.list[::0]", "step must be > 0"),
    ("body.list[::-1]", "step must be > 0"),
    # comparisons
    ("body.items[?(@.n==2)]", "incompatible types for comparison"),
    ("body.items[?(@.n=='2')]", "incompatible types for comparison"),
    ("body.list[?(@.*==97)]", "incompatible types for comparison"),
    ("body.items[?(@.ok=='true')]", "incompatible types for comparison"),
    ("body.items[?(@.ok<true)]", "invalid type for comparison"),
    ("body.items[?(@.sub=='x')]", "invalid type for comparison"),
    ("body.items[?('x'==@.tags)]", "invalid type for comparison"),
    ("body.mixed[?(@!='x')]", "incompatible types for comparison"),
    ("body.mixed[2:3][?(@=='x')]", "<nil> is not array or slice and cannot be filtered"),
    ("body.items[?(@.only=='here')]", "only is not found"),
    ("body.items[?(@.tags[*]=='x')]", "can only compare one element at a time"),
    ("body.items[?('x'==@.tags[*])]", "can only compare one element at a time"),
    ("body.items[?(@.name=two)]", "unrecognized identifier two"),
    ("body.items[?(@.name==two)]", "unrecognized identifier two"),
    ("body.items[?(name=='two')]", "unrecognized identifier name"),
    ("body.items[?(@.name==='two')]", "unrecognized filter operator ==="),
    ("body.items[?(@.name='two')]", "unrecognized filter operator ="),
    ("body.items[?(@.name<>'two')]", "unrecognized filter operator <>"),
    # words
    ("body word", "unrecognized identifier word"),
    ("body end", "not in range, nothing to end"),
    ("body range end", "not in range, nothing to end"),
    ("body 1e5", "unrecognized identifier e5"),
    ("body['sp ace']", "sp is not found"),
]

NO_PATH = "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
REFUSED: list[tuple[str, str]] = [
    ("{", NO_PATH),
    (
        "{a}{b}",
        NO_PATH,
    ),
    ("{}", NO_PATH),
    (
        "a[?(@.b=='}')]",
        NO_PATH,
    ),
    ("a[0", "unterminated array"),
    ("a[0\n]", "unterminated array"),
    ("a['b'", "unterminated array"),
    ("a[x]", "invalid array index x"),
    ('a["x"]', 'invalid array index "x"'),
    ("a[ 0 ]", "invalid array index  0 "),
    ("a['b'c]", "invalid array index 'b'c"),
    ("a[0:1:2:3]", "invalid array index 0:1:2:3"),
    ("a[1.5]", "invalid array index 1.5"),
    ("a['x,y']", "invalid array index 'x"),
    ("a[-]", "array index - is not a number"),
    ("a[0:-]", "array index - is not a number"),
    ("a[9999999999999999999]", "array index 9999999999999999999 is not a number"),
    ("a[?(@.b]", "unterminated filter"),
    ("a[?(@.b=='x)]", "unterminated filter"),
    ("a[?(@.b)", "unclosed array expect ]"),
    ("a[?((@.b))]", "unclosed array expect ]"),
    ("a[?(@.b[?(@.c)])]", "unterminated filter"),
    ("a[?(@.b=='x' && @.c=='y')]", "unrecognized character in action: U+0026 '&'"),
    ("a[?(@.b=~'x')]", "unrecognized character in action: U+007E '~'"),
    ("a[?(!@.b)]", "unrecognized character in action: U+0021 '!'"),
    ("a[?(@.b==)]", "unrecognized character in action: U+003D '='"),
    ("a 'b", "unterminated quoted string"),
    ("a 'b\\\\'", "unterminated quoted string"),
    ("a 'b\\\\'c'", "unquote string 'b\\\\'c' error invalid syntax"),
    ("a 'b\\q'", "unquote string 'b\\q' error invalid syntax"),
    ("a 'b\\\"'", "unquote string 'b\\\"' error invalid syntax"),
    ("a '\\777'", "unquote string '\\777' error invalid syntax"),
    ("a '\\ud800'", "unquote string '\\ud800' error invalid syntax"),
    ("a '\\U00110000'", "unquote string '\\U00110000' error invalid syntax"),
    ("a -", "cannot parse number -"),
    ("a 1.2.3", "cannot parse number 1.2.3"),
    ("a ٣", "cannot parse number ٣"),
    ("....a", "invalid multiple recursive descent"),
    ("a..*", "unrecognized character in action: U+002A '*'"),
    ("a,b", "unrecognized character in action: U+002C ','"),
    ("a]", "unrecognized character in action: U+005D ']'"),
    ("a\tb", "unrecognized character in action: U+0009"),
    ("a\nb", "unclosed action"),
    ("a\\", "unclosed action"),
    ("a['b\\']", "unclosed action"),
]


@pytest.mark.parametrize(("expression", "expected"), FOUND)
def test_finds_what_client_go_finds(expression: str, expected: list[Json]) -> None:
    found = compile_path(expression).find(ROOT)

    assert found == expected
    assert [type(value) is bool for value in found] == [type(value) is bool for value in expected]


@pytest.mark.parametrize(("expression", "reason"), FAILS)
def test_fails_on_an_event_with_client_gos_reason(expression: str, reason: str) -> None:
    path = compile_path(expression)

    with pytest.raises(JsonPathError) as caught:
        path.find(ROOT)

    assert caught.value.reason == reason


@pytest.mark.parametrize(("expression", "reason"), REFUSED)
def test_refuses_what_client_go_cannot_parse(expression: str, reason: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        compile_path(expression)

    assert caught.value.reason == reason


def test_the_error_is_a_lasting_one() -> None:
    assert issubclass(JsonPathError, LastingError)


def test_a_reason_never_quotes_the_event() -> None:
    secret = "s3cr3t-value"
    root: Json = {"body": {"text": secret, "list": [secret]}}

    for expression in ("body.text[?(@.x)]", "body.list[?(@.x=='1')]", "body.text[0]", "body.list[?(@<1)]"):
        with pytest.raises(JsonPathError) as caught:
            compile_path(expression).find(root)
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["..", "body...*", "body...*...*", "body.*.*", "body[*]['a']", "body[?(@=='x')]"]
)
def test_visiting_a_large_event_ends_with_a_sentence(expression: str) -> None:
    root: Json = {"body": ["x" * 10 for _ in range(MIN_VISITED + 1)]}

    with pytest.raises(PathLimitError, match="more than 200000 values"):
        compile_path(expression).find(root)


def test_unions_cannot_multiply_without_bound() -> None:
    expression = "body" + "['a','a','a','a']" * 20
    deep: dict[str, Json] = {}
    for _ in range(25):
        deep = {"a": deep}

    with pytest.raises(PathLimitError):
        compile_path(expression).find({"body": deep})


def test_nesting_far_beyond_the_interpreters_limit_is_walked() -> None:
    deep: Json = "leaf"
    for _ in range(5_000):
        deep = {"a": deep}

    assert compile_path("body..").find({"body": deep})[-1] == "leaf"


def test_results_do_not_alias_the_arrays_of_the_event() -> None:
    numbers: list[Json] = [1, 2]

    compile_path("n[*]").find({"n": numbers}).append(3)
    compile_path("n.*").find({"n": numbers}).append(3)

    assert numbers == [1, 2]


def test_threads_share_a_path() -> None:
    path = compile_path("body.items[?(@.name!='two')].tags[*]")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: path.find(ROOT), range(200)))

    assert found == [["x", "y", "z"]] * 200


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".a",
        "..",
        ".",
        "*",
        "['a']",
        "['a','b']",
        "[0]",
        "[-1]",
        "[",
        "]",
        "[?(",
        ")]",
        "@",
        "$",
        "==",
        "<",
        "!=",
        "'x'",
        '"',
        "'",
        "\\",
        " ",
        "1",
        "1.5",
        "true",
        "range",
        "end",
        ",",
        ":",
        "{",
        "}",
        "\n",
        "é",
        "(",
        "[0:1]",
        "[::2]",
    ]
)
EXPRESSIONS = st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=20)


@settings(deadline=None)
@given(expression=EXPRESSIONS, root=JSON)
def test_any_expression_on_any_json_finds_or_fails_as_a_path_error(expression: str, root: Json) -> None:
    try:
        found = compile_path(expression).find(root)
    except JsonPathError:
        return
    assert isinstance(found, list)


@settings(deadline=None)
@given(root=st.dictionaries(st.text("abcxyz_-09é", min_size=1, max_size=5), JSON, min_size=1, max_size=5))
def test_every_field_is_found_by_its_name(root: dict[str, Json]) -> None:
    for name, value in root.items():
        assert compile_path(name).find(root) == [value]
