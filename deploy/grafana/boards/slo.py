"""The objectives: what is left of each month's budget, and how fast it is being spent.

The promises stand in deploy/prometheus/objectives.py, which also makes the rules that are read here.
"""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step
from deploy.prometheus.objectives import BURNS, OBJECTIVES, Objective

WINDOWS = ("5m", "30m", "1h", "6h", "3d")
PAGE, TICKET = BURNS
(_, _, FAST), (_, _, SLOW) = PAGE.pairs
LASTING = TICKET.pairs[-1][2]


def _recorded(objective: Objective, what: str) -> str:
    return f"precis:{objective.name}:{what}"


def _alerts(objective: Objective) -> list[str]:
    return [f"{objective.name.capitalize()}Burn{burn.severity.capitalize()}" for burn in BURNS]


def _left(objective: Objective) -> str:
    wrong, all_of_them = (
        f"avg_over_time({_recorded(objective, f'{what}_rate_5m')}[30d])" for what in ("error", "event")
    )
    return f"1 - ({wrong} / ({all_of_them} > 0) or vector(0)) / {objective.budget}"


def _budget(objective: Objective) -> Panel:
    return Panel(
        title="Budget left, 30 days",
        means=f"{objective.promise}: of the {objective.budget:.1%} that may go wrong in 30 days, so much is "
        "left. Each request or summary weighs the same. Below 0 the promise is broken. Where Prometheus has "
        "kept less than 30 days, it is of what it has.",
        worry="it is under 25 %: no risky deployments until it has grown again; at 0 nothing but repairs.",
        unit="percentunit",
        queries=[Query(_left(objective), "left")],
        kind=Kind.NUMBER,
        width=4,
        low=None,
        high=1,
        base="red",
        steps=[Step(0.0, "orange"), Step(0.25, "green")],
        alerts=_alerts(objective),
    )


def _kept(objective: Objective) -> Panel:
    return Panel(
        title="Kept, last day",
        means=f"{objective.promise}: the share that kept to it over the last day.",
        worry=f"it is under {1 - objective.budget:.1%}: the day has cost more than its part of the budget.",
        unit="percentunit",
        queries=[Query(f"1 - {_recorded(objective, 'error_share_1d')}", "kept")],
        kind=Kind.NUMBER,
        width=4,
        low=None,
        high=1,
        base="red",
        steps=[
            Step(round(1 - 3 * objective.budget, 4), "orange"),
            Step(round(1 - objective.budget, 4), "green"),
        ],
        alerts=_alerts(objective),
    )


def _errors(objective: Objective) -> Panel:
    return Panel(
        title="Share that goes wrong",
        means=f"The share {objective.complaint}, over the last five minutes and the last hour; the line is "
        "what the objective lets pass.",
        worry="the hour's share stays above the line. A short peak is what budgets are for.",
        unit="percentunit",
        queries=[
            Query(_recorded(objective, f"error_share_{window}"), f"over {window}") for window in ("5m", "1h")
        ],
        steps=[Step(objective.budget, "red")],
        alerts=_alerts(objective),
    )


def _burn(objective: Objective) -> Panel:
    return Panel(
        title="Burn rate",
        means="How many times faster than allowed the budget is being spent, by window. At 1 it lasts for 30 "
        f"days exactly; at {FAST:g} an hour costs 2 % of it.",
        worry=f"1h and 5m are over {FAST:g}, or 6h and 30m over {SLOW:g}: somebody is called. 3d and 6h over "
        f"{LASTING:g} is a ticket.",
        unit="none",
        queries=[
            Query(f"{_recorded(objective, f'error_share_{window}')} / {objective.budget}", f"over {window}")
            for window in WINDOWS
        ],
        steps=[Step(LASTING, "yellow"), Step(SLOW, "orange"), Step(FAST, "red")],
        alerts=_alerts(objective),
    )


DASHBOARD = Dashboard(
    name="slo",
    title="Service-level objectives",
    description="What was promised, what is left of each month's budget, how fast it is being spent.",
    rows=[
        Row(
            f"{objective.name.capitalize()}: {objective.promise}",
            [_budget(objective), _kept(objective), _errors(objective), _burn(objective)],
        )
        for objective in OBJECTIVES
    ],
    since="now-24h",
    refresh="1m",
    annotations=[Query('ALERTS{alertstate="firing",objective!=""}', "Alerts")],
)
