"""Cases for promtool: what Prometheus has seen, and what is heard or recorded because of it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from tests.deploy.alerts.rules import Rule, write_rules

PROMTOOL = shutil.which("promtool")
# Collecting its garbage less often saves promtool a fifth of its time.
FREE_HANDED = os.environ | {"GOGC": "400"}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# A recorded figure may be off by so much: what a mutant records must be further off.
TOLERANCE = 0.02
NAMED = re.compile(r"_m(\d+)\b")


@dataclass(frozen=True, slots=True)
class Case:
    """`series` has a sample every `every` seconds, rules are evaluated every `evaluated` seconds.

    The alert fires at each time of `fires` and at none of `silent`; `says` is its summary by time, with the
    labels that come from its series. A recorded rule comes to `values`, by time.
    """

    rule: str
    claim: str
    series: Mapping[str, str] = field(default_factory=dict)
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    every: int = 15
    evaluated: int = 15


def seconds(text: str) -> int:
    """Of "1h30m"."""
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))


def counter(*spans: tuple[str, float], every: int = 15) -> str:
    """Grows by so much a second, for so long each; the next span goes on from there."""
    value, parts = 0.0, []
    for lasting, per_second in spans:
        steps = seconds(lasting) // every
        parts.append(f"{value:.9g}+{per_second * every:.9g}x{steps - 1}")
        value += per_second * every * steps
    return " ".join(parts)


def gauge(*spans: tuple[str, float], every: int = 15) -> str:
    """So much, for so long each."""
    return " ".join(f"{value:.9g}+0x{seconds(lasting) // every - 1}" for lasting, value in spans)


def jump(at: str, height: float, *, lasting: str) -> str:
    """A counter that grows once."""
    return gauge((at, 0), (lasting, height))


def failures(folder: Path, cases: Sequence[Case], tried: Sequence[Rule]) -> str:
    """What promtool found, nothing where all is as the cases say. Raises ValueError where a rule is none.

    Each of `tried` stands under a name of its own and answers for the rule of the cases: so many mutants cost
    one reading of the series. `mutants_found` says which of them were caught.
    """
    renamed = [rule.named(f"{rule.name}_m{number}") for number, rule in enumerate(tried)]
    write_rules(folder / "rules.yml", renamed)
    names = [rule.name for rule in renamed]
    found = []
    for evaluated in sorted({case.evaluated for case in cases}):
        tests = [_written(case, names, tried[0]) for case in cases if case.evaluated == evaluated]
        document = {"rule_files": ["rules.yml"], "evaluation_interval": f"{evaluated}s", "tests": tests}
        file = folder / f"every_{evaluated}.yml"
        file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, width=1_000_000), "utf-8")
        found.append(_run(file))
    return "".join(found)


def mutants_found(output: str) -> set[int]:
    return {int(number) for number in NAMED.findall(output)}


def _run(file: Path) -> str:
    command = [str(PROMTOOL), "test", "rules", str(file)]
    done = subprocess.run(  # noqa: S603  # ours
        command, env=FREE_HANDED, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode == 0:
        return ""
    output = done.stdout + done.stderr
    if "exp:" not in output:
        raise ValueError(output)
    return output


def _written(case: Case, names: Iterable[str], rule: Rule) -> dict[str, Any]:  # Any: YAML
    return {
        "name": case.claim,
        "interval": f"{case.every}s",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [test for name in names for test in _asked(case, name)],
        "alert_rule_test": [_said(case, name, rule, told) for name in names for told in case.says.items()],
    }


def _asked(case: Case, name: str) -> Iterator[dict[str, Any]]:  # Any: YAML
    heard = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    one = [{"labels": "{}", "value": 1}]
    for time in case.fires:
        yield {"expr": heard, "eval_time": time, "exp_samples": one}
    for time in case.silent:
        yield {"expr": heard, "eval_time": time, "exp_samples": []}
    for time, value in case.values.items():
        off = abs(value) * TOLERANCE + 1e-9
        near = f"count({name} >= {value - off:.9g} and {name} <= {value + off:.9g})"
        yield {"expr": near, "eval_time": time, "exp_samples": one}


def _said(case: Case, name: str, rule: Rule, told: tuple[str, str]) -> dict[str, Any]:  # Any: YAML
    """The committed rule's labels and annotations, whatever a mutant has made of them."""
    alert = {
        "exp_labels": rule.committed.labels | dict(case.labels),
        "exp_annotations": rule.committed.annotations | {"summary": told[1]},
    }
    return {"alertname": name, "eval_time": told[0], "exp_alerts": [alert]}
