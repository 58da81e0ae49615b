"""Is it up, is it fast, does the work get done: the page to open first."""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step, Variable
from deploy.grafana.promql import API, or_zero, quantile, rate, ratio

HERE = f'{API},handler=~"$handler"'
REQUESTS = "http_requests_total"

NOW = Row(
    "Now",
    [
        Panel(
            title="Availability, 1 h",
            means="Requests of the last hour that were not answered 5xx.",
            worry="it is under 99.9 %: the objective is being missed.",
            unit="percentunit",
            queries=[Query("1 - precis:availability:error_share_1h", "availability")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
            low=None,
            high=1,
            base="red",
            steps=[Step(0.99, "orange"), Step(0.999, "green")],
            alerts=["AvailabilityBurnPage"],
        ),
        Panel(
            title="Requests",
            means="Requests a second, probes and scrapes left out.",
            worry="it falls to nothing at an hour when people work: something in front of us is down.",
            unit="reqps",
            queries=[Query(rate(REQUESTS, where=API), "requests")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
        ),
        Panel(
            title="Latency, p95",
            means="95 of 100 requests are answered within this time; streams count until they begin. "
            "Requests that wait for their summary on purpose are in it.",
            worry="it stays over 250 ms, the objective, and the SLO dashboard agrees.",
            unit="s",
            queries=[Query(quantile(0.95, "http_request_duration_highr_seconds", where=API), "p95")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
            steps=[Step(0.25, "orange"), Step(1, "red")],
            alerts=["LatencyBurnPage"],
        ),
        Panel(
            title="Oldest job",
            means="How long the longest due job has waited for a worker.",
            worry="it is over 30 s, the objective of freshness; over 120 s somebody is called.",
            unit="s",
            queries=[Query("max(precis_queue_oldest_seconds)", "oldest")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
            steps=[Step(30, "orange"), Step(120, "red")],
            alerts=["QueueStuck"],
        ),
        Panel(
            title="Processes that answer",
            means="Share of the API's and the workers' scrape targets that answer.",
            worry="it is under 100 %: a process is gone or hangs.",
            unit="percentunit",
            queries=[Query('avg(up{job=~"precis-.*"})', "up")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
            high=1,
            base="red",
            steps=[Step(1, "green")],
            alerts=["ApiDown", "TargetDown"],
        ),
        Panel(
            title="Alerts that fire",
            means="Pages and tickets that fire at present; the dead-man's alert is left out.",
            worry="it is not 0: the alert's name is on the annotations below, its runbook says what to do.",
            unit="short",
            queries=[Query(or_zero('count(ALERTS{alertstate="firing",severity=~"page|ticket"})'), "alerts")],
            kind=Kind.NUMBER,
            width=4,
            height=4,
            steps=[Step(1, "red")],
        ),
    ],
)
TRAFFIC = Row(
    "Requests",
    [
        Panel(
            title="Requests by status",
            means="Answers a second by status code, of the chosen handlers.",
            worry="a 5xx has a line of its own, or 4xx grow without the rest: a client or an attacker.",
            unit="reqps",
            queries=[Query(rate(REQUESTS, "status", where=HERE), "{{status}}")],
            stacked=True,
            alerts=["AvailabilityBurnPage"],
        ),
        Panel(
            title="Share of errors",
            means="Answers of 5xx (ours) and 4xx (the clients') in all, of the chosen handlers.",
            worry="5xx stays over 0.1 %, or 4xx jumps right after a deployment: we broke a contract.",
            unit="percentunit",
            queries=[
                Query(
                    ratio(rate(REQUESTS, where=f'{HERE},status=~"{group}.."'), rate(REQUESTS, where=HERE)),
                    f"{group}xx",
                )
                for group in (5, 4)
            ],
            steps=[Step(0.001, "red")],
            alerts=["AvailabilityBurnPage"],
        ),
        Panel(
            title="Latency",
            means="The time until an answer begins, of all handlers, at three quantiles.",
            worry="p99 leaves p50 far behind: look at pool wait and event-loop lag under Resources.",
            unit="s",
            queries=[
                Query(quantile(share, "http_request_duration_highr_seconds", where=API), f"p{share * 100:g}")
                for share in (0.5, 0.95, 0.99)
            ],
            steps=[Step(0.25, "red")],
            alerts=["LatencyBurnPage"],
        ),
        Panel(
            title="Busiest handlers",
            means="Requests a second of the ten busiest route templates.",
            worry="one grows alone: a client in a loop, or a crawler.",
            unit="reqps",
            queries=[
                Query(
                    f"topk(10, {rate(REQUESTS, 'method', 'handler', where=HERE)})", "{{method}} {{handler}}"
                )
            ],
        ),
        Panel(
            title="Slowest handlers, p95",
            means="The ten route templates with the highest p95. Coarse buckets: a hint, not a measurement.",
            worry="a read is over 250 ms. POST to summaries may take 15 s where the client asked to wait.",
            unit="s",
            queries=[
                Query(
                    "topk(10, "
                    + quantile(0.95, "http_request_duration_seconds", "method", "handler", where=HERE)
                    + " > 0)",
                    "{{method}} {{handler}}",
                )
            ],
            steps=[Step(0.25, "red")],
        ),
        Panel(
            title="Bytes in and out",
            means="Bodies received and sent, a second.",
            worry="what goes out grows without requests growing: somebody exports in a loop.",
            unit="Bps",
            queries=[
                Query(rate("http_request_size_bytes_sum", where=HERE), "received"),
                Query(rate("http_response_size_bytes_sum", where=HERE), "sent"),
            ],
        ),
    ],
)
WORK = Row(
    "Work",
    [
        Panel(
            title="Summaries asked for and finished",
            means="Summaries a second: asked for, and finished by outcome.",
            worry="what is asked for stays above what is finished: the queue grows.",
            unit="ops",
            queries=[
                Query(or_zero(rate("precis_summaries_submitted_total")), "asked for"),
                Query(rate("precis_summaries_finished_total", "outcome"), "{{outcome}}"),
            ],
            alerts=["QueueStuck"],
        ),
        Panel(
            title="Queue",
            means="Jobs by state; each worker reports the whole queue, the highest report counts.",
            worry="waiting grows for minutes on end, or failed grows at all.",
            unit="short",
            queries=[Query("max by (state) (precis_queue_jobs)", "{{state}}")],
            alerts=["QueueStuck", "JobsGivenUp"],
        ),
        Panel(
            title="Versions that run",
            means="Scrape targets by the version of the code they run.",
            worry="two versions stay side by side for longer than a deployment takes.",
            unit="short",
            queries=[Query("count by (version) (precis_build_info)", "{{version}}")],
            alerts=["VersionsDiffer"],
        ),
    ],
)

DASHBOARD = Dashboard(
    name="overview",
    title="Overview",
    description="Is it up, is it fast, does the work get done.",
    rows=[NOW, TRAFFIC, WORK],
    variables=[Variable("handler", "Handler", REQUESTS)],
    annotations=[
        Query('ALERTS{alertstate="firing",severity=~"page|ticket"}', "Alerts"),
        Query(
            "count by (version) (precis_build_info) unless count by (version) (precis_build_info offset 5m)",
            "New version",
        ),
    ],
)
