"""What the processes have left: event loop, connections, Redis, disk, and Prometheus itself."""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step, Variable
from deploy.grafana.promql import increase, or_zero, quantile, rate

HERE = 'job=~"precis-.*",instance=~"$instance"'
WAIT = "precis_db_pool_wait_seconds"
LAG = "precis_event_loop_lag_seconds"

PROCESSES = Row(
    "Processes",
    [
        Panel(
            title="Targets that answer",
            means="1 for each target that answers Prometheus; an API target is all its gunicorn's workers.",
            worry="one is 0 for two minutes.",
            unit="short",
            queries=[Query(f"up{{{HERE}}}", "{{job}} {{instance}}")],
            high=1,
            alerts=["TargetDown"],
        ),
        Panel(
            title="Event-loop lag, p99",
            means="By how much a timer of the event loop was late: whatever holds the loop delays every "
            "request of its process.",
            worry="it is over 100 ms for five minutes: something blocks, or the processors are full.",
            unit="s",
            queries=[Query(quantile(0.99, LAG, "job", where=HERE), "{{job}}")],
            steps=[Step(0.1, "red")],
            alerts=["EventLoopBlocked", "WorkerHung"],
        ),
        Panel(
            title="Processor of the workers",
            means="Seconds of processor time a second, by worker; the API's processes do not report theirs.",
            worry="it stays at the container's limit while the queue grows.",
            unit="none",
            queries=[Query(f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval])", "{{instance}}")],
        ),
        Panel(
            title="Memory of the workers",
            means="Resident memory by worker, without the children that extract.",
            worry="it grows from day to day, or nears the container's 2 GiB.",
            unit="bytes",
            queries=[Query(f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}")],
        ),
        Panel(
            title="Open files of the workers",
            means="Open file descriptors as a share of what the process may open.",
            worry="it grows without end: connections leak.",
            unit="percentunit",
            queries=[Query(f"process_open_fds{{{HERE}}} / process_max_fds{{{HERE}}}", "{{instance}}")],
            steps=[Step(0.8, "red")],
        ),
        Panel(
            title="Disk free",
            means="Free share of the disk that holds PRECIS_DATA_DIR, the fullest counts.",
            worry="it is under 10 %.",
            unit="percentunit",
            queries=[Query("min(precis_disk_free_share)", "free")],
            kind=Kind.NUMBER,
            high=1,
            base="red",
            steps=[Step(0.1, "orange"), Step(0.2, "green")],
            alerts=["DiskFilling"],
        ),
    ],
)
DATABASE = Row(
    "PostgreSQL, as we see it",
    [
        Panel(
            title="Wait for a connection",
            means="From asking the pool for a connection to having one, making a new one included.",
            worry="p99 is over 0.5 s: the pool is too small, or transactions are too long.",
            unit="s",
            queries=[Query(quantile(share, WAIT, where=HERE), f"p{share * 100:g}") for share in (0.5, 0.99)],
            steps=[Step(0.5, "red")],
            alerts=["PoolExhausted"],
        ),
        Panel(
            title="Connections in use",
            means="Connections that a transaction holds, of all processes of a job.",
            worry="it stays at DB_POOL_SIZE times the processes.",
            unit="short",
            queries=[Query(f"sum by (job) (precis_db_connections_in_use{{{HERE}}})", "{{job}}")],
            stacked=True,
            alerts=["PoolExhausted"],
        ),
        Panel(
            title="Failures",
            means="Failures a second: connect (unreachable), pool (none free in time), lost (broken while in "
            "use), read_only.",
            worry="it is not 0 for a minute: users get 503.",
            unit="ops",
            queries=[Query(or_zero(rate("precis_db_failures_total", "kind") + " > 0", "kind"), "{{kind}}")],
            alerts=["DatabaseUnreachable"],
        ),
    ],
)
REDIS = Row(
    "Redis, as we see it",
    [
        Panel(
            title="Failures",
            means="Failed calls a second: timeout, connection, refused (the server said no), busy (no slot "
            "here).",
            worry="busy grows: too many calls at once in one process; any other: Redis itself.",
            unit="ops",
            queries=[
                Query(or_zero(rate("precis_redis_failures_total", "kind") + " > 0", "kind"), "{{kind}}")
            ],
            width=12,
            alerts=["RedisDegraded"],
        ),
        Panel(
            title="Processes without Redis",
            means="Processes whose breaker is open: they read from the database and count limits alone.",
            worry="it is not 0 for two minutes. Nobody loses anything, everything is slower.",
            unit="short",
            queries=[Query(or_zero("sum(precis_redis_breaker_open)"), "open breakers")],
            width=12,
            steps=[Step(1, "red")],
            alerts=["RedisDegraded"],
        ),
    ],
)
WATCHING = Row(
    "Prometheus",
    [
        Panel(
            title="Series, by job",
            means="Series that the last scrape of each job brought. No tenant, user or URL is a label, so "
            "that it does not grow with them; 3,000 is what a test allows for an API.",
            worry="it grows with traffic: a label has become unbounded.",
            unit="short",
            queries=[Query("sum by (job) (scrape_samples_post_metric_relabeling)", "{{job}}")],
        ),
        Panel(
            title="Time of a scrape",
            means="How long the slowest target of each job takes to answer a scrape.",
            worry="it nears 5 s, where Prometheus gives up and the target counts as down.",
            unit="s",
            queries=[Query("max by (job) (scrape_duration_seconds)", "{{job}}")],
            steps=[Step(5, "red")],
            alerts=["TargetDown"],
        ),
        Panel(
            title="Rules that fail",
            means="Recording and alerting rules that Prometheus could not evaluate within the range shown.",
            worry="it is not 0: an alert may be blind.",
            unit="short",
            queries=[Query(increase("prometheus_rule_evaluation_failures_total"), "failures")],
            kind=Kind.NUMBER,
            steps=[Step(1, "red")],
            alerts=["RulesFailing"],
        ),
    ],
)

DASHBOARD = Dashboard(
    name="resources",
    title="Resources",
    description="What the processes have left: event loop, connections, Redis, disk.",
    rows=[PROCESSES, DATABASE, REDIS, WATCHING],
    variables=[Variable("instance", "Instance", 'up{job=~"precis-.*"}')],
)
