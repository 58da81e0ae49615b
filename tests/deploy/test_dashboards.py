"""The dashboards are what their code says, and name only what exists."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from deploy.grafana.generate import DASHBOARDS, FOLDER, rendered
from deploy.grafana.model import Dashboard, Panel, Query, Row, Step
from deploy.grafana.runbooks import runbook_of, runbooks
from deploy.prometheus.objectives import OBJECTIVES
from tests.deploy.deploy_files import ROOT, read_compose
from tests.deploy.promql_names import exposed_names, names_in, queries

pytestmark = pytest.mark.unit
RULES = ROOT / "deploy/prometheus/rules"
GRAFANA = ROOT / "deploy/grafana"
# Grafana's: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/
UNITS = {"short", "none", "percentunit", "reqps", "ops", "s", "bytes", "Bps"}
SILENT = {"Watchdog"}
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)


def recorded() -> set[str]:
    files = [yaml.safe_load(file.read_text("utf-8")) for file in RULES.glob("*.yml")]
    return {
        rule["record"] for f in files for group in f["groups"] for rule in group["rules"] if "record" in rule
    }


def drawn(dashboard: Dashboard) -> list[dict[str, Any]]:  # Any: JSON
    return [panel for panel in dashboard.as_json()["panels"] if panel["type"] != "row"]


def test_an_expression_that_is_no_promql_is_found() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        names_in("sum(rate(up[$__rate_interval])")


def test_a_metric_that_nobody_exposes_is_found() -> None:
    assert names_in("rate(precis_invented_total[5m]) / up") - exposed_names() == {"precis_invented_total"}


def test_an_alert_that_is_not_there_has_no_runbook() -> None:
    with pytest.raises(KeyError):
        runbook_of("Invented")


def test_there_are_seven_and_the_folder_holds_no_other() -> None:
    names = ["overview", "slo", "summaries", "auth", "tenants", "queue", "resources"]
    assert [dashboard.name for dashboard in DASHBOARDS] == names
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.json" for name in names}


@each_dashboard
def test_the_committed_file_is_what_the_code_makes(dashboard: Dashboard) -> None:
    assert (FOLDER / f"{dashboard.name}.json").read_text("utf-8") == rendered(dashboard), (
        "run `make dashboards`"
    )


def test_every_expression_is_promql_over_metrics_that_exist() -> None:
    known = exposed_names() | recorded()
    unknown = {f"{d.name}: {p.title}": names_in(q.expr) - known for d, p, q in queries()}
    assert {place: names for place, names in unknown.items() if names} == {}


@each_dashboard
def test_annotations_are_promql_over_metrics_that_exist(dashboard: Dashboard) -> None:
    for annotation in dashboard.as_json()["annotations"]["list"]:
        assert names_in(annotation["expr"]) <= exposed_names()


def test_counters_are_shown_by_their_rate_and_histograms_by_their_buckets() -> None:
    for _, panel, query in queries():
        for name in re.findall(r"(\w+(?:_total|_bucket|_count|_sum))\b(?!_)", query.expr):
            assert re.search(rf"(rate|increase)\({name}(\{{[^}}]*\}})?\[\$__", query.expr), panel.title
        assert ("histogram_quantile" in query.expr) <= bool(re.search(r"sum by \(le\b", query.expr)), (
            panel.title
        )


@each_dashboard
def test_every_panel_says_what_it_shows_in_which_unit_and_when_to_worry(dashboard: Dashboard) -> None:
    for panel in drawn(dashboard):
        means, worry = panel["description"].split("\n\n")
        assert len(means) > 20, panel["title"]
        assert worry.startswith("Worry when "), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
        targets = {target["refId"] for target in panel["targets"]}
        assert len(targets) == len(panel["targets"]), panel["title"]


@each_dashboard
def test_the_data_source_is_the_variable_everywhere(dashboard: Dashboard) -> None:
    text = rendered(dashboard)
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {"${datasource}", f"precis-{dashboard.name}"}
    assert {"datasource", "runbooks"} <= {each["name"] for each in dashboard.as_json()["templating"]["list"]}


@each_dashboard
def test_every_variable_is_used_and_every_one_used_is_there(dashboard: Dashboard) -> None:
    expressions = " ".join(query.expr for panel in dashboard.panels for query in panel.queries)
    used = {name for name in re.findall(r"\$(\w+)", expressions) if not name.startswith("__")}
    assert used == {variable.name for variable in dashboard.variables}
    for variable in dashboard.variables:
        assert names_in(variable.metric) <= exposed_names()


@each_dashboard
def test_panels_stand_beside_each_other_on_the_grid(dashboard: Dashboard) -> None:
    panels = dashboard.as_json()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(place["gridPos"]["x"] + place["gridPos"]["w"] <= 24 for place in panels)


def test_every_alert_is_linked_from_a_panel_to_its_runbook() -> None:
    linked = {alert for dashboard in DASHBOARDS for panel in dashboard.panels for alert in panel.alerts}
    assert linked == set(runbooks()) - SILENT
    assert [name for name in runbooks().values() if not (ROOT / "docs/runbooks" / name).is_file()] == []


def test_objectives_draw_their_own_thresholds() -> None:
    slo = next(dashboard for dashboard in DASHBOARDS if dashboard.name == "slo")
    shares = [panel for panel in slo.panels if panel.title == "Share that goes wrong"]
    assert [panel.steps[0].value for panel in shares] == [objective.budget for objective in OBJECTIVES]
    assert all(panel.steps and panel.alerts for panel in slo.panels)


def test_a_full_line_of_the_grid_wraps() -> None:
    panels = [Panel("a", "b", "c", "s", [Query("up", "up")], width=16, steps=[Step(1, "red")])] * 2
    placed = Dashboard("x", "X", "", [Row("r", panels)]).as_json()["panels"]
    assert [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in placed] == [(0, 0), (0, 1), (0, 9)]


def test_grafana_is_given_what_it_is_provisioned_with() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"][
        0
    ]
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/precis.yml").read_text())["providers"][0]
    variables = {each["name"]: each for each in DASHBOARDS[0].as_json()["templating"]["list"]}
    assert variables["datasource"]["current"]["value"] == source["uid"]
    for file in ("docker-compose.yml", "docker-compose.prod.yml"):
        services = read_compose(file)["services"]
        mounts = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
        assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
        assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
        assert mounts["./docs/runbooks"].endswith(variables["runbooks"]["query"])
        assert source["url"] == "http://prometheus:9090"
        assert "prometheus" in services


def test_the_document_counts_as_we_do() -> None:
    text = (ROOT / "docs/observability.md").read_text("utf-8")
    for dashboard in DASHBOARDS:
        assert f"| {dashboard.title} | {len(dashboard.panels)} |" in text
    assert f"all\n  {len(list(queries()))} expressions" in text
    assert f"counted {sum(len(dashboard.panels) for dashboard in DASHBOARDS)} panels" in text


def test_a_rate_has_two_scrapes_to_go_by() -> None:
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["global"]
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"][
        0
    ]
    assert source["jsonData"]["timeInterval"] == scrape["scrape_interval"]


def test_every_dashboard_is_valid_json_with_a_uid_of_its_own() -> None:
    found = [json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))]
    assert len({dashboard["uid"] for dashboard in found}) == len(found)
    assert all(len(dashboard["uid"]) <= 40 for dashboard in found)
