"""The function as it is deployed, but for the address of Secret Manager, which BENCH_SECRET_MANAGER says."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

from functions.adapters.secrets import manager_client  # the first delivery would import it

manager_client.HOST = os.environ["BENCH_SECRET_MANAGER"]
webhook = runpy.run_path(str(Path(__file__).resolve().parents[2] / "main.py"))["webhook"]
