"""The product: what is asked for, what becomes of it, where its time goes."""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step
from deploy.grafana.promql import or_zero, quantile, rate, ratio

FINISHED = "precis_summaries_finished_total"
FRESHNESS = "precis_summary_freshness_seconds"
FETCH = "precis_fetch_seconds"
CACHE = "precis_cache_reads_total"

OUTCOMES = Row(
    "What becomes of them",
    [
        Panel(
            title="Asked for, by source",
            means="Summaries a second that were accepted, by what was sent: url, text, html, file.",
            worry="one source grows out of proportion: one tenant imports, or a client repeats itself.",
            unit="ops",
            queries=[Query(rate("precis_summaries_submitted_total", "source"), "{{source}}")],
            stacked=True,
        ),
        Panel(
            title="Finished, by outcome",
            means="Summaries a second that are over: ready, failed, cancelled.",
            worry="failed comes near ready for longer than one bad import lasts.",
            unit="ops",
            queries=[Query(rate(FINISHED, "outcome"), "{{outcome}}")],
            alerts=["SuccessBurnPage"],
        ),
        Panel(
            title="Failed, by reason",
            means="Failures a second by their code. internal and provider_error are our own fault and count "
            "against the objective; the rest are the pages' and the senders'.",
            worry="internal or provider_error is not 0, or blocked_address jumps: somebody probes us.",
            unit="ops",
            queries=[
                Query(
                    or_zero(rate(FINISHED, "reason", where='outcome="failed"') + " > 0", "reason"),
                    "{{reason}}",
                )
            ],
            stacked=True,
            alerts=["SuccessBurnPage"],
        ),
    ],
)
TIME = Row(
    "Where the time goes",
    [
        Panel(
            title="From asking to finished",
            means="The time from the request to the end of the job, the wait in the queue included.",
            worry="p95 is over 30 s, the objective: more workers, or a slow stage on the right.",
            unit="s",
            queries=[Query(quantile(share, FRESHNESS), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)],
            steps=[Step(30, "red")],
            alerts=["FreshnessBurnPage"],
        ),
        Panel(
            title="Finished within 30 s",
            means="The share of summaries that were finished within 30 s of being asked for.",
            worry="it is under 95 %, the objective.",
            unit="percentunit",
            queries=[
                Query(
                    ratio(rate(f"{FRESHNESS}_bucket", where='le="30.0"'), rate(f"{FRESHNESS}_count")),
                    "within 30 s",
                )
            ],
            high=1,
            base="red",
            steps=[Step(0.95, "green")],
            alerts=["FreshnessBurnPage"],
        ),
        Panel(
            title="Stages, p95",
            means="How long each stage of a job takes, at its 95th percentile.",
            worry="fetching grows: slow origins; extracting or summarising grows: our processors are full.",
            unit="s",
            queries=[Query(quantile(0.95, "precis_summary_stage_seconds", "stage") + " > 0", "{{stage}}")],
        ),
    ],
)
FETCHES = Row(
    "Fetching",
    [
        Panel(
            title="Fetches, by outcome",
            means="Pages fetched a second, by what came of it.",
            worry="one failure takes over: dns or connect for all hosts at once is our own network.",
            unit="ops",
            queries=[
                Query(or_zero(rate("precis_fetches_total", "outcome") + " > 0", "outcome"), "{{outcome}}")
            ],
            stacked=True,
            alerts=["FetchesFailing"],
        ),
        Panel(
            title="Fetch time",
            means="How long a fetch takes, redirects and the page's body included.",
            worry="p95 nears 15 s, where fetches are given up.",
            unit="s",
            queries=[Query(quantile(share, FETCH), f"p{share * 100:g}") for share in (0.5, 0.95)],
        ),
        Panel(
            title="Paced alone",
            means="Turns at other people's servers that a worker took by its own count, as Redis did not "
            "answer.",
            worry="it is not 0: several workers together may then be faster than we promise.",
            unit="ops",
            queries=[Query(or_zero(rate("precis_pace_degraded_total")), "turns")],
            alerts=["RedisDegraded"],
        ),
    ],
)
READS = Row(
    "Reading",
    [
        Panel(
            title="Cache reads, by outcome",
            means="Reads of single summaries through the cache, a second.",
            worry="outcomes other than hit and miss stay: Redis is slow or gone.",
            unit="ops",
            queries=[Query(rate(CACHE, "outcome"), "{{outcome}}")],
            stacked=True,
            alerts=["RedisDegraded"],
        ),
        Panel(
            title="Cache hits",
            means="The share of reads that cost no SQL.",
            worry="it falls to 0 while reads go on: the cache is emptied or its epoch renewed all the time.",
            unit="percentunit",
            queries=[Query(ratio(rate(CACHE, where='outcome="hit"'), rate(CACHE)), "hits")],
            kind=Kind.NUMBER,
            width=4,
            high=1,
            base="blue",
        ),
        Panel(
            title="Cache troubles",
            means="Bodies that Redis did not take, and invalidations that it lost, each of which renews the "
            "cache's epoch.",
            worry="lost invalidations go on: every one of them empties the cache for everybody.",
            unit="ops",
            queries=[
                Query(or_zero(rate("precis_cache_not_stored_total")), "not stored"),
                Query(or_zero(rate("precis_cache_lost_invalidations_total")), "lost invalidations"),
            ],
            width=6,
            alerts=["RedisDegraded"],
        ),
        Panel(
            title="Open streams",
            means="Event streams and WebSockets that are open.",
            worry="it stays at the bound of a process (streams are refused, under Auth and abuse).",
            unit="short",
            queries=[Query(or_zero("sum by (kind) (precis_streams_open)", "kind"), "{{kind}}")],
            width=6,
        ),
    ],
)

DASHBOARD = Dashboard(
    name="summaries",
    title="Summaries",
    description="What is asked for, what becomes of it, where its time goes.",
    rows=[OUTCOMES, TIME, FETCHES, READS],
)
