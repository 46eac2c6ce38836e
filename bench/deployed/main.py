"""The function as it is deployed, but for the address of Secret Manager, which BENCH_SECRET_MANAGER says."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import functions_framework
from flask import Request

from functions.adapters.libraries import importing

_SERVED = runpy.run_path(str(Path(__file__).resolve().parents[2] / "main.py"))["webhook"]


@functions_framework.http
def webhook(request: Request) -> Any:
    """Serve; the first delivery imports the client as it would by itself: in the worker, while the collector waits."""
    with importing():
        from functions.adapters.secrets import manager_client  # noqa: PLC0415 -- see above

    manager_client.HOST = os.environ["BENCH_SECRET_MANAGER"]
    return _SERVED(request)
