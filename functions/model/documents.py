"""Manifests' YAML text as Kubernetes reads it: checked, cut into documents, composed with a place for each value.

One deviation: a lone `y` or `n` is a string here. go-yaml makes it a boolean, but many emitters (PyYAML's among them)
write the string so, and no manifest that works in a cluster has it where only a string will do.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import chain
from typing import NoReturn

import yaml

from functions.common.values import Json
from functions.go.yaml import LOADER, ONLY_CORE_TAGS, PLACEHOLDER, Budget, Composer, Dialect, Node, TooManyValuesError
from functions.go.yaml_scalars import YamlError, plain, tagged
from functions.model.findings import MAX_MISTAKES

MAX_BYTES = 8 << 20
"""Bytes of one text: five times what etcd takes for one object."""

MAX_DEPTH = 100
"""Levels of nesting."""
MAX_NODES = 500_000
"""Values in one text, with every alias counted as what it stands for: a thousand triggers have about 60,000."""
MAX_DOCUMENTS = 10_000
"""Documents in one text: for each a parser is made, which costs more than what stands in a small one."""

_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CONTENT = re.compile("(?:^|[\r\x85\u2028\u2029])[ \t]*[^ \t\r\n\x85\u2028\u2029#]", re.MULTILINE)
"""Begins a line that is neither blank nor a comment: a search for it needs no memory, a match of the rest much."""
_NO_BLANK = re.compile(r"[^ \t\r\n]")
_BLANKS = re.compile(r"[ \t]*")
_NO_DIRECTIVE = re.compile(r"^[^%#\r\n]", re.MULTILINE)

_JSON_INTEGERS_BELOW = 1e21
"""Go writes a float64 below this without an exponent, so that it comes back as an integer."""


def decode_text(raw: str | bytes) -> str:
    """Return manifest text. Raises YamlError when it is too long, no UTF-8, or holds control characters."""
    if len(raw) > MAX_BYTES:
        raise YamlError(f"the text is longer than {MAX_BYTES >> 20} MiB", line=1, column=1)
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise YamlError("the text is not UTF-8", line=line, column=1, hint="save the file as UTF-8") from error
    if found := _UNPRINTABLE.search(raw):
        start = found.start()
        column = start - (raw.rfind("\n", 0, start) + 1) + 1
        code = ord(raw[start])
        raise YamlError(f"the control character U+{code:04X} is not allowed", line=_line(raw, start), column=column)
    return raw.removeprefix("\ufeff")


def read_documents(text: str) -> tuple[list[Node], list[YamlError]]:
    """Return the documents of a text from `decode_text`, null ones left out, and everything that is wrong in it.

    As kubectl does, the text is cut at its `---` lines first, so a mistake in one document leaves the others. JSON is
    YAML but for a few escapes, and for objects one after the other, which jq writes; as YAML it has lines, so JSON's
    own parser is only the second try.
    """
    documents: list[Node] = []
    mistakes: list[YamlError] = []
    budget = Budget(MAX_NODES)

    def keep(mistake: YamlError) -> None:
        if len(mistakes) >= MAX_MISTAKES:
            raise mistake
        mistakes.append(mistake)

    for number, (first_line, chunk) in enumerate(_chunks(text)):
        if number >= MAX_DOCUMENTS:
            mistakes.append(YamlError(f"the text holds more than {MAX_DOCUMENTS} documents", line=first_line, column=1))
            break
        whole = chunk if chunk.endswith("\n") else f"{chunk}\n"  # as kubectl, for a block scalar may end the file
        composer = Composer(LOADER(whole), _DIALECT, budget, first_line=first_line, mistake=keep)
        try:
            documents += [node for node in composer.documents() if node.value is not None]
        except YamlError as error:
            mistakes.append(error)
            if isinstance(error, TooManyValuesError):
                break
        except yaml.YAMLError as error:
            try:
                documents += _json(chunk, first_line, most=MAX_DOCUMENTS - len(documents))
            except (ValueError, RecursionError):
                mistakes.append(_translated(error, first_line, chunk))
        if len(mistakes) > MAX_MISTAKES:
            break
    return documents, mistakes


def _json(chunk: str, first_line: int, *, most: int) -> list[Node]:
    """Return the values of JSON in a chunk. Raises ValueError and RecursionError for anything else."""
    found: list[Node] = []
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    end = len("---") if chunk.startswith("---") else 0
    start, line = 0, first_line
    while begin := _NO_BLANK.search(chunk, end):
        line += chunk.count("\n", start, begin.start())
        start = begin.start()
        value, end = decoder.raw_decode(chunk, start)
        json.dumps(value, ensure_ascii=False).encode()  # a ValueError for lone surrogates, which no API server takes
        found.append(Node(value, None, line, 1))
        if len(found) > most:
            raise ValueError("too many documents")
    return found


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(_name: str) -> NoReturn:
    raise ValueError("no JSON number")


def _finite(text: str) -> Json:
    value = float(text)
    return _as_in_json(value) if math.isfinite(value) else _no_number(text)


def _plain(text: str) -> Json:
    return _as_in_json(plain(text))


def _tagged(tag: str, text: str) -> Json:
    try:
        return _as_in_json(tagged(tag, text))
    except KeyError:
        raise YamlError(ONLY_CORE_TAGS) from None


def _as_in_json(value: Json) -> Json:
    """Return a float as it looks after Go has written and Kubernetes has read it: 8.0 is 8."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _JSON_INTEGERS_BELOW:
        return int(value)
    return value


_DIALECT = Dialect(plain=_plain, tagged=_tagged, levels=MAX_DEPTH, strict=True, places=True)


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    # a chunk begins at its own `---`, so that what follows on that line belongs to it
    start = line = 0
    for end in chain((match.start() for match in _SEPARATOR.finditer(text)), (len(text),)):
        chunk = text[start:end]
        directives = chunk.startswith("%") or "\n%" in chunk
        if directives and end < len(text) and not _NO_DIRECTIVE.search(chunk):
            continue  # %YAML and %TAG belong to the document that they precede
        if _CONTENT.search(chunk):
            yield line + 1, chunk
        line += chunk.count("\n")
        start = end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _translated(error: yaml.YAMLError, first_line: int, chunk: str) -> YamlError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = f"not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}"
    if mark is None:
        return YamlError(message, line=first_line, column=1)
    row = min(mark.line, chunk.count("\n"))  # libyaml puts an early end of the text below its last line
    start = chunk.rfind("\n", 0, mark.index) + 1
    indentation = _BLANKS.match(chunk, start)
    hint = "indent with spaces, never with tabs" if indentation and "\t" in indentation.group() else ""
    if "{{" in chunk[start : chunk.find("\n", mark.index)]:
        hint = PLACEHOLDER
    return YamlError(message, line=first_line + row, column=mark.column + 1, hint=hint)
