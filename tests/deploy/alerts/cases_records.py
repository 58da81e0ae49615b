"""What the objectives' records come to."""

from collections.abc import Iterator

from deploy.prometheus.objectives import OBJECTIVES, WINDOWS, Objective
from tests.deploy.alerts.promtool import Case, counter, gauge, seconds

API = 'job="precis-api"'
FINISHED, FRESH = "precis_summaries_finished_total", "precis_summary_freshness_seconds"
TOOK = "http_request_duration_seconds"
COMPUTED_FROM_EVENTS = {"latency", "freshness"}
SHARES = ("5m", *WINDOWS)
# Samples in a window; there are two windows of them, as a mutant may look further back.
SAMPLES = 12


def falling(exponent: float) -> list[float]:
    """The newest last: each window has another average, of events, of errors and of their quotient."""
    return [0.5 * (age + 1) ** -exponent for age in range(2 * SAMPLES, -1, -1)]


EVENTS, ERRORS = falling(0.25), falling(0.75)


def _shares(objective: Objective, window: str) -> Iterator[Case]:
    name, every = f"precis:{objective.name}", seconds(window) // SAMPLES
    series = {
        f"{name}:event_rate_5m": " ".join(f"{rate:.6f}" for rate in EVENTS),
        f"{name}:error_rate_5m": " ".join(f"{rate:.6f}" for rate in ERRORS),
    }
    # Of five minutes the rates themselves are; else they are averaged, the one at each end included.
    seen = 1 if window == "5m" else SAMPLES + 1
    values = {f"{2 * SAMPLES * every}s": sum(ERRORS[-seen:]) / sum(EVENTS[-seen:])}
    rule = f"{name}:error_share_{window}"
    yield Case(rule, "it has grown of late", series, values=values, every=every, evaluated=every)
    quiet = dict.fromkeys(series, gauge(("20m", 0)))
    yield Case(rule, "nobody asks", quiet, values={"15m": 0})
    yield Case(rule, "nothing is recorded", values={"10m": 0})


def many(*spans: float) -> str:
    """A second, for ten minutes each."""
    return counter(*(("10m", rate) for rate in spans))


def _rates(name: str, series: dict[str, str], *, events: float, errors: float) -> Iterator[Case]:
    """Ten minutes at these rates, none before and none after.

    Where errors are what is left of the recorded events, those stay: only what is taken from them changes.
    """
    recorded, shaped = (
        f"precis:{name}:event_rate_5m",
        {one: many(0, float(rate), 0) for one, rate in series.items()},
    )
    left = name in COMPUTED_FROM_EVENTS
    wrong = {"19m45s": errors, "26m": events if left else 0.0}
    for window in ("12m30s", "22m30s"):
        wrong[window] = events - (events - errors) / 2 if left else errors / 2
    given = {recorded: gauge(("30m", events))} if left else {}
    right = {"19m45s": events, "22m30s": events / 2, "12m30s": events / 2, "26m": 0.0}
    claim = "each is counted where it belongs"
    yield Case(recorded, claim, shaped, values=right)
    yield Case(f"precis:{name}:error_rate_5m", claim, shaped | given, values=wrong)
    if left:
        fewer = {recorded: gauge(("30m", (events - errors) / 2))}
        claim = "no fewer than none go wrong, however the sums are rounded"
        yield Case(f"precis:{name}:error_rate_5m", claim, shaped | fewer, values={"19m45s": 0})
    for rule in (recorded, f"precis:{name}:error_rate_5m"):
        yield Case(rule, "nobody asks", dict.fromkeys([*series, *given], many(0, 0)), values={"15m": 0})
        yield Case(rule, "no process", values={"10m": 0})


HANDLERS = {
    'method="GET",handler="/api/v1/summaries"': (1, 0.75),
    'method="POST",handler="/api/v1/summaries"': (64, 32),
    'method="POST",handler="/api/v1/summaries/upload"': (32, 16),
    'method="GET",handler="/api/v1/summaries/{summary_id}/events"': (16, 8),
    'method="POST",handler="/api/v1/auth/login"': (2, 1.5),
}
RATES = (
    *_rates(
        "availability",
        {
            f'http_requests_total{{{API},status="200"}}': "4",
            f'http_requests_total{{{API},status="404"}}': "2",
            f'http_requests_total{{{API},status="500"}}': "1",
            f'http_requests_total{{{API},status="503"}}': "0.5",
            'http_requests_total{job="other",status="500"}': "64",
        },
        events=7.5,
        errors=1.5,
    ),
    *_rates(
        "latency",
        {f"{TOOK}_count{{{API},{labels}}}": str(all_) for labels, (all_, _) in HANDLERS.items()}
        | {f'{TOOK}_bucket{{{API},{labels},le="0.25"}}': str(fast) for labels, (_, fast) in HANDLERS.items()}
        | {f'{TOOK}_bucket{{{API},{labels},le="0.5"}}': str(all_) for labels, (all_, _) in HANDLERS.items()}
        | {
            f'{TOOK}_count{{job="other",handler="/x"}}': "64",
            f'{TOOK}_bucket{{job="other",handler="/x",le="0.25"}}': "32",
        },
        events=3,
        errors=0.75,
    ),
    *_rates(
        "success",
        {
            f'{FINISHED}{{outcome="ready",reason="none"}}': "4",
            f'{FINISHED}{{outcome="failed",reason="dns"}}': "2",
            f'{FINISHED}{{outcome="failed",reason="internal"}}': "1",
            f'{FINISHED}{{outcome="failed",reason="provider_error"}}': "0.5",
            f'{FINISHED}{{outcome="cancelled",reason="cancelled"}}': "64",
        },
        events=7.5,
        errors=1.5,
    ),
    *_rates(
        "freshness",
        {
            f'{FRESH}_count{{instance="a"}}': "2",
            f'{FRESH}_count{{instance="b"}}': "1.5",
            f'{FRESH}_bucket{{instance="a",le="30.0"}}': "1",
            f'{FRESH}_bucket{{instance="b",le="30.0"}}': "0.75",
            f'{FRESH}_bucket{{instance="a",le="60.0"}}': "2",
        },
        events=3.5,
        errors=1.75,
    ),
)
CASES = [
    *RATES,
    *(case for objective in OBJECTIVES for window in SHARES for case in _shares(objective, window)),
]
