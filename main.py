"""Pipehook's entry points for functions-framework; each is one function of the deployment."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import functions_framework

from functions.adapters.libraries import importing
from functions.entrypoints.last_resort import answer, take_every_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

    from functions.adapters.http.exchange import Response


@cache
def _started(name: str) -> Callable[[Request], Response]:
    """Read the configuration of one entry point and put its parts together, once."""
    start: Callable[[], Callable[[Request], Response]] = import_module(f"functions.entrypoints.{name}").start
    return start()


@functions_framework.http
def webhook(request: Request) -> Response:
    """Receive one delivery: verify, filter, bind, render and create, then say what became of it."""
    return answer(_started("webhook"), request)


@functions_framework.http
def dispatch(request: Request) -> Response:
    """Create what one message of the queue holds, and acknowledge it when it is done or never can be."""
    return answer(_started("dispatch"), request)


@functions_framework.http
def redeliver(request: Request) -> Response:
    """Ask GitHub to send failed deliveries again, and say which."""
    return answer(_started("redeliver"), request)


@functions_framework.http
def report(request: Request) -> Response:
    """Look at the run that an event of Tekton's names, and tell the commit what became of it."""
    # Tekton takes a 500 for an end, and sends again after a 503
    return answer(_started("report"), request, status=503)


@functions_framework.http
def reconcile(request: Request) -> Response:
    """Compare what providers show of runs with the cluster, and tell what differs."""
    return answer(_started("reconcile"), request)


# the one that this process serves starts now, so that its mistakes are in the log before the first request
_TARGETS = ("webhook", "dispatch", "redeliver", "report", "reconcile")
if (_target := os.environ.get("FUNCTION_TARGET", "webhook")) in _TARGETS:
    with importing():
        take_every_path(_started(_target))
