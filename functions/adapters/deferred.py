"""Packages whose `__init__.py` waits until somebody asks the package for a name.

Large client libraries import all of themselves, and much beside, in their packages' `__init__.py`, where one module of
them is wanted. Deferred is not skipped: the file runs, as it stands, when somebody first asks its package for a name,
so that other users of the package in this process find it whole.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType

_LOCK = threading.Lock()


def defer(*packages: str, modules_first: bool = False) -> None:
    """Make packages importable, their parents first, without executing their `__init__.py` yet.

    Nothing becomes of those that are imported already, or that another release of the library does not have. With
    `modules_first`, `from package import module` imports the module alone, as generated clients do among themselves;
    not for packages whose `__init__.py` gives one of their modules' names to something else.
    """
    with _LOCK:
        for package in packages:
            _defer(package, modules_first=modules_first)


class _Deferred:
    """A package's `__getattr__` (PEP 562): executes its `__init__.py` when a name is missing for the first time."""

    def __init__(self, module: ModuleType, spec: ModuleSpec, *, modules_first: bool) -> None:
        self._module = module
        self._spec = spec
        self._modules_first = modules_first
        self._lock = threading.RLock()
        self._begun = False

    def __call__(self, name: str) -> object:
        # the import system and inspection ask every module for names such as __wrapped__
        if name.startswith("__") and name not in ("__version__", "__all__"):
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}")
        full_name = f"{self._module.__name__}.{name}"
        if self._modules_first and not self._begun and importlib.util.find_spec(full_name):
            return importlib.import_module(full_name)
        with self._lock:
            # begun already: by this very thread, whose `from . import x` must go on to import x, or in full
            if not self._begun and self._spec.loader is not None:
                self._begun = True
                try:
                    self._spec.loader.exec_module(self._module)
                except BaseException:
                    self._begun = False  # the next one is told the cause too, or finds it gone
                    raise
        try:
            return vars(self._module)[name]
        except KeyError:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}") from None


def _defer(name: str, *, modules_first: bool) -> None:
    if name in sys.modules:  # imported in full by somebody else, or deferred before
        return
    spec = importlib.util.find_spec(name)
    if spec is None:  # laid out differently in another release
        return
    module = importlib.util.module_from_spec(spec)
    module.__getattr__ = _Deferred(module, spec, modules_first=modules_first)  # type: ignore[method-assign] # PEP 562, unknown to ModuleType's stub
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
