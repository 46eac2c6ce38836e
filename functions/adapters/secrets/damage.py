"""What is odd about a stored secret that verifies nothing, told without telling the secret. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re

_QUOTES = ('""', "''", "``", "“”", "‘’", "„“", "«»", "<>")
_BLANK = " \t\r\n\x0b\x0c\x85\xa0\u2028\u2029\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\xad"
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Z][A-Z0-9_]{2,63}=\S+")
_MARKS = {b"\xef\xbb\xbf": "it begins with a byte-order mark", b"\xff\xfe": "it is UTF-16", b"\xfe\xff": "it is UTF-16"}
_MIN_DECODED = 8


def damage(*values: bytes) -> list[str]:
    """Return what looks like damage done in storing some values; one line break at the end is none, being taken off.

    Nothing of a value is in the texts, but for the number of line breaks at its end.
    """
    return list(dict.fromkeys(what for value in values for what in _of(value)))


def _of(value: bytes) -> list[str]:
    for mark, what in _MARKS.items():
        if value.startswith(mark):
            return [what, *(_of(value[len(mark) :]) if "mark" in what else ())]
    if b"\0" in value:
        return ["it holds NUL bytes: it is UTF-16, or no text"]
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return ["it is not UTF-8: bytes of a random key go through base64 or hexadecimal at most settings pages"]
    text = text.removesuffix("\n").removesuffix("\r")
    inner = text.strip(_BLANK + _INVISIBLE)
    return [*_outside(text), *_inside(inner)]


def _outside(text: str) -> list[str]:
    found = []
    after = text[len(text.rstrip(_BLANK)) :]
    if "\n" in after:
        found.append(f"it ends in {after.count(chr(10)) + 1} line breaks")
    elif after:
        found.append("it ends with a blank")
    if text[:1] and text[0] in _BLANK:
        found.append("it begins with a blank or line break")
    if text.strip(_BLANK) != text.strip(_BLANK + _INVISIBLE):
        found.append("it begins or ends with a character that cannot be seen")
    return found


def _inside(text: str) -> list[str]:
    found = []
    if len(text) > 1 and text[0] + text[-1] in _QUOTES:
        found.append("it stands in quotes")
    if any(character < " " or character == "\x7f" for character in text):
        found.append("it holds line breaks or control characters")
    if text.startswith("{"):
        found.append(_no_object(text))
    elif text.startswith("["):
        found.append("it looks like a JSON array, of which no key can be taken")
    if _ASSIGNMENT.fullmatch(text):
        found.append("it looks like NAME=VALUE, of which the value alone is wanted")
    if _BASE64.fullmatch(text) and _is_encoded_text(text):
        found.append("it looks encoded in base64, which nobody decodes")
    return [what for what in found if what]


def _no_object(text: str) -> str:
    """Return why a text that begins as a JSON object is none; empty where it is one."""
    begins = "it begins like a JSON object and is none"
    try:
        json.loads(text)
    except RecursionError:
        return begins
    except ValueError:
        try:
            json.loads(_TRAILING_COMMA.sub(r"\1", text))
        except (ValueError, RecursionError):
            return begins
        return f"{begins}: a comma stands before a closing bracket"
    return ""


def _is_encoded_text(text: str) -> bool:
    """Say whether base64 of printable text stands here; that a random key looks so is next to impossible."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= _MIN_DECODED and decoded.rstrip("\n").isprintable()
