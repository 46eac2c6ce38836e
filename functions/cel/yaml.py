"""parseYAML: YAML as sigs.k8s.io/yaml reads it, with all of go-yaml's words and tags. Imported when it is first called.

Source: https://github.com/kubernetes-sigs/yaml and go.yaml.in/yaml/v2's resolve.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml

from functions.cel.errors import BudgetError, CelEvaluationError
from functions.common.values import Json
from functions.go.text import go_string
from functions.go.yaml import LOADER, Budget, Composer, Dialect, TooDeepError, TooManyValuesError
from functions.go.yaml_scalars import ALL_WORDS, CORE, YamlError, plain, tagged

MAX_NODES = 200_000
MAX_DEPTH = 200
_EVENT = 8  # steps of the budget for one of libyaml's events


def parse_yaml(source: str, spend: Callable[[int], None]) -> dict[str, Json]:
    """Return the mapping that a document holds; an empty document is an empty one.

    Raises CelEvaluationError for what is no YAML or no mapping, and BudgetError for what is too large once its aliases
    are followed.
    """
    try:
        # as yaml.v2, the first document alone
        found = next(Composer(_Paid(LOADER(source), spend), _DIALECT, Budget(MAX_NODES)).documents(), None)
    except (TooDeepError, TooManyValuesError) as error:
        raise BudgetError(f"failed to decode the string in parseYAML: {error.message}") from error
    except YamlError as error:
        raise _refused(f"{error.message} at line {error.line}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise _refused(f"{getattr(error, 'problem', None) or 'it is no YAML'}{where}") from error
    except ValueError as error:
        raise _refused("it is no YAML") from error
    if found is None or found.value is None:
        return {}
    if not isinstance(found.value, dict):
        raise _refused("it is not a mapping")
    return found.value


def _refused(why: str) -> CelEvaluationError:
    return CelEvaluationError(f"failed to decode the string in parseYAML: {why}")


class _Paid:
    """A parser whose events cost steps of the evaluation."""

    def __init__(self, parser: Any, spend: Callable[[int], None]) -> None:
        self._parser = parser
        self._spend = spend

    def get_event(self) -> Any:
        self._spend(_EVENT)
        return self._parser.get_event()


def _tagged(tag: str, text: str) -> Json:
    if tag == f"{CORE}binary":
        return go_string(base64.b64decode("".join(text.split())))
    try:
        return tagged(tag, text, ALL_WORDS)
    except KeyError:
        return text


_DIALECT = Dialect(plain=partial(plain, words=ALL_WORDS), tagged=_tagged, levels=MAX_DEPTH)
