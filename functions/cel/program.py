"""Programs: expressions compiled once, kept, and evaluated by any number of threads."""

from __future__ import annotations

import threading
from collections import OrderedDict

from functions.cel.checker import check
from functions.cel.compiler import Compiler
from functions.cel.errors import BudgetError, CelCompileError, CelError
from functions.cel.format_check import check_formats
from functions.cel.frame import Activation, Eval, Frame
from functions.cel.parser import read

MAX_PROGRAMS = 4096


class Program:
    """A compiled expression: immutable, thread-safe, reusable.

    `source` is its text, `calls_compare_secret` says whether it compares a secret anywhere, `result_type` is what the
    checker knows of its result, as cel-go names types, `reads` which of the event's variables it looks at.
    """

    __slots__ = ("_run", "_slots", "calls_compare_secret", "reads", "result_type", "source")

    def __init__(self, source: str) -> None:
        expr = read(source)
        result = check(source, expr)
        check_formats(source, expr)
        compiler = Compiler()
        self._run: Eval = compiler.compile(expr)
        self._slots = compiler.slots
        self.source = source
        self.calls_compare_secret = compiler.compares_secret
        self.result_type = str(result)
        self.reads = frozenset(compiler.reads)

    def evaluate(self, activation: Activation, *, keep: bool = False) -> object:
        """Return the value of the expression on an event, for `to_json` or as it is.

        The memory that it takes counts until the end of the delivery with `keep`, and no longer than this without.

        Raises CelEvaluationError, or whatever `compare_secret` raised.
        """
        frame = Frame(activation, self._slots)
        try:
            return self._run(frame)
        except RecursionError as error:
            raise BudgetError("the expression is nested too deeply for this event") from error
        except MemoryError as error:
            raise BudgetError("the expression needs too much memory on this event") from error
        finally:
            if frame.taken and not keep:
                frame.release()

    def test(self, activation: Activation) -> bool:
        """Whether a filter lets the event through: exactly when the result is true and nothing else.

        Raises as `evaluate` does.
        """
        return self.evaluate(activation) is True


_lock = threading.Lock()
_programs: OrderedDict[str, Program | CelError] = OrderedDict()


def compile_expression(source: str) -> Program:
    """Return the program of an expression, the same one for the same text while it is kept.

    Raises CelCompileError, with every mistake that was found.
    """
    with _lock:
        known = _programs.get(source)
        if known is not None:
            _programs.move_to_end(source)
    if known is None:
        known = _compiled(source)
        with _lock:
            _programs[source] = known
            if len(_programs) > MAX_PROGRAMS:
                _programs.popitem(last=False)
    if isinstance(known, Program):
        return known
    raise CelCompileError(known.reason)


def _compiled(source: str) -> Program | CelError:
    try:
        return Program(source)
    except CelError as error:
        return error
    except RecursionError:
        return CelCompileError("expression recursion limit exceeded")
