"""`comment.command`: the command that a comment gives. Pipehook's own; Tekton has no such function."""

from __future__ import annotations

from functions.cel.frame import Frame, text
from functions.cel.values import Value
from functions.common.commands import command_in

_NOT_NEW = frozenset({"edited", "deleted", "dismissed"})
_BITBUCKET_NOT_NEW = ("comment_updated", "comment_deleted", "comment:edited", "comment:deleted")


def command(frame: Frame, value: Value) -> Value:
    """Return the first command of a comment as `{name, args}`; without one, and of an old comment, the name is empty.

    Somebody who edits or deletes a comment says nothing new: what it started has been started.
    """
    string = text(value)
    frame.spend(1 + (len(string) >> 6) + string.count("\n") + string.count("\r"))
    found = None if _is_old(frame) else command_in(string)
    return {"name": found.name, "args": list(found.args)} if found else {"name": "", "args": []}


def _is_old(frame: Frame) -> bool:
    """Say whether the event is about a comment (or review) that was there before."""
    body = frame.body if isinstance(frame.body, dict) else {}
    action = body.get("action")
    if isinstance(action, str) and action in _NOT_NEW:
        return True
    note = body.get("object_attributes") if body.get("object_kind") == "note" else None
    if isinstance(note, dict) and note.get("action") == "update":  # GitLab's
        return True
    keys = frame.header.get("X-Event-Key") if isinstance(frame.header, dict) else None
    return any(str(key).endswith(_BITBUCKET_NOT_NEW) for key in keys or ())
