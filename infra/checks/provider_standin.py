"""Serves the kept provider schemas to Terraform in place of the providers, which no registry is needed for.

Terraform asks a provider for its schema, and whether it finds a configuration valid, over gRPC; with
TF_REATTACH_PROVIDERS it connects to providers that are running already. That is enough for `validate`, and for `test`
with mocked providers: names, types, nesting, required arguments and references are checked by Terraform itself, against
the published schema. Only answers are written here (the wire format of tfplugin6.proto, by hand); what Terraform asks
needs no reading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
_EMPTY_ANSWER_IS_YES = (
    "ValidateProviderConfig",
    "ValidateResourceConfig",
    "ValidateDataResourceConfig",
    "StopProvider",
)
_ASKED_ONCE = b"\x10\x01"
"""ServerCapabilities with get_provider_schema_optional: Terraform keeps the schema, and asks for it once."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >> 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name: str, described: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _bytes(1, name.encode()),
            _bytes(2, json.dumps(described["type"]).encode()),
            _number(4, described.get("required", False)),
            _number(5, described.get("optional", False)),
            _number(6, described.get("computed", False)),
            _number(11, described.get("write_only", False)),
        )
    )


def _nested(name: str, described: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _bytes(1, name.encode()),
            _bytes(2, _block(described["block"])),
            _number(3, _NESTING[described["nesting_mode"]]),
            _number(4, described.get("min_items", 0)),
            _number(5, described.get("max_items", 0)),
        )
    )


def _block(described: Mapping[str, Any]) -> bytes:
    attributes = (_bytes(2, _attribute(*item)) for item in described.get("attributes", {}).items())
    blocks = (_bytes(3, _nested(*item)) for item in described.get("block_types", {}).items())
    return b"".join((*attributes, *blocks))


def _schema(described: Mapping[str, Any]) -> bytes:
    return _bytes(2, _block(described))


def schema_answer(kept: Mapping[str, Any]) -> bytes:
    """Encode a GetProviderSchema.Response of tfplugin6 from a kept schema (tests/infra/schemas)."""
    parts = [_bytes(1, _schema(kept["configuration"])), _bytes(6, _ASKED_ONCE)]
    for field, kind in ((2, "resources"), (3, "data_sources")):
        for name, described in kept[kind].items():
            parts.append(_bytes(field, _bytes(1, name.encode()) + _bytes(2, _schema(described))))
    return b"".join(parts)


class _Provider(grpc.GenericRpcHandler):
    """Answers for one provider."""

    def __init__(self, schema: bytes) -> None:
        self._answers = dict.fromkeys((f"/tfplugin6.Provider/{name}" for name in _EMPTY_ANSWER_IS_YES), b"")
        self._answers["/tfplugin6.Provider/GetProviderSchema"] = schema

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        answer = self._answers.get(handler_call_details.method)
        return None if answer is None else grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer)


@contextmanager
def serving(schemas: Path, sockets: Path) -> Iterator[str]:
    """Serve every schema in a directory at a socket in another, and give the value for TF_REATTACH_PROVIDERS."""
    servers = []
    reattach = {}
    for file in sorted(schemas.glob("*.json")):
        kept = json.loads(file.read_text())
        address = str(sockets / f"{file.stem}.sock")
        server = grpc.server(ThreadPoolExecutor(max_workers=4))
        server.add_generic_rpc_handlers((_Provider(schema_answer(kept)),))
        server.add_insecure_port(f"unix:{address}")
        server.start()
        servers.append(server)
        reattach[kept["provider"]] = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": address},
        }
    try:
        yield json.dumps(reattach)
    finally:
        for server in servers:
            server.stop(grace=None)
