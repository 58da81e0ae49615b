"""What the service promises over 30 days, each promise stated once, and the rules that follow from it.

`python -m deploy.prometheus.objectives > deploy/prometheus/rules/objectives.yml` after a change here; a test
compares. The rules are those of Google's SRE workbook, chapter 5: a long window says that it matters, a short
one that it goes on.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

WINDOWS = ("30m", "1h", "2h", "6h", "1d", "3d")
# With little traffic a single failure is a large share. So many at least are worth anybody's time.
FEWEST_ERRORS = 10
# Probes and scrapes are counted nowhere: see app/core/metrics.py.
REQUESTS = 'job="precis-api"'
# What waits on purpose: event streams, exports, and what may be asked for with `Prefer: wait`.
NO_WAITING = 'handler!~"/api/v1/summaries/(upload|.+/(events|refresh|regenerate|retry))|.+/export"'
# Of this path only POST waits.
WAITING_POST = 'method="POST",handler="/api/v1/summaries"'
OUR_FAULTS = 'reason=~"internal|provider_error"'


@dataclass(frozen=True, slots=True)
class Objective:
    """`budget` is the share that may go wrong; `events` and `errors` are PromQL, in events a second.

    The errors are recorded after the events, and may be computed from them.
    """

    name: str
    promise: str
    budget: float
    events: str
    errors: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Burn:
    """Fires where a pair of windows is over its multiple of the budget."""

    severity: str
    pairs: tuple[tuple[str, str, float], ...]
    lasting: str
    counted_over: str
    counted_seconds: int
    consequence: str


def _not_waiting(series: str, also: str = "") -> str:
    """Requests a second, those that wait on purpose left out."""
    unwanted = f"http_request_duration_seconds_count{{{WAITING_POST}}}"
    return f"sum(rate({series}{{{REQUESTS},{NO_WAITING}{also}}}[5m]) unless ignoring (le) {unwanted})"


def _all_but(name: str, good: str) -> str:
    """Not below 0, as the difference of two sums of equal numbers may be by the last of their digits."""
    return f"clamp_min(precis:{name}:event_rate_5m - {good}, 0)"


OBJECTIVES = (
    Objective(
        name="availability",
        promise="99.9 % of requests are not answered 5xx",
        budget=0.001,
        events=f"sum(rate(http_requests_total{{{REQUESTS}}}[5m]))",
        errors=f'sum(rate(http_requests_total{{{REQUESTS},status=~"5.."}}[5m]))',
        complaint="of requests are answered 5xx",
    ),
    Objective(
        name="latency",
        promise="99 % of requests are answered within 250 ms",
        budget=0.01,
        events=_not_waiting("http_request_duration_seconds_count"),
        errors=_all_but("latency", _not_waiting("http_request_duration_seconds_bucket", ',le="0.25"')),
        complaint="of requests take over 250 ms",
    ),
    Objective(
        name="success",
        promise="99 % of summaries that come to an end do not fail by our own fault",
        budget=0.01,
        events='sum(rate(precis_summaries_finished_total{outcome=~"ready|failed"}[5m]))',
        errors=f"sum(rate(precis_summaries_finished_total{{{OUR_FAULTS}}}[5m]))",
        complaint="of summaries fail by our own fault",
    ),
    Objective(
        name="freshness",
        promise="95 % of summaries are finished within 30 s of being asked for",
        budget=0.05,
        events="sum(rate(precis_summary_freshness_seconds_count[5m]))",
        errors=_all_but("freshness", 'sum(rate(precis_summary_freshness_seconds_bucket{le="30.0"}[5m]))'),
        complaint="of summaries take over 30 s",
    ),
)
BURNS = (
    Burn("page", (("1h", "5m", 14.4), ("6h", "30m", 6)), "2m", "1h", 3600, "is gone in days"),
    Burn("ticket", (("1d", "2h", 3), ("3d", "6h", 1)), "15m", "1d", 86400, "will not last"),
)
HEAD = """\
# Made by deploy/prometheus/objectives.py, where the promises stand. Shares are 0 where nothing was asked: no
# traffic breaks no promise. Longer windows average the two rates of five minutes: so no rule reads three days
# of every route's series, and in the quotient a busy hour weighs as much as its requests do.
# What never reaches the application is not counted: ApiDown is for that.

groups:
"""


def render() -> str:
    return HEAD + "\n".join("".join(_group(objective)) for objective in OBJECTIVES)


def _group(objective: Objective) -> Iterator[str]:
    name = objective.name
    yield f"  # {objective.promise}.\n"
    yield f"  - name: precis-objective-{name}\n    interval: 30s\n    rules:\n"
    yield _record(f"precis:{name}:event_rate_5m", f"{objective.events} or vector(0)")
    yield _record(f"precis:{name}:error_rate_5m", f"{objective.errors} or vector(0)")
    yield _record(
        f"precis:{name}:error_share_5m",
        f"precis:{name}:error_rate_5m / (precis:{name}:event_rate_5m > 0) or vector(0)",
    )
    for window in WINDOWS:
        errors = f"avg_over_time(precis:{name}:error_rate_5m[{window}])"
        events = f"avg_over_time(precis:{name}:event_rate_5m[{window}])"
        yield _record(f"precis:{name}:error_share_{window}", f"{errors} / ({events} > 0) or vector(0)")
    for burn in BURNS:
        yield _alert(objective, burn)


def _record(name: str, expression: str) -> str:
    return f"      - record: {name}\n        expr: |-\n          {expression}\n"


def _alert(objective: Objective, burn: Burn) -> str:
    share = f"precis:{objective.name}:error_share"
    pairs = "\n            or ".join(
        f"({share}_{long} > {times * objective.budget:g} and {share}_{short} > {times * objective.budget:g})"
        for long, short, times in burn.pairs
    )
    errors = f"avg_over_time(precis:{objective.name}:error_rate_5m[{burn.counted_over}])"
    summary = f"{{{{ $value | humanizePercentage }}}} {objective.complaint}: the budget {burn.consequence}"
    return f"""\
      - alert: {objective.name.capitalize()}Burn{burn.severity.capitalize()}
        expr: |-
          (
            {pairs}
          )
          and {errors} * {burn.counted_seconds} >= {FEWEST_ERRORS}
        for: {burn.lasting}
        labels: {{severity: {burn.severity}, objective: {objective.name}}}
        annotations:
          summary: "{summary}"
          runbook: docs/runbooks/{objective.name}burn.md
"""


if __name__ == "__main__":
    sys.stdout.write(render())
