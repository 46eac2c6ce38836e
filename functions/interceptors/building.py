"""Compiles one interceptor of a chain; only the modules of those that triggers use are imported."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import cast

from functions.interceptors.base import Interceptor, Place
from functions.model.resources import InterceptorSpec

CORE_INTERCEPTORS = ("bitbucket", "cel", "github", "gitlab", "slack")

_Builder = Callable[[InterceptorSpec, Place], Interceptor]


@cache
def _builder(module: str) -> _Builder:
    # one interceptor's module is imported only when a trigger uses it: cold start pays for nothing else
    return cast("_Builder", import_module(f"functions.interceptors.{module}").build)


def build_interceptor(spec: InterceptorSpec, place: Place) -> Interceptor:
    """Compile one interceptor of a chain. Raises LastingError that names what is wrong."""
    if spec.webhook is not None:
        return _builder("webhook")(spec, place)
    if spec.ref_kind == "ClusterInterceptor" and spec.ref_name in CORE_INTERCEPTORS:
        return _builder(spec.ref_name)(spec, place)
    return _builder("custom")(spec, place)
