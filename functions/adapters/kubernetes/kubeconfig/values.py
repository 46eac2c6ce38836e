"""What may stand in a kubeconfig's fields: hosts, URLs and PEM, judged before anything is sent."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from functions.common.destinations import is_address

_LABEL = r"[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?")
"""A name as resolvers and TLS take it; underscores are seen in internal ones."""
_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?\Z")
"""The end of what is an IPv4 address or nothing: https://url.spec.whatwg.org/#ends-in-a-number-checker"""
_URL = re.compile(r"[!-~]+")
"""urlsplit passes over line breaks, and what is no ASCII cannot stand in a request."""
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----)[\t\n\r -~])*(?:-----END \1-----)?")
"""PEM, which OpenSSL judges; around it stand comments, as in bundles of authorities, in any language."""


def is_host(text: str) -> bool:
    """Say whether something is a host's name or an address."""
    return bool(_HOST.fullmatch(text) and not _NUMBER.search(text)) or is_address(text)


def split_url(url: str) -> SplitResult | None:
    """Return a URL's parts, or None when it is none, its host is none or its port is no number."""
    try:
        parts = urlsplit(url)
        usable = is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        return None
    return parts if usable and _URL.fullmatch(url) else None


def pem_blocks(raw: bytes, label: str) -> str:
    """Return the PEM blocks of a text, or an empty string when none of them is one of `label`."""
    found = list(_BLOCK.finditer(raw))
    if not any(block[1].decode().endswith(label) for block in found):
        return ""
    return "".join(f"{block[0].decode()}\n" for block in found)
