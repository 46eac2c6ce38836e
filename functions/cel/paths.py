"""Changed paths: `paths.match`, `paths.only`, and Pipelines as Code's `pathChanged`. Tekton has none of them.

A build too many is better than one too few: where the list of changed files is known to be incomplete
(`extensions.changed_files_truncated`), something matches, and nothing is only this or that.
"""

from __future__ import annotations

from functions.cel.errors import CelEvaluationError
from functions.cel.frame import Frame, items, text
from functions.cel.globs import Globs, gitignore_globs, gobwas_glob
from functions.cel.values import MISSING, Value, find

LIST, TRUNCATED = "changed_files_list", "changed_files_truncated"


def match(frame: Frame, paths: Value, patterns: Value) -> Value:
    """`paths.match(paths, patterns)`: whether the globs want any of the paths."""
    globs, found = _globs(frame, patterns), _texts(frame, paths)
    return _truncated(frame) or any(_wanted(frame, globs, path) for path in found)


def only(frame: Frame, paths: Value, patterns: Value) -> Value:
    """`paths.only(paths, patterns)`: whether there are paths, and the globs want all of them."""
    globs, found = _globs(frame, patterns), _texts(frame, paths)
    return bool(found) and not _truncated(frame) and all(_wanted(frame, globs, path) for path in found)


def path_changed(frame: Frame, pattern: Value) -> Value:
    """`pattern.pathChanged()`: whether a changed file matches."""
    found = find(frame.extensions, LIST)
    if found is MISSING:
        raise CelEvaluationError(f"no such key: {LIST} in extensions, which addChangedFiles puts there")
    globs = pattern if isinstance(pattern, Globs) else gobwas_glob(_met(frame, text(pattern)))
    return _truncated(frame) or any(_wanted(frame, globs, path) for path in _texts(frame, found))


def _globs(frame: Frame, patterns: Value) -> Globs:
    if isinstance(patterns, Globs):
        return patterns
    return gitignore_globs(tuple(_met(frame, glob) for glob in _texts(frame, patterns)))


def _met(frame: Frame, glob: str) -> str:
    frame.spend(100 + len(glob) * 8)
    return glob


def _texts(frame: Frame, value: Value) -> list[str]:
    parts = items(frame, value) if isinstance(value, list | tuple) else (None,)
    found = [part for part in parts if isinstance(part, str)]
    if len(found) != len(parts):
        raise CelEvaluationError(f"paths and globs are lists of strings, as extensions.{LIST} is")
    return found


def _wanted(frame: Frame, globs: Globs, path: str) -> bool:
    frame.spend((2 + (len(path) >> 6)) * len(globs.groups))
    return globs.want(path)


def _truncated(frame: Frame) -> bool:
    return find(frame.extensions, TRUNCATED) is True
