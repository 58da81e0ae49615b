"""Rules name only metrics, labels and values that the application has: else an alert never fires."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from app.core.request_metrics import HANDLER_BUCKETS, METHODS, instrumentator_options
from app.core.schema_version import ROOT
from app.main import create_app
from app.reading.errors import Reason
from app.settings import load_settings
from app.summaries.measuring import FRESHNESS_BUCKETS
from app.webhooks.vocabulary import DeliveryFailure
from app.worker import process
from tests.deploy.alerts.mutants import MATCHER
from tests.deploy.alerts.rules import ALERTS, BY_NAME

pytestmark = pytest.mark.unit
SELECTOR = re.compile(r"(?<![\w:])((?:precis|http)_\w+)(\{[^{}]*\})?")
ENDING = re.compile(r"_(total|bucket|count|sum)$")
# Of Prometheus: what it scrapes, and what it says of itself.
GIVEN_LABELS = {"job", "instance", "le"}


@dataclass(frozen=True, slots=True)
class Selector:
    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors() -> Iterator[Selector]:
    for rule in BY_NAME.values():
        for found in SELECTOR.finditer(rule.expression):
            matchers = tuple((m[1], m[2], m[3]) for m in MATCHER.finditer(found[2] or ""))
            yield Selector(found[1], matchers)


@cache
def registered() -> dict[str, MetricWrapperBase]:
    """By what is asked for, the ending left out: of the API and of a worker."""
    assert process.GRACEFUL_SECONDS
    instrumentator_options()
    collectors = REGISTRY._collector_to_names  # noqa: SLF001  # no other way
    ours = {metric for metric in collectors if isinstance(metric, MetricWrapperBase)}
    return {metric._name: metric for metric in ours}  # noqa: SLF001  # as above


def constants() -> set[str]:
    """Every string that stands in the application's code."""
    trees = [ast.parse(file.read_text("utf-8")) for file in (ROOT / "app").rglob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def values_of(label: str, known: set[str]) -> set[str]:
    scrapes = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    bounds = {str(float(bound)) for bound in (*HANDLER_BUCKETS, *FRESHNESS_BUCKETS)}
    of_label = {
        "job": {scrape["job_name"] for scrape in scrapes},
        "le": bounds,
        "method": set(METHODS),
        "status": {str(status) for status in range(100, 600)},
        "handler": paths(),
        "reason": set(Reason),
    }
    return of_label.get(label, known | set(DeliveryFailure))


@cache
def operations() -> dict[str, dict[str, dict[str, object]]]:
    settings = load_settings(environment="testing", testing=True)
    paths: dict[str, dict[str, dict[str, object]]] = create_app(settings).openapi()["paths"]
    return paths


def paths() -> set[str]:
    return set(operations())


def alternatives(pattern: str) -> list[str]:
    """Of a regular expression, each by itself: "a|b(c|d)" is "a", "bc", "bd"."""
    group = re.search(r"\(([^()]*)\)", pattern)
    if group:
        inner = group[1].split("|")
        return [one for part in inner for one in alternatives(pattern.replace(group[0], part, 1))]
    return pattern.split("|")


def test_there_are_selectors_to_look_at() -> None:
    assert len(set(selectors())) >= 30


def test_every_metric_is_registered() -> None:
    assert {s.metric for s in selectors() if ENDING.sub("", s.metric) not in registered()} == set()


def test_every_metric_is_asked_for_as_its_type_has_it() -> None:
    for selector in selectors():
        metric = registered()[ENDING.sub("", selector.metric)]
        endings = {"counter": {"_total"}, "histogram": {"_bucket", "_count", "_sum"}, "gauge": {""}}
        found = ENDING.search(selector.metric)
        assert (found[0] if found else "") in endings[str(metric._type)], selector  # noqa: SLF001  # as above


def test_every_label_is_one_of_the_metrics() -> None:
    for selector in selectors():
        labels = set(registered()[ENDING.sub("", selector.metric)]._labelnames)  # noqa: SLF001  # as above
        assert {name for name, _, _ in selector.matchers} <= labels | GIVEN_LABELS, selector


def test_every_value_is_one_that_the_label_takes() -> None:
    known = constants()
    for selector in selectors():
        for label, operator, quoted in selector.matchers:
            text, values = quoted[1:-1], values_of(label, known)
            for wanted in alternatives(text) if "~" in operator else [text]:
                found = any(re.fullmatch(wanted, v) for v in values) if "~" in operator else wanted in values
                assert found, (selector.metric, label, wanted)


def waits(operation: dict[str, object], path: str) -> bool:
    parameters = operation.get("parameters", [])
    assert isinstance(parameters, list)
    return any(one["name"].lower() == "prefer" for one in parameters) or path.endswith(("/events", "/export"))


def test_latency_leaves_out_exactly_what_waits_on_purpose() -> None:
    expression = BY_NAME["precis:latency:event_rate_5m"].expression
    unwanted = re.search(r'handler!~"([^"]+)"', expression)
    assert unwanted
    left_out = {path for path in paths() if re.fullmatch(unwanted[1], path)}
    # Of this one only POST, by its own matcher.
    left_out |= set(re.findall(r'method="POST",handler="([^"]+)"', expression))
    waiting = {p for p, methods in operations().items() if any(waits(op, p) for op in methods.values())}
    assert left_out == waiting


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    named = {rule.annotations["runbook"] for rule in ALERTS.values()}
    there = {f"docs/runbooks/{file.name}" for file in (ROOT / "docs/runbooks").glob("*.md")}
    assert named == there - {"docs/runbooks/README.md"}


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_runbook_bears_the_alerts_name(alert: str) -> None:
    stem = re.sub(r"Burn(Page|Ticket)$", "Burn", alert)
    assert ALERTS[alert].annotations["runbook"] == f"docs/runbooks/{stem.lower()}.md"
