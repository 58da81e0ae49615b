"""Who comes in, who is refused, and who tries too often."""

from deploy.grafana.model import Dashboard, Panel, Query, Row, Step
from deploy.grafana.promql import API, or_zero, rate, ratio

AUTH = "precis_auth_total"
REFUSED = 'outcome="refused"'
CHECKED, LIMITED = "precis_ratelimit_checked_total", "precis_ratelimit_refused_total"

CREDENTIALS = Row(
    "Credentials",
    [
        Panel(
            title="Accepted, by way in",
            means="Credentials accepted a second: logins, second factors, API keys, bearer tokens.",
            worry="bearer or api_key falls to nothing: a key ring or the database is unreadable.",
            unit="ops",
            queries=[Query(rate(AUTH, "action", where='outcome="accepted"'), "{{action}}")],
        ),
        Panel(
            title="Refused, by way in",
            means="Credentials refused a second.",
            worry="logins are refused more than five times a second: somebody guesses passwords.",
            unit="ops",
            queries=[Query(rate(AUTH, "action", where=REFUSED), "{{action}}")],
            steps=[Step(5, "red")],
            alerts=["LoginStorm"],
        ),
        Panel(
            title="Share of logins refused",
            means="Of the logins judged, so many were refused. People mistype: a few per cent are usual.",
            worry="it is over a half while there are many: stuffing with lists of stolen passwords.",
            unit="percentunit",
            queries=[
                Query(
                    ratio(rate(AUTH, where=f'action="login",{REFUSED}'), rate(AUTH, where='action="login"')),
                    "refused",
                )
            ],
            high=1,
            steps=[Step(0.5, "orange")],
            alerts=["LoginStorm"],
        ),
        Panel(
            title="Account locks",
            means="Locks after failed logins a second, by kind.",
            worry="they come in numbers: many accounts are tried, and their owners are kept out.",
            unit="ops",
            queries=[Query(or_zero(rate("precis_account_locks_total", "kind") + " > 0", "kind"), "{{kind}}")],
            width=12,
            alerts=["LoginStorm"],
        ),
        Panel(
            title="401, 403 and 429",
            means="Requests a second that were turned away: unknown, not allowed, too many.",
            worry="403 grows: a client was given too few scopes, or walks through what it may not see.",
            unit="reqps",
            queries=[
                Query(
                    or_zero(
                        rate("http_requests_total", "status", where=f'{API},status=~"401|403|429"') + " > 0",
                        "status",
                    ),
                    "{{status}}",
                )
            ],
            width=12,
        ),
    ],
)
LIMITS = Row(
    "Limits",
    [
        Panel(
            title="Checked, by limit",
            means="Checks of the rate limiter a second.",
            worry="it is 0 while requests come: the limiter is not asked any more.",
            unit="ops",
            queries=[Query(rate(CHECKED, "limit") + " > 0", "{{limit}}")],
        ),
        Panel(
            title="Refused, by limit",
            means="Requests a second refused with 429, by the limit that was reached.",
            worry="login or bad_credential leads: an attack; organization leads: a tenant outgrew its plan.",
            unit="ops",
            queries=[Query(or_zero(rate(LIMITED, "limit") + " > 0", "limit"), "{{limit}}")],
            stacked=True,
        ),
        Panel(
            title="Share refused",
            means="Of all checks, so many refused the request.",
            worry="it is over 10 %: clients do not heed Retry-After, or a limit is too tight.",
            unit="percentunit",
            queries=[Query(ratio(rate(LIMITED), rate(CHECKED)), "refused")],
            steps=[Step(0.1, "orange")],
        ),
        Panel(
            title="Limits counted by process alone",
            means="Checks a second that a process counted by itself, as Redis did not answer. Limits "
            "are then rougher, never off.",
            worry="it is not 0 for minutes.",
            unit="ops",
            queries=[Query(or_zero(rate("precis_ratelimit_degraded_total")), "checks")],
            width=12,
            alerts=["LimitsDegraded", "RedisDegraded"],
        ),
        Panel(
            title="Streams refused",
            means="Event streams and WebSockets refused a second, by the bound that was reached.",
            worry="process leads: more API processes; person leads: one client opens and never closes.",
            unit="ops",
            queries=[
                Query(or_zero(rate("precis_streams_refused_total", "bound") + " > 0", "bound"), "{{bound}}")
            ],
            width=12,
        ),
    ],
)
AUDIT = Row(
    "Audit log",
    [
        Panel(
            title="Entries, by action",
            means="The ten most frequent actions written to the audit log, a second.",
            worry="refusals or erasures lead, or a privileged action appears that nobody planned.",
            unit="ops",
            queries=[
                Query(
                    or_zero(f"topk(10, {rate('precis_audit_entries_total', 'action')} > 0)", "action"),
                    "{{action}}",
                )
            ],
            width=12,
        ),
        Panel(
            title="Not sealed yet",
            means="Entries that wait for their seal; the worker seals every few seconds.",
            worry="it stays over 10 for a quarter of an hour: sealing has stopped, and who can write the "
            "database could rewrite what is not sealed.",
            unit="short",
            queries=[Query("max(precis_audit_unsealed)", "entries")],
            width=6,
            steps=[Step(10, "orange")],
            alerts=["AuditNotSealed"],
        ),
        Panel(
            title="Sealed, and refusals dropped",
            means="Entries sealed a second, and refusals that were not counted as too many waited to be "
            "written.",
            worry="refusals are dropped: the log has a gap, and an attack is likely its cause.",
            unit="ops",
            queries=[
                Query(rate("precis_audit_sealed_total"), "sealed"),
                Query(or_zero(rate("precis_audit_refusals_dropped_total")), "refusals dropped"),
            ],
            width=6,
            alerts=["AuditNotSealed"],
        ),
    ],
)

DASHBOARD = Dashboard(
    name="auth",
    title="Auth and abuse",
    description="Who comes in, who is refused, and who tries too often.",
    rows=[CREDENTIALS, LIMITS, AUDIT],
    annotations=[Query('ALERTS{alertstate="firing",alertname="LoginStorm"}', "Alerts")],
)
