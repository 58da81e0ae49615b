"""When the alerts about processes are heard."""

from tests.deploy.alerts.promtool import Case, counter, gauge

API = 'up{job="precis-api",instance="api:8000"}'
WORKER = 'up{job="precis-worker",instance="worker:9101"}'
OTHER = 'up{job="precis-worker",instance="other:9101"}'
HUNG = 'precis_event_loop_lag_seconds_count{job="precis-worker",instance="worker:9101"}'
WORKERS = "precis_queue_workers"

CASES = [
    Case(
        "ApiDown",
        "every process has stopped",
        {API: gauge(("5m", 1), ("10m", 0))},
        silent=("4m45s", "5m45s"),
        fires=("6m",),
        says={"6m": "No API process answers its metrics: users get 502"},
    ),
    Case("ApiDown", "there is nothing to scrape", silent=("45s",), fires=("1m",)),
    Case(
        "ApiDown",
        "another job answers instead",
        {WORKER: gauge(("10m", 1))},
        fires=("5m",),
    ),
    Case(
        "ApiDown",
        "one of two answers",
        {API: gauge(("10m", 0)), API.replace("api:", "second:"): gauge(("10m", 1))},
        silent=("5m", "9m"),
    ),
    Case("NoWorkers", "there is nothing to scrape", silent=("1m45s",), fires=("2m",)),
    Case(
        "NoWorkers",
        "the process is there and its heartbeat is not",
        {WORKER: gauge(("20m", 1)), WORKERS: gauge(("5m", 1), ("15m", 0))},
        silent=("4m45s", "6m45s"),
        fires=("7m",),
        says={"7m": "No worker is alive: summaries, mails and webhooks wait"},
    ),
    Case(
        "NoWorkers",
        "the process is gone and its last word is remembered",
        {WORKER: gauge(("5m", 1), ("15m", 0)), WORKERS: gauge(("20m", 1)), API: gauge(("20m", 1))},
        silent=("6m45s",),
        fires=("7m",),
    ),
    Case(
        "NoWorkers",
        "a worker that has just come has not counted yet",
        {
            WORKER: gauge(("20m", 1)),
            f'{WORKERS}{{instance="old"}}': gauge(("20m", 1)),
            f'{WORKERS}{{instance="new"}}': gauge(("20m", 0)),
        },
        silent=("5m", "19m"),
    ),
    Case(
        "NoWorkers",
        "all is well and nothing is asked for",
        {WORKER: gauge(("10m", 1)), WORKERS: gauge(("10m", 1))},
        silent=("9m",),
    ),
    Case(
        "WorkerHung",
        "the loop has stopped turning",
        {HUNG: counter(("5m", 4), ("15m", 0))},
        silent=("4m45s", "7m45s"),
        fires=("8m", "15m"),
        says={"8m": "The worker at worker:9101 stands still"},
        labels={"job": "precis-worker", "instance": "worker:9101"},
    ),
    Case("WorkerHung", "the loop turns", {HUNG: counter(("20m", 4))}, silent=("1m", "19m")),
    Case(
        "WorkerHung",
        "an API process is quiet; that is another alert's",
        {HUNG.replace("precis-worker", "precis-api"): counter(("20m", 0))},
        silent=("10m",),
    ),
    Case("WorkerHung", "there is no worker", silent=("10m",)),
    Case(
        "TargetDown",
        "one of two workers is gone",
        {WORKER: gauge(("20m", 1)), OTHER: gauge(("5m", 1), ("15m", 0))},
        silent=("4m45s", "9m45s"),
        fires=("10m",),
        says={"10m": "precis-worker at other:9101 does not answer its metrics"},
        labels={"job": "precis-worker", "instance": "other:9101"},
    ),
    Case(
        "TargetDown",
        "all answer",
        {WORKER: gauge(("20m", 1)), API: gauge(("20m", 1))},
        silent=("15m",),
    ),
    Case("TargetDown", "there is no target", silent=("15m",)),
    Case("TargetDown", "it is none of ours", {'up{job="other"}': gauge(("20m", 0))}, silent=("15m",)),
    Case(
        "VersionsDiffer",
        "a roll-out has stopped half-way",
        {
            'precis_build_info{version="1",instance="a"}': gauge(("3h", 1)),
            'precis_build_info{version="1",instance="b"}': gauge(("30m", 1), ("2h30m", 0)),
            'precis_build_info{version="2",instance="b"}': "_x120 " + gauge(("2h30m", 1)),
        },
        silent=("29m", "1h29m45s"),
        fires=("1h30m",),
        says={"1h30m": "2 versions run beside each other: a roll-out is stuck"},
    ),
    Case(
        "VersionsDiffer",
        "many processes of one version",
        {f'precis_build_info{{version="1",instance="{name}"}}': gauge(("3h", 1)) for name in "abc"},
        silent=("2h59m",),
    ),
    Case("VersionsDiffer", "nothing runs", silent=("2h",)),
    Case(
        "RulesFailing",
        "a rule could not be evaluated once",
        {"prometheus_rule_evaluation_failures_total": gauge(("10m", 0), ("20m", 1))},
        silent=("9m45s", "15m15s"),
        fires=("10m", "14m45s"),
        says={"10m": "Prometheus cannot evaluate a rule: an alert may be blind"},
    ),
    Case(
        "RulesFailing",
        "in one of two groups",
        {
            'prometheus_rule_evaluation_failures_total{rule_group="a"}': gauge(("10m", 0), ("20m", 1)),
            'prometheus_rule_evaluation_failures_total{rule_group="b"}': gauge(("30m", 0)),
        },
        silent=("9m",),
        fires=("12m",),
    ),
    Case(
        "RulesFailing",
        "no failure",
        {"prometheus_rule_evaluation_failures_total": gauge(("30m", 3))},
        silent=("20m",),
    ),
    Case("RulesFailing", "no Prometheus", silent=("20m",)),
    Case("Watchdog", "always", fires=("0s", "1d"), says={"1h": "Alerting works"}, evaluated=60),
]
