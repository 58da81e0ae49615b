"""Rules with one thing changed: a test must fail for each, or the rule says something that no test holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.deploy.alerts.promtool import seconds
from tests.deploy.alerts.rules import Rule

LABELS = re.compile(r"\{[^{}]*\}")
WINDOW = re.compile(r"\[(\w+)\]")
NUMBER = re.compile(r"(?<![\w.:])\d+(?:\.\d+)?(?![\w.:])")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)("(?:[^"\\]|\\.)*")(,?)')
OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
# Each by what takes its place. In what lies between labels, windows and strings.
WORDS = {
    r">=": "<",
    r"<=": ">",
    r"(?<![<>=!])>(?!=)": "<",
    r"(?<![<>=!])<(?!=)": ">",
    r"==": "!=",
    r"\band\b": "or",
    r"\bor\b": "and",
    r"\bunless\b": "and",
    r"\bsum\b": "max",
    r"\bmax\b": "min",
    r"\bmin\b": "max",
    r"\bcount\b": "sum",
    r"\brate\b": "increase",
    r"\bincrease\b": "rate",
    r"\bmin_over_time\b": "max_over_time",
    r"\bavg_over_time\b": "max_over_time",
    r"\babsent\b": "",
    r" / ": " * ",
    r" \* ": " / ",
    r" - ": " + ",
}


# What they change has no consequence, for the reason that stands beside each.
EQUIVALENT = {
    "WorkerHung: ...[rate -> increase]": "compared with 0",
    "PoolExhausted: ...ntile(0.99, sum by (le) ([rate -> increase]": "a quantile knows no scale",
    "EventLoopBlocked: ...(0.99, sum by (le, job) ([rate -> increase]": "as above",
    "RedisDegraded: ...[sum -> max]": "the first of two: compared with 0",
    "RulesFailing: ...[sum -> max]": "compared with 0",
    "RulesFailing: ...sum([increase -> rate]": "compared with 0",
    'JobsGivenUp: ...max(precis_queue_jobs{[state="failed" -> ]': "both sides match by state",
    'JobsGivenUp: ...r_time(precis_queue_jobs{[state="failed" -> ]': "as above",
    "VersionsDiffer: ...count([count -> sum]": "how many there are of each does not matter",
    "Watchdog: ...vector([1 -> 2]": "anything is heard",
    "Watchdog: ...vector([1 -> 0]": "as above",
}
ALIKE = re.compile(r"precis:(latency|success|freshness):error_share|(Latency|Success|Freshness)Burn")


def made_alike(rule: str) -> bool:
    """By the code that makes them for availability too."""
    return bool(ALIKE.match(rule))


@dataclass(frozen=True, slots=True)
class Mutant:
    rule: Rule
    change: str


def mutants_of(rule: Rule) -> Iterator[Mutant]:
    for change, expression in _expressions(rule.expression):
        yield Mutant(replace(rule, expression=expression), f"{rule.name}: {change}")
    for lasting in _lasting(rule):
        yield Mutant(replace(rule, lasting=lasting), f"{rule.name}: for {lasting}")
    if rule.is_alert:
        yield Mutant(replace(rule, labels=rule.labels | {"severity": "other"}), f"{rule.name}: severity")
        yield Mutant(replace(rule, annotations={"summary": "other"}), f"{rule.name}: annotations")


def _lasting(rule: Rule) -> list[str]:
    if not rule.is_alert:
        return []
    now = seconds(rule.lasting or "0s")
    return [f"{2 * now}s", f"{now // 2}s"] if now else ["2m"]


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    yield from _windows(expression)
    yield from _matchers(expression)
    hidden = _hidden(expression)
    for found in NUMBER.finditer(hidden):
        for number in _numbers(found[0]):
            yield _changed(expression, found, number)
    for word, other in WORDS.items():
        for found in re.finditer(word, hidden):
            yield _changed(expression, found, other)


def _windows(expression: str) -> Iterator[tuple[str, str]]:
    for found in WINDOW.finditer(expression):
        for window in (2 * seconds(found[1]), seconds(found[1]) // 2):
            yield _changed(expression, found, f"[{window}s]")


def _matchers(expression: str) -> Iterator[tuple[str, str]]:
    for found in MATCHER.finditer(expression):
        yield _changed(expression, found, "")
        yield _changed(expression, found, f"{found[1]}{OPPOSITE[found[2]]}{found[3]}{found[4]}")


def _numbers(text: str) -> list[str]:
    """A count by one more and one less, what is measured by a tenth."""
    number = float(text)
    if text.isdigit() and number < 20:  # beyond, one more is not felt
        return [f"{number + 1:g}", f"{number - 1:g}"]
    return [f"{number * 1.1:g}", f"{number * 0.9:g}"]


def _hidden(expression: str) -> str:
    """Labels and windows by as many blanks: positions stay."""
    blank = LABELS.sub(lambda found: " " * len(found[0]), expression)
    return WINDOW.sub(lambda found: "_" * len(found[0]), blank)


def _changed(expression: str, found: "re.Match[str]", text: str) -> tuple[str, str]:
    changed = expression[: found.start()] + text + expression[found.end() :]
    place = expression[max(0, found.start() - 25) : found.start()]
    return f"...{place}[{found[0]} -> {text}]", changed.replace(",}", "}")
