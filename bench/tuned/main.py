"""The function with the garbage collector as BENCH_GC says: `freeze` after the start, or the first threshold."""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_spec = spec_from_file_location("pipehook_main", Path(__file__).resolve().parents[2] / "main.py")
if _spec is None or _spec.loader is None:
    sys.exit("main.py is not there")
_main = module_from_spec(_spec)
_spec.loader.exec_module(_main)
webhook = _main.webhook

_asked = os.environ.get("BENCH_GC", "")
if _asked == "freeze":
    gc.collect()
    gc.freeze()
elif _asked == "off":
    gc.disable()
elif _asked:
    gc.set_threshold(int(_asked), 10, 10)
