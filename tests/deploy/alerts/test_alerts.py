"""Each alert is heard when it should be and not otherwise, and a case holds each thing that its rule says."""

from pathlib import Path

import pytest

from deploy.prometheus.objectives import render
from tests.deploy.alerts.cases import CASES
from tests.deploy.alerts.mutants import EQUIVALENT, made_alike, mutants_of
from tests.deploy.alerts.promtool import PROMTOOL, failures, mutants_found
from tests.deploy.alerts.rules import ALERTS, BY_NAME, RULES

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed here: the alerts were not tried"
)
pytestmark = pytest.mark.e2e
# Those of the other objectives come from the same lines; what differs is tried of each.
MUTATED = [name for name in BY_NAME if not made_alike(name)]


def test_rules_of_the_objectives_are_those_that_the_objectives_make() -> None:
    written = (RULES / "objectives.yml").read_text("utf-8")
    assert written == render(), (
        "python -m deploy.prometheus.objectives > deploy/prometheus/rules/objectives.yml"
    )


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_alert_has_a_case_where_it_speaks_and_one_without_any_series(alert: str) -> None:
    cases = CASES[alert]
    assert any(case.says for case in cases)
    assert alert == "Watchdog" or any(case.silent for case in cases)
    assert any(not case.series for case in cases)


@needs_promtool
@pytest.mark.parametrize("rule", sorted(BY_NAME))
def test_rule_says_what_its_cases_say(rule: str, tmp_path: Path) -> None:
    assert failures(tmp_path, CASES[rule], [BY_NAME[rule]]) == ""


@needs_promtool
@pytest.mark.parametrize("rule", MUTATED)
def test_every_change_of_the_rule_is_noticed(rule: str, tmp_path: Path) -> None:
    mutants = [mutant for mutant in mutants_of(BY_NAME[rule]) if mutant.change not in EQUIVALENT]
    caught = mutants_found(failures(tmp_path, CASES[rule], [mutant.rule for mutant in mutants]))
    assert [mutant.change for number, mutant in enumerate(mutants) if number not in caught] == []
    assert mutants
