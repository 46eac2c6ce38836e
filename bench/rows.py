"""What was measured, each value beside its comparison, as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

COLUMNS = ("Measured", "Case", "Here", "Beside it", "Ratio", "Target")


@dataclass(frozen=True, slots=True)
class Row:
    """One value and, where there is one, what it is compared with, measured in the same run.

    `ratio` is `value / beside`. `at_most` and `at_least` are bounds of the ratio, or of the value where nothing stands
    beside it.
    """

    measured: str
    case: str
    value: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value in terms of what it is compared with."""
        return self.value / self.beside if self.beside else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        found = self.value if self.ratio is None else self.ratio
        if self.at_most is not None:
            return found <= self.at_most
        return found >= self.at_least if self.at_least is not None else None

    def cells(self) -> tuple[str, ...]:
        """Return the row's texts, one for each of COLUMNS."""
        beside = "" if self.beside is None else f"{_number(self.beside)} {self.unit} {self.beside_what}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        target = ""
        if self.met is not None:
            bound = f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"
            unit = f" {self.unit}" if self.ratio is None else ""
            target = f"{bound}{unit}: {'met' if self.met else 'MISSED'}"
        return self.measured, self.case, f"{_number(self.value)} {self.unit}", beside, ratio, target


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table whose columns also line up as plain text."""
    cells = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def as_json(rows: Sequence[Row], machine: str) -> str:
    """Return everything as one JSON document."""
    listed = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
    return json.dumps({"machine": machine, "rows": listed}, indent=2)


def progress(text: str) -> None:
    """Say on standard error what is under way."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
