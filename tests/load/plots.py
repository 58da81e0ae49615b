"""One dashboard's data as an SVG picture: as Grafana would lay it out, drawn with no more than text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from deploy.grafana.model import COLUMNS, Dashboard, Kind, Panel

COLUMN, LINE = 52, 30
MARGIN, HEAD, LEGEND = 8, 24, 15
COLORS = ("#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#c79a00", "#0f9ea6", "#7b6e5c")
STEPS = {"green": "#37872d", "orange": "#e0752d", "yellow": "#c79a00", "red": "#c4162a", "blue": "#3274d9"}
SHOWN_LINES, SHOWN_BARS = 4, 21
STYLE = (
    "text{font:11px sans-serif;fill:#333}.t{font-weight:bold}.n{font-size:24px}.s{fill:#888;font-size:9px}"
)


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    w: float
    h: float


def picture(dashboard: Dashboard, data: Sequence[Sequence[Series]], *, caption: str) -> str:
    """`data`: the series of each panel, in the panels' order."""
    remaining, body, bottom = iter(zip(dashboard.panels, data, strict=True)), list[str](), 0
    for each in dashboard.as_json()["panels"]:
        place = each["gridPos"]
        box = Box(place["x"] * COLUMN, HEAD + place["y"] * LINE, place["w"] * COLUMN, place["h"] * LINE)
        bottom = max(bottom, int(box.y + box.h))
        if each["type"] == "row":
            body.append(_text(each["title"], box.x + 4, box.y + 20, "t"))
        else:
            panel, series = next(remaining)
            body.append(_panel(panel, series, box))
    title = _text(f"Precis: {dashboard.title}", 4, 16, "t") + _text(caption, 320, 16, "s")
    size = f'width="{COLUMN * COLUMNS}" height="{bottom + MARGIN}"'
    background = '<rect width="100%" height="100%" fill="#f4f5f5"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{background}{title}'
        + "\n".join(body)
        + "</svg>\n"
    )


def shown(value: float, unit: str) -> str:
    match unit:
        case "percentunit":
            return f"{value * 100:.4g} %"
        case "s":
            return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
        case "bytes" | "Bps":
            power = min(3, int(math.log(max(abs(value), 1), 1024)))
            return f"{value / 1024**power:.3g} {('B', 'KiB', 'MiB', 'GiB')[power]}" + "/s" * (unit == "Bps")
        case "ops" | "reqps":
            return f"{value:.3g}/s"
        case _:
            return f"{value:.4g}"


def _panel(panel: Panel, series: Sequence[Series], box: Box) -> str:
    frame = (
        f'<rect x="{box.x + 2:.0f}" y="{box.y + 2:.0f}" width="{box.w - 4:.0f}" height="{box.h - 4:.0f}" '
        'fill="#fff" stroke="#ddd"/>'
    )
    inner = Box(box.x + MARGIN, box.y + HEAD, box.w - 2 * MARGIN, box.h - HEAD - MARGIN)
    draw = {Kind.LINES: _lines, Kind.NUMBER: _number, Kind.BARS: _bars}[panel.kind]
    return frame + _text(panel.title, box.x + MARGIN, box.y + 17, "t") + draw(panel, series, inner)


def _number(panel: Panel, series: Sequence[Series], box: Box) -> str:
    parts = []
    for at, each in enumerate(series[:3]):
        value = each.points[-1][1]
        color = next((s.color for s in reversed(panel.steps) if value >= s.value), panel.base)
        x, y = box.x + 4, box.y + 30 + at * 32
        parts.append(f'<text x="{x:.0f}" y="{y:.0f}" style="font-size:24px;fill:{STEPS[color]}">')
        parts.append(f"{escape(shown(value, panel.unit))}</text>")
        parts.append(_text(each.name, x, y + 12, "s"))
    return "".join(parts)


def _bars(panel: Panel, series: Sequence[Series], box: Box) -> str:
    parts, most = [], max((each.points[-1][1] for each in series), default=0.0) or 1.0
    height = min(22.0, box.h / max(1, len(series[:SHOWN_BARS])))
    for at, each in enumerate(series[:SHOWN_BARS]):
        value, y = each.points[-1][1], box.y + at * height
        width = (box.w - 170) * value / most
        parts.append(_text(each.name, box.x, y + height * 0.7, "s"))
        parts.append(f'<rect x="{box.x + 90:.0f}" y="{y + 2:.1f}" width="{max(width, 1):.1f}" ')
        parts.append(f'height="{height - 4:.1f}" fill="{STEPS[panel.base]}"/>')
        parts.append(_text(shown(value, panel.unit), box.x + 96 + width, y + height * 0.7, "s"))
    return "".join(parts)


def _lines(panel: Panel, series: Sequence[Series], box: Box) -> str:
    """Steps are drawn where they are on the scale that the data ask for."""
    ordered = sorted(series, key=lambda each: -max(value for _, value in each.points))
    plot = Box(box.x + 46, box.y, box.w - 46, box.h - LEGEND * min(len(series), SHOWN_LINES + 1) - 4)
    times = [time for each in series for time, _ in each.points]
    start, end = min(times, default=0.0), max(times, default=1.0)
    # Where all is 0, the scale is anybody's choice.
    most = (max((value for each in series for _, value in each.points), default=0.0) or 1.0) * 1.05

    def at(time: float, value: float) -> str:
        x = plot.x + plot.w * (time - start) / max(end - start, 1)
        return f"{x:.0f},{plot.y + plot.h * (1 - max(value, 0) / most):.1f}"

    parts = [_axis(panel, plot, most)]
    for step in panel.steps:
        if step.value < most:
            points = f"{at(start, step.value)} {at(end, step.value)}"
            parts.append(_polyline(points, STEPS[step.color], dashed=True))
    for number, each in enumerate(ordered):
        color = COLORS[number % len(COLORS)]
        parts.append(_polyline(" ".join(at(time, value) for time, value in each.points), color))
        if number < SHOWN_LINES:
            y = plot.y + plot.h + LEGEND * (number + 1)
            last = shown(each.points[-1][1], panel.unit)
            parts.append(f'<rect x="{box.x:.0f}" y="{y - 4:.0f}" width="10" height="3" fill="{color}"/>')
            parts.append(_text(f"{each.name}   {last}", box.x + 14, y, "s"))
    if len(ordered) > SHOWN_LINES:
        y = plot.y + plot.h + LEGEND * (SHOWN_LINES + 1)
        parts.append(_text(f"and {len(ordered) - SHOWN_LINES} more", box.x + 14, y, "s"))
    return "".join(parts)


def _axis(panel: Panel, plot: Box, most: float) -> str:
    foot = plot.y + plot.h
    return (
        f'<path d="M{plot.x:.0f} {plot.y:.0f}V{foot:.0f}H{plot.x + plot.w:.0f}" stroke="#bbb" fill="none"/>'
        + _text(shown(most / 1.05, panel.unit), plot.x - 44, plot.y + 10, "s")
        + _text("0", plot.x - 10, foot, "s")
    )


def _polyline(points: str, color: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="4"' if dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.4"{dashes}/>'


def _text(text: str, x: float, y: float, style: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}">{escape(text)}</text>'
