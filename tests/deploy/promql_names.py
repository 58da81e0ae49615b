"""What an expression of PromQL reads, and Grafana's variables in it as Prometheus itself would be asked."""

from collections.abc import Iterator

import promql_parser
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_fastapi_instrumentator import metrics

import app.main as api
from app.worker import process as worker
from deploy.grafana.generate import DASHBOARDS
from deploy.grafana.model import Dashboard, Panel, Query

# Whoever is imported registers what it measures.
MEASURED = (api, worker)
# What Prometheus measures itself, and what prometheus-client says of a process.
OTHERS = {
    *("up", "ALERTS", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling"),
    "prometheus_rule_evaluation_failures_total",
    *("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"),
}
VARIABLES = {"$__rate_interval": "1m", "$__range": "1m", "$handler": ".*", "$instance": ".*"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def queries() -> Iterator[tuple[Dashboard, Panel, Query]]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                yield dashboard, panel, query


def without_variables(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def names_in(expr: str) -> set[str]:
    """Raises ValueError where it is no PromQL."""
    found: set[str] = set()

    def note(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name or "")
        return True

    promql_parser.walk(promql_parser.parse(without_variables(expr)), note)
    return found


def exposed_names() -> set[str]:
    """Of the API and the workers."""
    http = CollectorRegistry()
    metrics.default(registry=http)
    families = [*REGISTRY.collect(), *http.collect()]
    return OTHERS | {
        f"{family.name}{suffix}"
        for family in families
        for suffix in SUFFIXES.get(family.type, ("_sum", "_count"))
    }
