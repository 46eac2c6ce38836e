"""The day as an SVG that is read in light and in dark: deliveries, instances, runs at a time, calls of GitHub."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.day import facts
from bench.day.simulation import Day

WIDTH, LEFT, RIGHT, TOP, PANEL, GAP = 860, 64, 28, 44, 118, 50
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .name { font-weight: 600 }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none }
  .grid { stroke: #8c959f; stroke-width: .5; opacity: .35 }
  .limit { stroke: #cf222e; stroke-width: 1.2; stroke-dasharray: 5 4 }
  .first { stroke: #0969da; stroke-width: 1.3; fill: none }
  .other { stroke: #bf8700; stroke-width: 1.3; fill: none }
  .band { fill: #0969da; opacity: .25 }
  .first-text { fill: #0969da } .other-text { fill: #9a6700 } .limit-text { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .first { stroke: #58a6ff } .band { fill: #58a6ff } .other { stroke: #d29922 } .limit { stroke: #ff7b72 }
    .first-text { fill: #58a6ff } .other-text { fill: #d29922 } .limit-text { fill: #ff7b72 }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One diagram above the axis of the day; lines are equally spaced over 24 hours."""

    name: str
    lines: Sequence[tuple[str, Sequence[float], str]]
    """Class, values, and what they are."""
    limit: float = 0.0
    limit_name: str = ""
    band: tuple[Sequence[float], Sequence[float]] | None = None
    """Least and most, filled."""

    @property
    def top(self) -> float:
        """The end of the axis: a round number above everything."""
        most = max([self.limit, *(max(values) for _, values, _ in self.lines), *(self.band[1] if self.band else ())])
        if most < 10:
            return 2.0 * math.ceil(most / 2)
        step = 10.0 ** (len(str(int(most))) - 1)
        return next(step * factor for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * factor >= most)


def svg(now: Day, before: Day) -> str:
    """Return the picture of a day, and how its calls of GitHub compare with the same day before."""
    arrived = now.arrived
    fives = [arrived[begin : begin + 300] for begin in range(0, len(arrived), 300)]
    alive = [max(now.webhook.history[begin : begin + 60]) for begin in range(0, len(arrived), 60)]
    panels = [
        Panel(
            name="deliveries a second (mean of five minutes; shaded: up to the busiest second)",
            lines=[("first", [sum(part) / len(part) for part in fives], "")],
            band=([0.0] * len(fives), [float(max(part)) for part in fives]),
        ),
        Panel(name="instances of the webhook", lines=[("first", [float(number) for number in alive], "")]),
        Panel(
            name="runs at a time",
            lines=[("first", now.minutes["runs"], "")],
            limit=float(facts.RUNS_AT_A_TIME * now.load.clusters),
            limit_name="what the clusters take",
        ),
        Panel(
            name="calls of GitHub in the hour so far, one installation",
            lines=[("other", before.minutes["calls"], "before"), ("first", now.minutes["calls"], "now")],
            limit=float(facts.CALLS_AN_HOUR),
            limit_name="GitHub's limit",
        ),
    ]
    height = TOP + len(panels) * (PANEL + GAP)
    drawn = [text for place, panel in enumerate(panels) for text in _panel(panel, TOP + place * (PANEL + GAP))]
    title = f"A day of {now.load.deliveries:,} deliveries, simulated"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            *drawn,
            f'<text x="{WIDTH - RIGHT}" y="{height - 14}" text-anchor="end">time of day (UTC)</text>',
            "</svg>",
            "",
        ]
    )


def _panel(panel: Panel, above: float) -> list[str]:
    below, across = above + PANEL, WIDTH - LEFT - RIGHT

    def y(value: float) -> float:
        return below - value / panel.top * PANEL

    drawn = [f'<text class="name" x="{LEFT}" y="{above - 10}">{panel.name}</text>']
    for part in (0.0, 0.5, 1.0):
        height = y(panel.top * part)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        label = f"{panel.top * part:,.{0 if panel.top * part == int(panel.top * part) else 1}f}"
        drawn.append(f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{label}</text>')
    for hour in range(0, 25, 3):
        x = LEFT + across * hour / 24
        drawn.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{below}" y2="{below + 4}"/>')
        drawn.append(f'<text x="{x:.1f}" y="{below + 17}" text-anchor="middle">{hour:02}:00</text>')
    drawn.append(f'<path class="axis" d="M{LEFT} {above}V{below}H{WIDTH - RIGHT}"/>')
    if panel.band:
        least, most = panel.band
        there = _points(most, across, y)
        back = reversed(_points(least, across, y))
        drawn.append(f'<polygon class="band" points="{" ".join([*there, *back])}"/>')
    if panel.limit:
        height = y(panel.limit)
        drawn.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        label = f"{panel.limit_name}: {panel.limit:,.0f}"
        # below the line, where it is the upper end of the panel
        beside = height + (13 if height < above + 14 else -4)
        drawn.append(f'<text class="limit-text" x="{LEFT + 6}" y="{beside:.1f}">{label}</text>')
    for place, (kind, values, name) in enumerate(panel.lines):
        drawn.append(f'<polyline class="{kind}" points="{" ".join(_points(values, across, y))}"/>')
        if name:
            x = WIDTH - RIGHT - 70 * (len(panel.lines) - place) + 30
            drawn.append(f'<text class="{kind}-text" x="{x}" y="{above - 10}">{name}</text>')
    return drawn


def _points(values: Sequence[float], across: float, y: Callable[[float], float]) -> list[str]:
    width = across / max(1, len(values) - 1)
    return [f"{LEFT + place * width:.1f},{y(value):.1f}" for place, value in enumerate(values)]
