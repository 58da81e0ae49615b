"""Who uses it, by plan, quota and rank; no tenant has a name here, the API's admin pages have them."""

from deploy.grafana.model import Dashboard, Kind, Panel, Query, Row, Step
from deploy.grafana.promql import rate, ratio

# Every process that reports them reports all: the highest counts.
PLANS = "max by (plan) (precis_tenants)"
BANDS = "max by (band) (precis_tenants_by_quota)"
RANKS = "max by (rank) (precis_tenant_summaries)"
METERED = 'band!~"none|unlimited"'

HOW_MANY = Row(
    "How many",
    [
        Panel(
            title="Tenants",
            means="Organisations, personal ones included.",
            worry="it jumps: sign-ups by a program.",
            unit="short",
            queries=[Query(f"sum({PLANS})", "tenants")],
            kind=Kind.NUMBER,
            width=4,
            base="blue",
        ),
        Panel(
            title="By plan",
            means="Organisations by their plan.",
            worry="a paid plan shrinks from one day to the next: something changes plans that should not.",
            unit="short",
            queries=[Query(PLANS, "{{plan}}")],
            width=10,
            stacked=True,
        ),
        Panel(
            title="Accepted summaries",
            means="Summaries accepted a second, of all tenants.",
            worry="it falls while requests do not: quotas or limits refuse what people came for.",
            unit="ops",
            queries=[Query(rate("precis_summaries_submitted_total"), "accepted")],
            width=10,
        ),
    ],
)
QUOTAS = Row(
    "Quotas of this month",
    [
        Panel(
            title="Tenants by share of their quota",
            means="Organisations by how much of the month's quota they have used. none: nothing yet; "
            "unlimited: there is no quota.",
            worry="80_to_100 grows early in the month: plans are too small, or a loop eats them.",
            unit="short",
            queries=[Query(BANDS, "{{band}}")],
            kind=Kind.BARS,
            base="blue",
        ),
        Panel(
            title="Quota bands over time",
            means="The same over time; all fall back to none when a month begins.",
            worry="exhausted jumps within hours: one program may act for many tenants.",
            unit="short",
            queries=[Query(BANDS, "{{band}}")],
            stacked=True,
        ),
        Panel(
            title="Exhausted",
            means="Of the tenants that have a quota and used it, the share that has nothing left.",
            worry="it is over 10 %: they are refused with every request now, talk to them.",
            unit="percentunit",
            queries=[
                Query(
                    ratio(
                        'sum(max by (band) (precis_tenants_by_quota{band="exhausted"}))',
                        f"sum(max by (band) (precis_tenants_by_quota{{{METERED}}}))",
                    ),
                    "exhausted",
                )
            ],
            kind=Kind.NUMBER,
            high=1,
            steps=[Step(0.1, "orange"), Step(0.3, "red")],
        ),
    ],
)
LARGEST = Row(
    "The largest",
    [
        Panel(
            title="This month's summaries, by rank",
            means="Summaries of this month of the 20 largest organisations, and of all the others together. "
            "A rank is not an organisation: who is second today may be first tomorrow.",
            worry="the first is far ahead of the rest: its failure, or its loop, would be everybody's.",
            unit="short",
            queries=[Query(f"sort_desc({RANKS})", "{{rank}}")],
            kind=Kind.BARS,
            width=12,
            height=14,
            base="blue",
        ),
        Panel(
            title="Share of the largest",
            means="Of this month's summaries, the share of the largest organisation and of the five largest.",
            worry="the largest alone has more than a half: fairness of the queue decides everybody's wait.",
            unit="percentunit",
            queries=[
                Query(
                    ratio(
                        f'sum(max by (rank) (precis_tenant_summaries{{rank=~"{ranks}"}}))',
                        f"sum({RANKS})",
                    ),
                    name,
                )
                for ranks, name in (("1", "largest"), ("[1-5]", "five largest"))
            ],
            width=12,
            height=14,
            high=1,
            steps=[Step(0.5, "orange")],
        ),
    ],
)

DASHBOARD = Dashboard(
    name="tenants",
    title="Tenants and plans",
    description="Who uses it, by plan, quota and rank. No name and no id is here.",
    rows=[HOW_MANY, QUOTAS, LARGEST],
    since="now-24h",
    refresh="1m",
)
