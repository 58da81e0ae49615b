"""Work that waits, work that runs, and telling the tenants of it."""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step
from deploy.grafana.promql import or_zero, quantile, rate, ratio

JOBS = "precis_jobs_total"
TRIES = "precis_webhook_tries_total"

QUEUE = Row(
    "Queue",
    [
        Panel(
            title="Jobs, by state",
            means="Waiting, running and failed jobs of all tasks. The waiting include what is put off on "
            "purpose, such as the next try of a webhook.",
            worry="waiting grows, and the oldest due job too: more workers; failed grows: read why first.",
            unit="short",
            queries=[Query("max by (state) (precis_queue_jobs)", "{{state}}")],
            alerts=["QueueStuck", "JobsGivenUp"],
        ),
        Panel(
            title="Oldest due job",
            means="How long the longest due job has waited.",
            worry="it is over 120 s for five minutes: workers are gone, full or stuck.",
            unit="s",
            queries=[Query("max(precis_queue_oldest_seconds)", "oldest")],
            steps=[Step(30, "orange"), Step(120, "red")],
            alerts=["QueueStuck"],
        ),
        Panel(
            title="Workers with a heartbeat",
            means="Workers whose heartbeat in the database is younger than 30 s. Each process is two: "
            "one for summaries and upkeep, one for webhooks.",
            worry="it is 0: nothing is summarised, sent or sealed. Or fewer than were started.",
            unit="short",
            queries=[Query("max(precis_queue_workers)", "workers")],
            kind=Kind.NUMBER,
            base="red",
            steps=[Step(1, "green")],
            alerts=["NoWorkers"],
        ),
    ],
)
JOB_ROW = Row(
    "Jobs",
    [
        Panel(
            title="Tries, by task",
            means="Tries of jobs a second.",
            worry="one task runs without end: jobs that fail at once and come back.",
            unit="ops",
            queries=[Query(rate(JOBS, "task") + " > 0", "{{task}}")],
            stacked=True,
        ),
        Panel(
            title="Tries that did not end well",
            means="Tries a second that ended in an error or were cancelled; an error is tried again, at last "
            "given up.",
            worry="errors of one task go on: it will be given up, and its users see a failure.",
            unit="ops",
            queries=[
                Query(
                    or_zero(rate(JOBS, "task", "outcome", where='outcome!="done"') + " > 0", "task"),
                    "{{task}} {{outcome}}",
                )
            ],
            alerts=["JobsGivenUp", "MailFailing"],
        ),
        Panel(
            title="Time of a try, p95",
            means="How long one try takes, by task.",
            worry="summarise nears 130 s, where a job is stopped.",
            unit="s",
            queries=[Query(quantile(0.95, "precis_job_seconds", "task") + " > 0", "{{task}}")],
        ),
        Panel(
            title="Running now",
            means="Jobs that run at this moment, of all workers.",
            worry="it stays at the workers' concurrency while the queue grows.",
            unit="short",
            queries=[Query("sum by (task) (precis_jobs_running)", "{{task}}")],
            width=12,
            stacked=True,
        ),
        Panel(
            title="Announcements",
            means="Messages that Redis did not take, messages that were none of ours, and processes that "
            "listen without a connection: streams then ask the database instead.",
            worry="deaf processes stay: streams still work, later, and the database pays.",
            unit="short",
            queries=[
                Query(or_zero(rate("precis_announcements_lost_total")), "lost a second"),
                Query(or_zero(rate("precis_announcements_misread_total")), "misread a second"),
                Query(or_zero("sum(precis_announcements_deaf)"), "deaf processes"),
            ],
            width=12,
            alerts=["AnnouncementsDeaf", "RedisDegraded"],
        ),
    ],
)
WEBHOOKS = Row(
    "Webhooks",
    [
        Panel(
            title="Tries, by outcome",
            means="Tries to deliver an event a second: delivered, or why not.",
            worry="timeout or connect leads for all tenants at once: our own way out is shut.",
            unit="ops",
            queries=[Query(or_zero(rate(TRIES, "outcome") + " > 0", "outcome"), "{{outcome}}")],
            stacked=True,
            alerts=["WebhooksFailing"],
        ),
        Panel(
            title="Share delivered",
            means="Of all tries, so many were taken by the endpoint.",
            worry="it is under a half: either we cannot send, or a large tenant's endpoint is down.",
            unit="percentunit",
            queries=[Query(ratio(rate(TRIES, where='outcome="delivered"'), rate(TRIES)), "delivered")],
            high=1,
            base="red",
            steps=[Step(0.5, "green")],
            alerts=["WebhooksFailing"],
        ),
        Panel(
            title="Switched off",
            means="Webhooks that were switched off within the range shown, by reason. Owners get a mail.",
            worry="failing jumps: endpoints of many tenants failed together, which points at us.",
            unit="short",
            queries=[
                Query(
                    or_zero(
                        "sum by (reason) (increase(precis_webhooks_disabled_total[$__range])) > 0", "reason"
                    ),
                    "{{reason}}",
                )
            ],
            kind=Kind.NUMBER,
            base="blue",
        ),
    ],
)

DASHBOARD = Dashboard(
    name="queue",
    title="Queue and webhooks",
    description="Work that waits, work that runs, and telling the tenants of it.",
    rows=[QUEUE, JOB_ROW, WEBHOOKS],
)
