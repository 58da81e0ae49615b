"""When the alerts about PostgreSQL, Redis and the disk are heard."""

from tests.deploy.alerts.promtool import Case, counter, gauge, jump

FAILURES = 'precis_db_failures_total{job="precis-api",kind="connect"}'
LOST = 'precis_db_failures_total{job="precis-worker",kind="lost"}'
BREAKER = "precis_redis_breaker_open"
REFUSED = 'precis_redis_failures_total{kind="refused",job="precis-api"}'
REFUSED_THERE = 'precis_redis_failures_total{kind="refused",job="precis-worker"}'
DEGRADED = 'precis_ratelimit_degraded_total{instance="a"}'
DEGRADED_THERE = 'precis_ratelimit_degraded_total{instance="b"}'
DEAF = "precis_announcements_deaf"
DISK = "precis_disk_free_share"


POOL = "precis_db_pool_wait_seconds"


def waits(
    *spans: tuple[str, float], series: str = POOL, slow: str = "1.0", other: str = ""
) -> dict[str, str]:
    """Ten a second; such a share takes from half a second to a whole one."""
    quick = counter(*((lasting, 10 * (1 - share)) for lasting, share in spans))
    everything = counter(*((lasting, 10) for lasting, _ in spans))
    return {
        f'{series}_bucket{{{other}le="0.5"}}': quick,
        f'{series}_bucket{{{other}le="{slow}"}}': everything,
        f'{series}_bucket{{{other}le="+Inf"}}': everything,
    }


CASES = [
    Case(
        "DatabaseUnreachable",
        "five failures within two minutes, and then none",
        {FAILURES: jump("5m", 5, lasting="15m")},
        silent=("5m45s", "7m"),
        fires=("6m",),
        says={"6m": "PostgreSQL refuses, or does not answer, or has no connection left: users get 503"},
    ),
    Case(
        "DatabaseUnreachable",
        "four are an accident",
        {FAILURES: jump("5m", 4, lasting="15m")},
        silent=("6m", "7m"),
    ),
    Case(
        "DatabaseUnreachable",
        "API and worker together",
        {FAILURES: counter(("15m", 0.03)), LOST: counter(("15m", 0.03))},
        fires=("10m",),
    ),
    Case("DatabaseUnreachable", "no failure", {FAILURES: gauge(("15m", 100))}, silent=("1m", "10m")),
    Case("DatabaseUnreachable", "no process", silent=("10m",)),
    Case(
        "PoolExhausted",
        "a little over one in a hundred waits for over half a second",
        waits(("20m", 0.0103)),
        silent=("5m",),
        fires=("5m15s", "15m"),
        says={"15m": "One request in a hundred waits 514.6ms for a database connection"},
    ),
    Case("PoolExhausted", "a little under one in a hundred", waits(("20m", 0.0097)), silent=("6m", "15m")),
    Case(
        "PoolExhausted",
        "a rush is forgotten five minutes after its end",
        waits(("10m", 0), ("10m", 0.5), ("20m", 0)),
        fires=("20m", "24m45s"),
        silent=("15m", "25m15s"),
    ),
    Case(
        "PoolExhausted",
        "in one of two processes, and so in both together",
        waits(("20m", 0.03)) | waits(("20m", 0), other='instance="b",'),
        fires=("15m",),
    ),
    Case("PoolExhausted", "nobody asks", waits(("1m", 0.5)), silent=("15m",)),
    Case("PoolExhausted", "no process", silent=("15m",)),
    Case(
        "RedisDegraded",
        "one process of two has given up on Redis",
        {f'{BREAKER}{{job="a"}}': gauge(("5m", 0), ("15m", 1)), f'{BREAKER}{{job="b"}}': gauge(("20m", 0))},
        silent=("4m45s", "6m45s"),
        fires=("7m",),
        says={
            "7m": "Redis does not answer or refuses writes: slower, and limits are counted by each process"
        },
    ),
    Case(
        "RedisDegraded",
        "it answers, and refuses what would be written",
        {
            BREAKER: gauge(("20m", 0)),
            REFUSED: counter(("20m", 0.053)),
            REFUSED_THERE: counter(("20m", 0.053)),
        },
        fires=("15m",),
    ),
    Case(
        "RedisDegraded",
        "it refuses now and then",
        {BREAKER: gauge(("20m", 0)), REFUSED: counter(("20m", 0.095))},
        silent=("15m",),
    ),
    Case(
        "RedisDegraded",
        "a minute's refusals are forgotten after five",
        {BREAKER: gauge(("30m", 0)), REFUSED: counter(("10m", 0), ("1m", 1), ("19m", 0))},
        fires=("15m",),
        silent=("16m15s",),
    ),
    Case(
        "RedisDegraded",
        "calls time out now and then",
        {BREAKER: gauge(("20m", 0)), REFUSED.replace("refused", "timeout"): counter(("20m", 1))},
        silent=("15m",),
    ),
    Case("RedisDegraded", "nobody asks", {BREAKER: gauge(("20m", 0))}, silent=("15m",)),
    Case("RedisDegraded", "no process", silent=("15m",)),
    Case(
        "LimitsDegraded",
        "two processes count by themselves",
        {DEGRADED: counter(("10m", 0), ("20m", 2)), DEGRADED_THERE: counter(("30m", 0.05))},
        silent=("9m", "15m"),
        fires=("15m30s",),
        says={"20m": "2.05 rate limits a second are counted by one process alone"},
    ),
    Case(
        "LimitsDegraded",
        "together just enough",
        {DEGRADED: counter(("20m", 0.053)), DEGRADED_THERE: counter(("20m", 0.053))},
        fires=("15m",),
    ),
    Case("LimitsDegraded", "now and then", {DEGRADED: counter(("20m", 0.095))}, silent=("15m",)),
    Case(
        "LimitsDegraded",
        "a rush is forgotten five minutes after its end",
        {DEGRADED: counter(("10m", 1), ("20m", 0))},
        fires=("14m15s",),
        silent=("15m15s",),
    ),
    Case("LimitsDegraded", "nobody asks", {DEGRADED: gauge(("20m", 50))}, silent=("15m",)),
    Case("LimitsDegraded", "no process", silent=("15m",)),
    Case(
        "AnnouncementsDeaf",
        "one process of two hears nothing",
        {f'{DEAF}{{job="a"}}': gauge(("5m", 0), ("15m", 1)), f'{DEAF}{{job="b"}}': gauge(("20m", 0))},
        silent=("9m45s",),
        fires=("10m",),
        says={"10m": "1 processes hear no announcements: progress is shown late"},
    ),
    Case(
        "AnnouncementsDeaf",
        "two are named as two",
        {f'{DEAF}{{job="a"}}': gauge(("20m", 1)), f'{DEAF}{{job="b"}}': gauge(("20m", 1))},
        says={"10m": "2 processes hear no announcements: progress is shown late"},
    ),
    Case("AnnouncementsDeaf", "all hear, or nobody listens", {DEAF: gauge(("20m", 0))}, silent=("15m",)),
    Case("AnnouncementsDeaf", "no process", silent=("15m",)),
    Case(
        "DiskFilling",
        "on one machine of two",
        {
            f'{DISK}{{instance="a"}}': gauge(("5m", 0.5), ("25m", 0.095)),
            f'{DISK}{{instance="b"}}': gauge(("30m", 0.5)),
        },
        silent=("4m45s", "14m45s"),
        fires=("15m",),
        says={"15m": "9.5% of the data directory's disk is free"},
    ),
    Case("DiskFilling", "a little more is free", {DISK: gauge(("30m", 0.105))}, silent=("29m",)),
    Case("DiskFilling", "no process", silent=("29m",)),
]
