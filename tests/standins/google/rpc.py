"""A gRPC server whose methods can be told to fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # it has no types
from grpc_status import rpc_status  # type: ignore[import-untyped] # as above

from tests.standins.faults import ArmedFault, Fault, Faults
from tests.standins.journal import Journal

WORKERS = 32
# Without SO_REUSEPORT a port in use is an error instead of a server that gets half of the calls. Messages of
# Pub/Sub may be larger than the 4 MB that a Python server takes by default.
OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 20 * 1024 * 1024)]
Unary = Callable[[Any, "Call"], Any]
Streaming = Callable[[Iterator[Any], "Call"], Iterator[Any]]


class RpcError(Exception):
    """A refusal with a gRPC code, a message and perhaps a reason (google.rpc.ErrorInfo)."""

    def __init__(self, code: grpc.StatusCode, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason

    def abort(self, context: grpc.ServicerContext) -> NoReturn:
        """End the call in Google's form."""
        if not self.reason:
            context.abort(self.code, self.message)
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain="googleapis.com"))
        context.abort_with_status(rpc_status.to_status(status))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCall:
    """One call: the method's short name, the resource that it named, the code of its end, and what came along."""

    method: str
    resource: str
    code: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call being served; `ended` is set when the client has given up."""

    ended: threading.Event
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: proto-plus types of its messages, and the field of the request that names the resource."""

    serve: Unary | Streaming
    request: Any
    response: Any
    resource_field: str = "name"
    streaming: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a fault does to calls: end with `code`, or (code None) hang until the client gives up."""

    code: grpc.StatusCode | None
    message: str
    reason: str
    delay: float


class RpcServer:
    """Serves services on a port of 127.0.0.1 while it is open, in plaintext without `tls`.

    `calls` are the calls that have ended.
    """

    def __init__(
        self,
        services: Mapping[str, Mapping[str, Method]],
        *,
        port: int = 0,
        tls: grpc.ServerCredentials | None = None,
    ) -> None:
        self.calls: Journal[SeenCall] = Journal()
        self.faults = Faults()
        self._failures: dict[int, Failure] = {}
        self._running: set[threading.Event] = set()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="grpc-standin")
        self._server = grpc.server(self._pool, options=OPTIONS)
        self._server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    service, {name: self._handler(name, method) for name, method in methods.items()}
                )
                for service, methods in services.items()
            ]
        )
        address = f"127.0.0.1:{port}"
        self.port = self._server.add_secure_port(address, tls) if tls else self._server.add_insecure_port(address)
        self._server.start()

    def fail(
        self,
        method: str,
        code: grpc.StatusCode | None,
        *,
        resource: str = "",
        message: str = "",
        reason: str = "",
        times: int | None = None,
        skip: int = 0,
        delay: float = 0.0,
    ) -> ArmedFault:
        """Let calls of a method ("" is any) for a resource (regular expression) fail; see `Failure`."""
        armed = self.faults.add(Fault(method=method, path=resource, times=times, skip=skip))
        text = message or (f"the stand-in was told to answer {code.name}" if code is not None else "")
        self._failures[id(armed.fault)] = Failure(code=code, message=text, reason=reason, delay=delay)
        return armed

    def close(self) -> None:
        """End all calls and the server."""
        stopped = self._server.stop(grace=0)
        for ended in list(self._running):
            ended.set()
        stopped.wait()
        self._pool.shutdown()

    def _handler(self, name: str, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        if method.streaming:

            def stream(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
                call = self._begin(context)
                try:
                    self._meet_failure(name, "", call)
                    yield from method.serve(requests, call)
                except RpcError as error:
                    self._end(context, call, _seen(name, "", call, error), error)
                finally:
                    self._running.discard(call.ended)
                self._end(context, call, _seen(name, "", call))

            return grpc.stream_stream_rpc_method_handler(stream, method.request.deserialize, method.response.serialize)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            call = self._begin(context)
            resource = str(getattr(request, method.resource_field))
            try:
                self._meet_failure(name, resource, call)
                result = method.serve(request, call)
            except RpcError as error:
                self._end(context, call, _seen(name, resource, call, error), error)
            self._end(context, call, _seen(name, resource, call))
            return result

        return grpc.unary_unary_rpc_method_handler(answer, method.request.deserialize, method.response.serialize)

    def _begin(self, context: grpc.ServicerContext) -> Call:
        sent = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        call = Call(ended=threading.Event(), metadata=sent)
        self._running.add(call.ended)
        if not context.add_callback(call.ended.set):
            call.ended.set()
        return call

    def _end(self, context: grpc.ServicerContext, call: Call, seen: SeenCall, error: RpcError | None = None) -> None:
        self._running.discard(call.ended)
        self.calls.append(seen)
        if error is not None:
            error.abort(context)

    def _meet_failure(self, method: str, resource: str, call: Call) -> None:
        fault = self.faults.take(method=method, target=resource)
        if fault is None:
            return
        failure = self._failures[id(fault)]
        if failure.code is None:
            call.ended.wait()
            raise RpcError(grpc.StatusCode.DEADLINE_EXCEEDED, "the client gave up")
        call.ended.wait(failure.delay)
        raise RpcError(failure.code, failure.message, failure.reason)


def _seen(method: str, resource: str, call: Call, error: RpcError | None = None) -> SeenCall:
    code = error.code.name if error else "OK"
    return SeenCall(method=method, resource=resource, code=code, metadata=call.metadata)


def refuse(code: grpc.StatusCode, message: str) -> NoReturn:
    """End the call that is being served."""
    raise RpcError(code, message)
