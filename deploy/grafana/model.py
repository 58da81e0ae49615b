"""What a dashboard is made of, and the JSON that Grafana reads (its dashboard model, schema 41)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deploy.grafana.runbooks import runbook_of

Json = dict[str, Any]  # Any: JSON
SCHEMA_VERSION = 41
COLUMNS = 24
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
TAG = "precis"


class Kind(StrEnum):
    LINES = "timeseries"
    NUMBER = "stat"
    BARS = "bargauge"


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` may name labels: {{status}}."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Step:
    """From `value` on, in this colour; below the first step everything is green."""

    value: float
    color: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`means` and `worry` are its description: what is shown, and when somebody must act.

    `unit` is Grafana's own name of it; `alerts` lead to their runbooks; `low` None leaves the axis free.
    """

    title: str
    means: str
    worry: str
    unit: str
    queries: Sequence[Query]
    kind: Kind = Kind.LINES
    width: int = 8
    height: int = 8
    low: float | None = 0
    high: float | None = None
    steps: Sequence[Step] = ()
    base: str = "green"
    alerts: Sequence[str] = ()
    stacked: bool = False

    @property
    def description(self) -> str:
        return f"{self.means}\n\nWorry when {self.worry}"

    def as_json(self, *, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": str(self.kind),
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
            "targets": [self._target(at, query) for at, query in enumerate(self.queries)],
            "links": [
                {
                    "title": f"Runbook: {alert}",
                    "url": f"${{runbooks}}/{runbook_of(alert)}",
                    "targetBlank": True,
                }
                for alert in self.alerts
            ],
        }

    def _defaults(self) -> Json:
        colors = [
            {"color": self.base, "value": None},
            *({"color": step.color, "value": step.value} for step in self.steps),
        ]
        limits = {name: value for name, value in (("min", self.low), ("max", self.high)) if value is not None}
        return {
            "unit": self.unit,
            **limits,
            "color": {"mode": "palette-classic" if self.kind is Kind.LINES else "thresholds"},
            "thresholds": {"mode": "absolute", "steps": colors},
            "custom": self._drawing() if self.kind is Kind.LINES else {},
        }

    def _drawing(self) -> Json:
        return {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if self.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if self.steps else "off"},
        }

    def _options(self) -> Json:
        if self.kind is Kind.LINES:
            calcs = ["lastNotNull", "max"]
            legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": calcs}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        if self.kind is Kind.BARS:
            return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "gradient"}
        return {"reduceOptions": reduce, "colorMode": "value", "graphMode": "none", "textMode": "auto"}

    def _target(self, at: int, query: Query) -> Json:
        over_time = self.kind is Kind.LINES
        return {
            "refId": chr(ord("A") + at),
            "datasource": SOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "range": over_time,
            "instant": not over_time,
        }


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Variable:
    """A label of a metric to choose values of; all of them at first."""

    name: str
    label: str
    metric: str

    def as_json(self) -> Json:
        query = f"label_values({self.metric}, {self.name})"
        return {
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": query, "refId": self.name},
            "definition": query,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": ["All"], "value": ["$__all"]},
            "refresh": 2,
            "sort": 1,
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`name` is the file's and, behind `precis-`, the uid, which bookmarks hold: never change it."""

    name: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    since: str = "now-6h"
    refresh: str = "30s"
    annotations: Sequence[Query] = field(default=())

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]

    def as_json(self) -> Json:
        return {
            "uid": f"{TAG}-{self.name}",
            "title": f"Precis: {self.title}",
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "time": {"from": self.since, "to": "now"},
            "refresh": self.refresh,
            "links": [_other_dashboards()],
            "annotations": {"list": [_annotation(query) for query in self.annotations]},
            "templating": {"list": [_source(), _runbooks(), *(each.as_json() for each in self.variables)]},
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[Json]:
        number = y = 0
        for row in self.rows:
            number += 1
            place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
            yield {
                "id": number,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
            x, y, height = 0, y + 1, 0
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, height = 0, y + height, 0
                number += 1
                yield panel.as_json(number=number, x=x, y=y)
                x, height = x + panel.width, max(height, panel.height)
            y += height


def _other_dashboards() -> Json:
    return {
        "type": "dashboards",
        "title": "Precis",
        "tags": [TAG],
        "asDropdown": True,
        "keepTime": True,
        "includeVars": True,
    }


def _annotation(query: Query) -> Json:
    return {
        "name": query.legend,
        "datasource": SOURCE,
        "enable": True,
        "expr": query.expr,
        "iconColor": "red",
        "titleFormat": "{{alertname}}{{version}}",
        "textFormat": "{{severity}}",
    }


def _source() -> Json:
    current = {"text": "Prometheus", "value": "prometheus"}
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": current,
        "refresh": 1,
    }


def _runbooks() -> Json:
    """Where Grafana itself serves the mounted docs/runbooks; an operator's wiki may stand here instead."""
    place = "/public/runbooks"
    return {
        "name": "runbooks",
        "type": "constant",
        "query": place,
        "hide": 2,
        "current": {"text": place, "value": place},
    }
