"""Which runbook an alert has, as deploy/prometheus/rules/ says."""

from functools import cache
from pathlib import Path, PurePosixPath

import yaml  # type: ignore[import-untyped]  # it ships no types

RULES = Path(__file__).resolve().parents[1] / "prometheus/rules"


@cache
def runbooks() -> dict[str, str]:
    """File names by alert."""
    groups = [group for file in RULES.glob("*.yml") for group in yaml.safe_load(file.read_text())["groups"]]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: PurePosixPath(rule["annotations"]["runbook"]).name for rule in rules}


def runbook_of(alert: str) -> str:
    """Raises KeyError where no such alert is."""
    return runbooks()[alert]
