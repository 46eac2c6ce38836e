"""The function in this process on a clock moved by hand."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.calls import Backoff
from functions.entrypoints import listeners, parts, webhook
from tests.adapters.kubernetes.support import Clock


def set_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Let deliveries and their waits for the cluster go by a clock; what is started from now on does."""
    # with this jitter the last attempt before the deadline has a second and a half left, on a busy machine too
    backoff = Backoff(draw=lambda: 0.9, sleep=clock.sleep)
    for module in (listeners, webhook):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(parts, "KubernetesApi", partial(KubernetesApi, backoff=backoff, clock=clock))
