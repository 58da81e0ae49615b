"""When the alerts about the queue, its jobs and the logins are heard."""

from tests.deploy.alerts.cases_servers import waits
from tests.deploy.alerts.promtool import Case, counter, gauge

OLDEST = "precis_queue_oldest_seconds"
GIVEN_UP = 'precis_queue_jobs{state="failed",instance="a"}'
GIVEN_UP_TOO = 'precis_queue_jobs{state="failed",instance="b"}'
UNSEALED = "precis_audit_unsealed"
LAG = "precis_event_loop_lag_seconds"
LOGINS = 'precis_auth_total{action="login",outcome="refused",instance="a"}'
LOGINS_TOO = 'precis_auth_total{action="login",outcome="refused",instance="b"}'


def lags(job: str, *spans: tuple[str, float], instance: str = "a") -> dict[str, str]:
    """Such a share of the loop's turns is late by a tenth of a second to a quarter."""
    found = waits(*spans, series=LAG, slow="0.25", other=f'job="{job}",instance="{instance}",')
    return {name.replace('le="0.5"', 'le="0.1"'): values for name, values in found.items()}


CASES = [
    Case(
        "QueueStuck",
        "the oldest job waits for over two minutes",
        {OLDEST: gauge(("5m", 0), ("15m", 121))},
        silent=("4m45s", "9m45s"),
        fires=("10m",),
        says={"10m": "The oldest job has waited for 2m 1s"},
    ),
    Case(
        "QueueStuck",
        "every worker tells of the same queue",
        {f'{OLDEST}{{instance="a"}}': gauge(("20m", 119)), f'{OLDEST}{{instance="b"}}': gauge(("20m", 119))},
        silent=("15m",),
    ),
    Case(
        "QueueStuck",
        "one of two workers has looked",
        {f'{OLDEST}{{instance="a"}}': gauge(("20m", 130)), f'{OLDEST}{{instance="b"}}': gauge(("20m", 0))},
        fires=("15m",),
    ),
    Case("QueueStuck", "nothing waits", {OLDEST: gauge(("20m", 0))}, silent=("15m",)),
    Case("QueueStuck", "no worker", silent=("15m",)),
    Case(
        "JobsGivenUp",
        "six within an hour, then none",
        {GIVEN_UP: gauge(("90m", 100), ("3h", 106))},
        silent=("1h29m", "2h30m15s"),
        fires=("1h30m", "2h29m45s"),
        says={"1h30m": "6 jobs were given up within an hour"},
        evaluated=60,
    ),
    Case(
        "JobsGivenUp",
        "five",
        {GIVEN_UP: gauge(("90m", 100), ("3h", 105))},
        silent=("1h30m", "2h"),
        evaluated=60,
    ),
    Case(
        "JobsGivenUp",
        "every worker tells of the same ones",
        {name: gauge(("90m", 0), ("3h", 4)) for name in (GIVEN_UP, GIVEN_UP_TOO)},
        silent=("1h35m",),
        evaluated=60,
    ),
    Case(
        "JobsGivenUp",
        "a worker that has come meanwhile",
        {GIVEN_UP: gauge(("90m", 0), ("3h", 8)), GIVEN_UP_TOO: "_x400 " + gauge(("2h", 8))},
        fires=("2h",),
        evaluated=60,
    ),
    Case(
        "JobsGivenUp",
        "many wait, as they do",
        {
            GIVEN_UP: gauge(("3h", 100)),
            GIVEN_UP.replace("failed", "waiting"): gauge(("90m", 0), ("90m", 900)),
        },
        silent=("1h31m", "2h"),
        evaluated=60,
    ),
    Case("JobsGivenUp", "no worker", silent=("2h",), evaluated=60),
    Case(
        "AuditNotSealed",
        "they stay",
        {
            f'{UNSEALED}{{instance="a"}}': gauge(("30m", 0), ("1h", 11)),
            f'{UNSEALED}{{instance="b"}}': gauge(("90m", 0)),
        },
        silent=("44m", "49m45s"),
        fires=("50m30s",),
        says={"51m": "11 audit entries stay unsealed: sealing has stopped, or somebody changed the log"},
    ),
    Case("AuditNotSealed", "ten", {UNSEALED: gauge(("90m", 10))}, silent=("80m",)),
    Case(
        "AuditNotSealed",
        "every worker tells of the same ones",
        {f'{UNSEALED}{{instance="a"}}': gauge(("90m", 6)), f'{UNSEALED}{{instance="b"}}': gauge(("90m", 6))},
        silent=("80m",),
    ),
    Case(
        "AuditNotSealed",
        "many come and go",
        {UNSEALED: " ".join(gauge(("14m", 500), ("15s", 0)) for _ in range(6))},
        silent=("20m", "40m", "80m"),
    ),
    Case("AuditNotSealed", "nothing is written", {UNSEALED: gauge(("90m", 0))}, silent=("80m",)),
    Case("AuditNotSealed", "no worker", silent=("80m",)),
    Case(
        "EventLoopBlocked",
        "in the API and not in the worker",
        lags("precis-api", ("20m", 0.0103)) | lags("precis-worker", ("20m", 0)),
        silent=("5m",),
        fires=("5m15s", "15m"),
        says={"15m": "precis-api: something holds the event loop for 104.4ms"},
        labels={"job": "precis-api"},
    ),
    Case("EventLoopBlocked", "a little less than that", lags("precis-api", ("20m", 0.0097)), silent=("15m",)),
    Case(
        "EventLoopBlocked",
        "a rush is forgotten five minutes after its end",
        lags("precis-api", ("10m", 0), ("10m", 0.5), ("20m", 0)),
        fires=("20m", "24m45s"),
        silent=("15m", "25m15s"),
    ),
    Case(
        "EventLoopBlocked",
        "in one of two processes, and so in both together",
        lags("precis-api", ("20m", 0.03)) | lags("precis-api", ("20m", 0), instance="b"),
        fires=("15m",),
    ),
    Case("EventLoopBlocked", "no process", silent=("15m",)),
    Case(
        "LoginStorm",
        "over five a second",
        {LOGINS: counter(("10m", 0), ("30m", 50)), LOGINS_TOO: counter(("40m", 0.1))},
        silent=("10m", "15m15s"),
        fires=("15m45s",),
        says={"20m": "50.1 logins a second are refused: somebody guesses"},
    ),
    Case(
        "LoginStorm",
        "just enough",
        {LOGINS: counter(("30m", 2.7)), LOGINS_TOO: counter(("30m", 2.7))},
        fires=("20m",),
    ),
    Case("LoginStorm", "just too few", {LOGINS: counter(("30m", 4.6))}, silent=("20m",)),
    Case(
        "LoginStorm",
        "it ends",
        {LOGINS: counter(("10m", 10), ("30m", 0))},
        fires=("12m",),
        silent=("12m45s",),
    ),
    Case(
        "LoginStorm",
        "many who may log in, and many wrong keys",
        {
            LOGINS.replace("refused", "accepted"): counter(("30m", 50)),
            LOGINS.replace("login", "api_key"): counter(("30m", 50)),
            LOGINS: counter(("30m", 0.1)),
        },
        silent=("20m",),
    ),
    Case("LoginStorm", "nobody comes", {LOGINS: gauge(("30m", 70))}, silent=("20m",)),
    Case("LoginStorm", "no process", silent=("20m",)),
]
