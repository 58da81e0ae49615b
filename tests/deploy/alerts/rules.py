"""The committed rules as values, so that a test can take one out, change it and write it down again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml  # type: ignore[import-untyped]  # it ships no types

from app.core.schema_version import ROOT

RULES = ROOT / "deploy/prometheus/rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """`lasting` and all after it are an alert's. `origin` is what a renamed rule was called at first."""

    name: str
    group: str
    expression: str
    is_alert: bool
    lasting: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def committed(self) -> "Rule":
        return BY_NAME[self.origin or self.name]

    def named(self, name: str) -> Self:
        return replace(self, name=name, origin=self.origin or self.name)

    def written(self) -> dict[str, Any]:  # Any: YAML
        facts = {
            "alert" if self.is_alert else "record": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": self.labels,
            "annotations": self.annotations,
        }
        return {name: value for name, value in facts.items() if value}


def _read() -> Iterator[Rule]:
    for file in sorted(RULES.glob("*.yml")):
        yield from _of_file(file)


def _of_file(file: Path) -> Iterator[Rule]:
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield Rule(
                name=rule.get("alert") or rule["record"],
                group=group["name"],
                expression=rule["expr"],
                is_alert="alert" in rule,
                lasting=rule.get("for"),
                labels=rule.get("labels", {}),
                annotations=rule.get("annotations", {}),
            )


BY_NAME = {rule.name: rule for rule in _read()}
ALERTS = {name: rule for name, rule in BY_NAME.items() if rule.is_alert}


def write_rules(file: Path, rules: Iterable[Rule]) -> None:
    """In one group, in order: later rules see what earlier ones recorded."""
    group = {"name": "tested", "rules": [rule.written() for rule in rules]}
    file.write_text(yaml.safe_dump({"groups": [group]}, width=1000), "utf-8")
